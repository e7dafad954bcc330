#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lock service: it locks the session when the card of its login goes, and only then."""

import os
import pwd
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.login import OTHER_ATR, RECORDS, LoginTest
from scdtest.clients.raw_client import MEMBER, NO_AUTO_START, RawClient
from scdtest.fakes.logind import add_session, remove_session
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

    def run_lock(self, *arguments, **environment):
        """Starts the lock service with these arguments."""
        schemas = {"XDG_DATA_DIRS": self.testbed.folder, "HOME": "/nonexistent",
                   "GSETTINGS_BACKEND": "memory"}
        lock = Process("smartcardd-lock", [built("login/smartcardd-lock"), *arguments],
                       {**schemas, **environment},
                       user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[])
        self.addCleanup(self.stop_lock, lock)
        return lock

    def start_lock(self, environment=None):
        path = os.path.join(self.testbed.folder, "lock.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.LOCK_SETTINGS)
        self.notify = events.NotifySocket(NOTIFY)
        self.addCleanup(self.notify.close)
        lock = self.run_lock(path, **{"NOTIFY_SOCKET": NOTIFY, **(environment or {})})
        self.notify.wait_for("READY=1")
        return lock

    def assert_ends(self, lock, status, words):
        self.assertEqual(lock.wait(), status)
        self.ended.append(lock)
        self.assertIn(words, lock.output)

    def stop_lock(self, lock):
        if lock not in self.ended:
            lock.stop()


class Cards(LockTest):
    def setUp(self):
        super().setUp()
        self.start(("Desk", ATR))
        self.log_in()
        self.lock = self.start_lock()
        self.warnings = 0

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

    def wait_for_output(self, words, count=1):
        events.poll_until(lambda: self.lock.output.count(words) == count, words)

    def test_logind_that_refuses(self):
        """A warning says why; the next removal counts."""
        self.logind.refusal = "the seat is on fire"
        self.readers.remove("Desk")
        self.logind.wait_for_requests(1)
        self.notify.wait_for_line_with("of which 0 are")
        self.logind.refusal = None
        self.insert()
        self.notify.wait_for_line_with("of which 1 are")
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(2), [LOCK, LOCK])
        self.assertIn("refused to end or lock the session: the seat is on fire", self.lock.output)

    def test_logind_that_dies_of_each_request(self):
        """It gets no more than three, and the lock service goes on."""
        others = [self.start_logind() for _ in range(3)]
        for logind in (self.logind, *others[:2]):
            logind.dies_of_requests = True
        self.readers.remove("Desk")
        others[1].wait_for_requests(1)
        self.wait_for_output("refused")
        self.assertEqual([logind.requests for logind in (self.logind, *others)],
                         [[LOCK], [LOCK], [LOCK], []])
        self.insert()
        self.notify.wait_for_line_with("of which 1 are")
        self.readers.remove("Desk")
        self.assertEqual(others[2].wait_for_requests(1), [LOCK])

    def test_signals_of_sleep_that_are_none(self):
        for arguments in (GLib.Variant("()", ()), GLib.Variant("(s)", ("soon",))):
            self.logind.prepare_for_sleep(arguments=arguments)
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def write_record(self, name, text, owner=0):
        new = os.path.join(RECORDS, name + ".new")
        with open(new, "w", encoding="ascii") as file:
            file.write(text)
        os.chown(new, owner, owner)
        os.rename(new, os.path.join(RECORDS, name))

    def test_session_that_is_opened_again(self):
        """The card of the second login counts, and not that of the first."""
        self.write_record("c1", f"Reader={self.desk}\nPort=\nAtr={OTHER_ATR}\n")
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])
        self.notify.wait_for_line_with("sessions: 1, of which 0 are")
        self.readers.swap("Desk", OTHER_ATR)
        self.notify.wait_for_line_with("sessions: 1, of which 1 are")
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(2), [LOCK, LOCK])

    def test_records_that_are_wrong(self):
        """Each is reported and left out; the session with a record stays guarded."""
        add_session("c2", NOBODY.pw_uid)
        good = f"Reader={self.desk}\nPort=\nAtr={ATR}\n"
        for text in ("", *(good.replace(line, "") for line in good.splitlines(True))):
            self.write_record("c2", text)
            self.wait_for_next_warning("Bad message")
        self.write_record("c2", good, owner=NOBODY.pw_uid)
        self.wait_for_next_warning("Bad message")
        new = os.path.join(RECORDS, "c2.new")
        for make, words in ((os.mkfifo, "Bad message"),
                            (lambda path: os.symlink("c1", path), "Too many levels")):
            make(new)
            os.rename(new, os.path.join(RECORDS, "c2"))
            self.wait_for_next_warning(words)
        self.write_record("c3", good)  # a session that logind does not know
        self.write_record("not-a session", good)
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])
        self.assertEqual(self.logind.requests_until_now(), [LOCK])

    def wait_for_next_warning(self, words):
        """Of the record of the session c2."""
        events.poll_until(lambda: self.lock.output.count(f"{RECORDS}/c2: ") > self.warnings, words)
        self.warnings += 1
        self.assertIn(f"{RECORDS}/c2: {words}", self.lock.output.splitlines()[-1])

    def test_folder_that_goes(self):
        """The service manager starts it again."""
        shutil.rmtree(RECORDS)
        self.assert_ends(self.lock, 1, "")

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

    def test_sleep_that_another_program_reports(self):
        """Only logind can make the lock service wait for readers that lost their power."""
        self.logind.pretend_to_sleep()
        self.readers.swap("Desk", ATR)
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

    def test_record_that_outlives_its_session(self):
        """As of a session that a unit with PAMName= closes for its user."""
        remove_session("c1")
        self.readers.remove("Desk")
        self.notify.wait_for_line_with("of which 0 are")
        self.assertEqual(self.logind.requests_until_now(), [])
        self.assertNotIn("was removed", self.lock.output)

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
        self.assert_ends(self.lock, 1, "")

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


class Ends(LockTest):
    """Why it does not start."""

    def test_usage(self):
        for arguments in (("--help",), ("/a", "/b")):
            self.assert_ends(self.run_lock(*arguments), 2, "Usage: smartcardd-lock [SETTINGS]")

    def test_no_folder_of_records(self):
        self.assert_ends(self.run_lock(), 1, f"{RECORDS}: No such file or directory")

    def test_no_bus(self):
        os.mkdir(RECORDS)
        self.assert_ends(self.run_lock(DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent"), 1,
                         "the system bus: No such file or directory")


class NoAction(LockTest):
    LOCK_SETTINGS = "[Lock]\nAction=none\n"

    def test_removal(self):
        self.start(("Desk", ATR))
        self.log_in()
        self.start_lock()
        self.readers.remove("Desk")
        self.notify.wait_for_line_with("of which 0 are")
        self.assertEqual(self.logind.requests_until_now(), [])


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

    def test_last_look_starts_no_service(self):
        """An administrator may have stopped it, and then the session is to be locked, too."""
        monitor = RawClient("root")
        self.addCleanup(monitor.close)
        monitor.monitor("member='GetManagedObjects'", "member='LockSession'")
        self.reader.unplug()
        flags, member = [], None
        while member != "LockSession":
            member = monitor.receive()[1].get(MEMBER)
            if member == "GetManagedObjects":
                flags.append(monitor.flags)
        self.assertEqual(set(flags), {NO_AUTO_START}, flags)

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

    def plug_again(self):
        """With the card in it; the kernel gives it another address."""
        self.reader.unplug()
        self.wait_for_readers(0)
        self.reader.plug(address=3)
        self.wait_for_readers(1)
        self.readers = self.simulator()
        self.insert(self.reader.name())

    def test_pcscd_reports_the_card_before_the_reader(self):
        """libccid takes a reader that is unplugged for an empty one, until udev has told pcscd."""
        self.reader.forget()
        self.readers.remove(self.reader.name())
        self.client.wait_for_signal("CardRemoved")
        self.plug_again()
        self.assertEqual(self.logind.requests_until_now(), [])
        self.readers.remove(self.reader.name())
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_pcscd_reports_the_card_before_the_kernel_removes_the_reader(self):
        """The kernel removes the devices of a dock one after the other."""
        self.reader.mark_gone()
        self.readers.remove(self.reader.name())
        self.notify.wait_for_line_with("of which 0 are")
        self.plug_again()
        self.notify.wait_for_line_with("of which 1 are")
        self.assertEqual(self.logind.requests_until_now(), [])
        self.readers.remove(self.reader.name())
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_pcscd_wakes_up_before_the_kernel_removes_the_device(self):
        """The reader shows as empty while the kernel still has the device of before the sleep."""
        self.logind.sleep_and_resume()
        self.readers.remove(self.reader.name())
        self.notify.wait_for_line_with("of which 0 are")
        self.plug_again()
        self.notify.wait_for_line_with("of which 1 are")
        self.assertEqual(self.logind.requests_until_now(), [])
        self.readers.remove(self.reader.name())
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])


if __name__ == "__main__":
    case.main(preload=PRELOAD)
