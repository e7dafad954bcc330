#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lock service: it locks the session when the card of its login goes, and only then."""

import os
import pwd
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.login import OTHER_ATR, RECORDS, LoginTest
from scdtest.fakes.logind import add_session
from scdtest.testbed import events
from scdtest.testbed.process import Process
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import built
from scdtest.testbed.usb import PRELOAD, Bus, Reader

NOBODY = pwd.getpwnam("nobody")
LOCK = ("LockSession", "c1")
NOTIFY = "/run/scd/notify-lock"


class LockTest(LoginTest):
    LOCK_SETTINGS = "[Lock]\nReaderGraceSec=1\n"

    def start_bus(self):
        super().start_bus()
        os.chmod(self.testbed.folder, 0o755)  # the service runs for another user
        self.ended = []  # lock services whose end was expected
        self.logind = self.start_logind()
        add_session("c1", NOBODY.pw_uid)

    def log_in(self, session="c1", **options):
        self.output_of_pam("auth", "PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=" + session, "open",
                           **options)

    def start_lock(self, environment=None):
        path = os.path.join(self.testbed.folder, "lock.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.LOCK_SETTINGS)
        self.notify = events.NotifySocket(NOTIFY)
        self.addCleanup(self.notify.close)
        schemas = {"XDG_DATA_DIRS": self.testbed.folder, "HOME": "/nonexistent",
                   "GSETTINGS_BACKEND": "memory"}
        lock = Process("smartcardd-lock", [built("login/smartcardd-lock"), path],
                       {**schemas, "NOTIFY_SOCKET": NOTIFY, **(environment or {})},
                       user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[])
        self.addCleanup(self.stop_lock, lock)
        self.notify.wait_for("READY=1")
        return lock

    def stop_lock(self, lock):
        if lock not in self.ended:
            lock.stop()


class Cards(LockTest):
    def setUp(self):
        super().setUp()
        self.start(("Desk", ATR))
        self.log_in()
        self.lock = self.start_lock()

    def test_removal(self):
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_logind_that_restarts(self):
        """It ends without an answer; the one that follows gets the request again."""
        following = self.start_logind()
        self.logind.dies_of_requests = True
        self.readers.remove("Desk")
        self.assertEqual(following.wait_for_requests(1), [LOCK])
        self.assertEqual(self.logind.requests, [LOCK])

    def test_each_removal_once(self):
        for count in (1, 2, 3):
            self.readers.remove("Desk")
            self.assertEqual(self.logind.wait_for_requests(count), [LOCK] * count)
            self.notify.wait_for_line_with("of which 0 are")
            self.insert()
            self.notify.wait_for_line_with("of which 1 are")

    def test_swap_within_a_millisecond(self):
        self.readers.swap("Desk", ATR)
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_swap_for_another_card(self):
        self.readers.swap("Desk", OTHER_ATR)
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_card_in_another_reader(self):
        self.insert("Other")
        self.readers.remove("Other")
        self.client.wait_for_signal("CardRemoved")
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_restart_of_the_service(self):
        """It comes back with the card: that is no removal, and the next removal counts."""
        self.testbed.stop_service()
        self.start_service()
        self.client.cards()
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_resume(self):
        self.logind.sleep_and_resume()
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_session_that_ends(self):
        add_session("c5", NOBODY.pw_uid)
        self.output_of_pam("auth", "PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=c5", "open",
                           "close")
        os.unlink(os.path.join(RECORDS, "c1"))
        add_session("c2", NOBODY.pw_uid)
        self.output_of_pam("auth", "PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=c2", "open")
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [("LockSession", "c2")])

    def test_session_of_another_user(self):
        add_session("c3", 0)
        new = os.path.join(RECORDS, "c3.new")
        shutil.copy(os.path.join(RECORDS, "c1"), new)
        os.rename(new, os.path.join(RECORDS, "c3"))
        add_session("c4", NOBODY.pw_uid)
        self.output_of_pam("auth", "PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=c4", "open")
        self.readers.remove("Desk")
        self.assertEqual(set(self.logind.wait_for_requests(2)), {LOCK, ("LockSession", "c4")})

    def test_bus_that_ends(self):
        """The service manager starts it again."""
        self.testbed.stop_service()
        self.testbed.bus.kill()
        self.testbed.bus = None
        self.assertEqual(self.lock.wait(), 1)
        self.ended.append(self.lock)

    def test_it_sleeps(self):
        """It waits without a time limit when it has started."""
        events.poll_until(lambda: not self.lock.has_timer(), "no timer is set")


class Before(LockTest):
    def test_card_that_was_pulled_before_the_service_started(self):
        self.start(("Desk", ATR))
        self.log_in()
        self.readers.remove("Desk")
        self.client.wait_for_signal("CardRemoved")
        self.start_lock()
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_login_with_a_password(self):
        """The session has no card, and is not locked."""
        self.start(("Desk", ATR))
        os.makedirs(RECORDS)
        self.output_of_pam("auth", "XDG_SESSION_ID=c1", "open")
        self.start_lock()
        self.readers.remove("Desk")
        self.client.wait_for_signal("CardRemoved")
        self.insert()
        add_session("c2", NOBODY.pw_uid)
        self.output_of_pam("auth", "PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=c2", "open")
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [("LockSession", "c2")])


class LogOut(LockTest):
    LOCK_SETTINGS = "[Lock]\nAction=logout\n"

    def test_log_out(self):
        self.start(("Desk", ATR))
        self.log_in()
        self.start_lock()
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [("TerminateSession", "c1")])


class Gnome(LockTest):
    SCHEMA = """<schemalist>
<enum id="removal"><value nick="none" value="0"/><value nick="lock-screen" value="1"/>
<value nick="force-logout" value="2"/></enum>
<schema id="org.gnome.settings-daemon.peripherals.smartcard"
        path="/org/gnome/settings-daemon/peripherals/smartcard/">
<key name="removal-action" enum="removal"><default>'force-logout'</default></key>
</schema></schemalist>
"""

    def test_setting_of_gnome_takes_precedence(self):
        folder = os.path.join(self.testbed.folder, "schemas")
        os.mkdir(folder)
        with open(os.path.join(folder, "gnome.gschema.xml"), "w", encoding="utf-8") as file:
            file.write(self.SCHEMA)
        subprocess.run(["glib-compile-schemas", folder], check=True)
        self.start(("Desk", ATR))
        self.log_in()
        self.start_lock({"GSETTINGS_SCHEMA_DIR": folder})
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [("TerminateSession", "c1")])


class Settings(LockTest):
    LOCK_SETTINGS = "[Lock]\nAction=explode\nReaderGraceSec=-1\nColor=red\n[More]\n"

    def test_wrong_settings(self):
        self.start(("Desk", ATR))
        self.log_in()
        lock = self.start_lock()
        for words in ("Action= has to be lock, logout or none", "ReaderGraceSec= has to be",
                      "Color= is unknown", "group [More] is unknown"):
            self.assertIn(words, lock.output)
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])


class PluggingTest(LockTest):
    """A USB reader that is unplugged."""

    def setUp(self):
        super().setUp()
        self.bus = Bus()
        self.addCleanup(self.bus.close)
        self.reader = Reader(self.bus, "1-1", 2)
        self.reader.plug()
        self.testbed.start_pcscd(environment=self.bus.environment())
        self.testbed.start_service("--config", self.settings, environment=self.environment())
        self.client = self.recorder()
        self.wait_for_readers(1)
        self.readers = self.simulator()
        self.insert(self.reader.name())
        self.log_in()
        self.start_lock(self.environment())

    def environment(self):
        """Of the service and the lock service."""
        return {}

    def wait_for_readers(self, count):
        self.client.wait_for_state(lambda c: len(c.readers()) == count, f"{count} readers")


class ShortGrace(PluggingTest):
    def test_reader_that_does_not_come_back(self):
        self.reader.unplug()
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_reader_that_comes_back_without_the_card(self):
        self.reader.unplug()
        self.wait_for_readers(0)
        self.reader.plug()
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])


class LongGrace(PluggingTest):
    LOCK_SETTINGS = "[Lock]\nReaderGraceSec=600\n"

    def test_reader_that_comes_back_with_the_card(self):
        self.reader.unplug()
        self.wait_for_readers(0)
        self.reader.plug()
        self.wait_for_readers(1)
        self.readers = self.simulator()
        self.insert(self.reader.name())
        self.assertEqual(self.logind.requests_until_now(), [])
        self.readers.remove(self.reader.name())
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])


class PortIsKnown(PluggingTest):
    """The service and the lock service see the devices of the kernel."""

    LOCK_SETTINGS = LongGrace.LOCK_SETTINGS

    def environment(self):
        os.chmod(self.bus.testbed.get_root_dir(), 0o755)
        return {**self.bus.environment(), "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def test_pcscd_reports_the_card_before_the_reader(self):
        """libccid takes a reader that is unplugged for an empty one, until udev has told pcscd."""
        self.reader.forget()
        self.readers.remove(self.reader.name())
        self.client.wait_for_signal("CardRemoved")
        self.reader.unplug()
        self.wait_for_readers(0)
        self.reader.plug(address=3)
        self.wait_for_readers(1)
        self.readers = self.simulator()
        self.insert(self.reader.name())
        self.assertEqual(self.logind.requests_until_now(), [])
        self.readers.remove(self.reader.name())
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])


if __name__ == "__main__":
    case.main(preload=PRELOAD)
