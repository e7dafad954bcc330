#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bridge to GNOME, read by gnome-shell's own file where it is installed."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

from scdtest.cases import case
from scdtest.cases.login import OTHER_ATR, LoginTest
from scdtest.clients.program import Program
from scdtest.fakes.logind import add_session, set_display
from scdtest.testbed import events
from scdtest.testbed.process import Process
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import SOURCE, built, simulated_reader
from scdtest.testbed.usb import PRELOAD, Bus, Reader

FOLDER = os.path.join(SOURCE, "tests", "login")
SHELL = os.environ.get("SCD_GNOME_SHELL", "/usr/lib/gnome-shell/libgnome-shell.so")
RESOURCES = "/org/gnome/shell/misc/"
NAME = "org.gnome.SettingsDaemon.Smartcard"
MANAGER = "/org/gnome/SettingsDaemon/Smartcard/Manager"
FAST_S = 0.05
NOBODY = pwd.getpwnam("nobody").pw_uid
DESK = "Simulated_Reader_Desk_00_00"


class OwnReader:
    """A client that reads as gnome-shell does."""

    def reader_folder(self):
        return os.path.join(FOLDER, "shell-reader")


class ShellReader:
    """The file of the gnome-shell that is installed."""

    def reader_folder(self):
        folder = os.path.join(self.testbed.folder, "shell")
        os.makedirs(os.path.join(folder, "misc"))
        names = subprocess.run(["gresource", "list", SHELL, RESOURCES], capture_output=True,
                               text=True, check=True).stdout.split()
        for name in names:
            if os.path.dirname(name) + "/" == RESOURCES:
                with open(os.path.join(folder, "misc", os.path.basename(name)), "wb") as file:
                    subprocess.run(["gresource", "extract", SHELL, name], stdout=file, check=True)
        return folder


class GnomeTest(LoginTest):
    """All programs of the session run for the user UID."""

    UID = 0

    def start_bus(self):
        super().start_bus()
        folder = os.path.join(self.testbed.folder, "session")
        os.mkdir(folder)
        os.chown(folder, self.UID, self.UID)
        os.chmod(self.testbed.folder, 0o755)
        path = os.path.join(folder, "bus")
        self.address = "unix:path=" + path
        session_bus = self.start_in_session("dbus-daemon", [
            "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address=" + self.address])
        self.addCleanup(session_bus.stop)
        events.wait_for_listener(path)
        self.environment = {"DBUS_SESSION_BUS_ADDRESS": self.address, "XDG_SESSION_ID": "c1",
                            "HOME": "/nonexistent"}
        add_session("c1", NOBODY)

    def start_in_session(self, name, command, environment=None):
        return Process(name, command, environment, user=self.UID, group=self.UID, extra_groups=[])

    def start_bridge(self, **environment):
        owned = []
        flags = Gio.DBusConnectionFlags
        os.seteuid(self.UID)  # whose bus it is
        try:
            self.session = Gio.DBusConnection.new_for_address_sync(
                self.address, flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION, None,
                None)
        finally:
            os.seteuid(0)
        watch = Gio.bus_watch_name_on_connection(
            self.session, NAME, Gio.BusNameWatcherFlags.NONE,
            lambda _connection, name, owner: owned.append(owner), None)
        bridge = self.start_in_session("smartcardd-gnome", [built("login/smartcardd-gnome")],
                                       {**self.environment, **environment})
        self.addCleanup(bridge.stop)
        events.wait_until(lambda: owned, "the bridge has its name")
        Gio.bus_unwatch_name(watch)
        return bridge

    def start_shell(self):
        user = ["setpriv", f"--reuid={self.UID}", f"--regid={self.UID}", "--clear-groups"]
        shell = Program([*user, "gjs", os.path.join(FOLDER, "shell-events.js"), self.reader_folder()],
                        environment=self.environment)
        self.addCleanup(shell.close)
        shell.wait_for_lines(1)
        self.assertEqual(shell.lines[0], "ready")
        return shell

    def call(self, method, signature):
        return self.session.call_sync(NAME, MANAGER, NAME + ".Manager", method, None,
                                      GLib.VariantType(signature), Gio.DBusCallFlags.NONE, -1,
                                      None).unpack()[0]


class Sleep(GnomeTest):
    def test_it_sleeps(self):
        """It waits without a time limit when nothing happens."""
        self.start(("Desk", ATR))
        bridge = self.start_bridge()
        events.poll_until(lambda: not bridge.has_timer(), "no timer is set")


class Session(GnomeTest):
    """A user service need not know its session; its seat is that of the graphical one."""

    UID = NOBODY

    def tokens(self):
        bridge = self.start_bridge(XDG_SESSION_ID="../c1")
        tokens = self.call("GetInsertedTokens", "(ao)")
        bridge.stop()
        return tokens

    def test_seat(self):
        self.start(("Desk", ATR))
        token = MANAGER + "/Tokens/" + DESK
        for display, seat, tokens in (("DISPLAY=c1", "seat1", []), ("DISPLAY=c1", "seat0", [token]),
                                      ("", "seat1", [token])):
            set_display(NOBODY, display)
            add_session("c1", NOBODY, SEAT=seat)
            self.assertEqual(self.tokens(), tokens, (display, seat))


class Ends(GnomeTest):
    def assert_ends(self, words, **environment):
        bridge = self.start_in_session("smartcardd-gnome", [built("login/smartcardd-gnome")],
                                       {**self.environment, **environment})
        self.assertEqual(bridge.wait(), 1)
        self.assertIn(words, bridge.output)

    def test_name_that_another_program_has(self):
        """Such as the plugin of GNOME's settings daemon; the first one stays."""
        self.start(("Desk", ATR))
        self.start_bridge()
        self.assert_ends("cannot have the name " + NAME)
        self.assertEqual(len(self.call("GetInsertedTokens", "(ao)")), 1)

    def test_no_bus(self):
        for name in ("DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS"):
            self.assert_ends("cannot connect to the buses: No such file or directory",
                             **{name: "unix:path=/nonexistent"})


@unittest.skipUnless(shutil.which("gjs"), "gjs is not installed")
class AroundSleep(OwnReader, GnomeTest):
    """Readers lose their power in suspend, and come back at resume.

    All programs see the devices of the kernel: pcscd may report the card before the reader.
    """

    def setUp(self):
        super().setUp()
        self.logind = self.start_logind()
        self.bus = Bus()
        self.addCleanup(self.bus.close)
        os.chmod(self.bus.testbed.get_root_dir(), 0o755)
        devices = {**self.bus.environment(), "ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.environment = {**self.environment, **devices}
        self.reader = Reader(self.bus, "1-1", 2)
        self.reader.plug()
        self.testbed.start_pcscd(environment=self.bus.environment())
        self.testbed.start_service("--config", self.settings, environment=devices)
        self.client = self.recorder()
        self.wait_for_readers(1)
        self.insert_again()
        self.start_bridge()
        self.shell = self.start_shell()
        self.shell.wait_for_lines(2)
        self.address = 2

    def wait_for_readers(self, count):
        self.client.wait_for_state(lambda c: len(c.readers()) == count, f"{count} readers")

    def insert_again(self):
        self.readers = self.simulator()
        self.insert(self.reader.name())

    def sleep_and_resume(self):
        self.logind.prepare_for_sleep()
        self.reader.unplug()
        self.wait_for_readers(0)
        self.logind.prepare_for_sleep(begins=False)
        self.address += 1
        self.reader.plug(address=self.address)
        self.wait_for_readers(1)

    def assert_events(self, *expected):
        self.shell.wait_for_lines(1 + len(expected))
        self.assertEqual([line.split()[0] for line in self.shell.lines], ["ready", *expected])

    def test_card_that_stays(self):
        """It is no event; the removal after it is one."""
        self.sleep_and_resume()
        self.insert_again()
        self.readers.remove(self.reader.name())
        self.assert_events("inserted", "removed")

    def test_card_that_is_pulled(self):
        self.sleep_and_resume()
        self.assert_events("inserted", "removed")
        self.insert_again()
        self.assert_events("inserted", "removed", "inserted")

    def test_two_times(self):
        self.sleep_and_resume()
        self.insert_again()
        self.sleep_and_resume()
        self.insert_again()
        self.readers.remove(self.reader.name())
        self.assert_events("inserted", "removed")


@unittest.skipUnless(shutil.which("gjs"), "gjs is not installed")
class Greeter(OwnReader, GnomeTest):
    """A login screen runs for a user without permissions."""

    UID = NOBODY

    def test_events(self):
        self.start(("Desk", ATR))
        self.start_bridge()
        shell = self.start_shell()
        for count in (2, 4):
            shell.wait_for_lines(count)
            self.readers.remove("Desk")
            shell.wait_for_lines(count + 1)
            self.insert()
        shell.wait_for_lines(6)
        self.assertEqual([line.split()[0] for line in shell.lines],
                         ["ready", *["inserted", "removed"] * 2, "inserted"])


class Events:
    """Mixed with one of the readers."""

    def assert_changes(self, shell, *expected):
        """Waits for them. A card that is inserted while the shell reads the tokens is shown twice:
        as one that is there, and as one that is inserted."""
        def changes():
            words = [line.split()[0] for line in shell.lines[1:]]
            return [word for word, before in zip(words, [None, *words]) if word != before]

        events.wait_until(lambda: len(changes()) >= len(expected), f"{expected}")
        self.assertEqual(changes(), list(expected))

    def test_card_is_there(self):
        self.start(("Desk", ATR))
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for("inserted " + DESK)
        self.assertEqual(len(shell.lines), 2)

    def test_insertion_and_removal(self):
        """The first event shows that the shell has read the tokens."""
        self.start(("Desk", ATR))
        self.start_bridge()
        shell = self.start_shell()
        for count in (1, 2, 3):
            shell.wait_for_lines(2 * count)
            self.readers.remove("Desk")
            shell.wait_for_lines(2 * count + 1)
            self.insert()
        shell.wait_for_lines(8)
        self.assertEqual([line.split()[0] for line in shell.lines],
                         ["ready", *["inserted", "removed"] * 3, "inserted"])

    def test_swap_is_two_changes(self):
        self.start(("Desk", ATR))
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(2)
        self.readers.swap("Desk", ATR)
        shell.wait_for_lines(4)
        self.assertEqual([line.split()[0] for line in shell.lines],
                         ["ready", "inserted", "removed", "inserted"])

    def test_other_tokens_do_not_count(self):
        """A card that is not for logins, and a reader that is not."""
        self.start(("Desk", ATR))
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(2)
        self.insert("Other", ATR)
        self.readers.swap("Desk", OTHER_ATR)
        shell.wait_for_lines(3)
        self.readers.swap("Desk", ATR)
        shell.wait_for_lines(4)
        self.assertEqual([line.split()[:2] for line in shell.lines],
                         [["ready"], ["inserted", DESK], ["removed", DESK], ["inserted", DESK]])

    def test_mute_card(self):
        """It is none."""
        self.start(("Desk", ATR))
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(2)
        self.readers.order("mute", "Desk", "on")
        self.readers.swap("Desk", ATR)
        shell.wait_for_lines(3)
        self.readers.remove("Desk")
        self.insert()
        self.readers.order("mute", "Desk", "off")
        self.readers.swap("Desk", ATR)
        shell.wait_for_lines(4)
        self.assertEqual([line.split()[0] for line in shell.lines],
                         ["ready", "inserted", "removed", "inserted"])

    def test_user_who_was_switched(self):
        """The session is not in front: its card counts all the same."""
        self.start(("Desk", ATR))
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(2)
        add_session("c1", NOBODY, ACTIVE="0", STATE="online")
        self.readers.remove("Desk")
        shell.wait_for_lines(3)
        self.assertEqual([line.split()[0] for line in shell.lines],
                         ["ready", "inserted", "removed"])

    def test_restart_of_the_service(self):
        """It is no removal; the next removal counts."""
        self.check_restart_of_the_service(self.testbed.stop_service)

    def test_service_that_is_killed(self):
        self.check_restart_of_the_service(self.kill_service)

    def check_restart_of_the_service(self, stop):
        self.start(("Desk", ATR))
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(2)
        stop()
        self.start_service()
        self.client.cards()
        self.readers.remove("Desk")
        shell.wait_for_lines(3)
        self.assertEqual([line.split()[0] for line in shell.lines],
                         ["ready", "inserted", "removed"])

    def test_card_that_is_pulled_while_the_service_is_away(self):
        self.start(("Desk", ATR))
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(2)
        self.testbed.stop_service()
        self.readers.remove("Desk")
        self.start_service()
        shell.wait_for_lines(3)
        self.client.cards()
        self.insert()
        shell.wait_for_lines(4)
        self.assertEqual([line.split()[0] for line in shell.lines],
                         ["ready", "inserted", "removed", "inserted"])

    def test_card_that_is_inserted_while_the_service_is_away(self):
        self.start()
        self.start_bridge()
        shell = self.start_shell()
        self.testbed.stop_service()
        self.readers.insert("Desk", ATR)
        self.start_service()
        self.assert_changes(shell, "inserted")
        self.readers.remove("Desk")
        self.assert_changes(shell, "inserted", "removed")

    def test_card_that_is_inserted_while_the_bridge_is_away(self):
        self.start()
        bridge = self.start_bridge()
        shell = self.start_shell()
        bridge.stop()
        self.insert()
        self.start_bridge()
        shell.wait_for("inserted")
        self.readers.remove("Desk")
        events.wait_until(lambda: shell.lines[-1].startswith("removed"), "the removal")
        self.assertEqual([line.split()[0] for line in shell.lines].count("inserted"), 1)

    def test_time_from_the_signal(self):
        """The fastest of several events: others may wait for the processor."""
        self.start(("Desk", ATR))
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(2)
        times = []
        for count in range(3, 11):
            order, member = ((self.readers.remove, "CardRemoved") if count % 2 else
                             (self.readers.insert, "CardInserted"))
            since = len(self.client.signals)
            order("Desk", *([] if count % 2 else [ATR]))
            self.client.wait_for_signal(member, since=since)
            start = time.monotonic()
            shell.wait_for_lines(count)
            times.append(time.monotonic() - start)
        self.assertLess(min(times), FAST_S)

    def test_card_that_is_pulled_while_the_bridge_is_away(self):
        """The shell takes the end of the bridge for a removal."""
        self.start(("Desk", ATR))
        bridge = self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(2)
        bridge.stop()
        shell.wait_for_lines(3)
        self.readers.remove("Desk")
        self.client.wait_for_signal("CardRemoved")
        self.start_bridge()
        self.insert()
        self.assert_changes(shell, "inserted", "removed", "inserted")

    def test_restart_of_pcscd(self):
        self.check_restart_of_pcscd(signal.SIGTERM)

    def test_pcscd_that_is_killed(self):
        self.check_restart_of_pcscd(signal.SIGKILL)

    def check_restart_of_pcscd(self, number):
        self.start(("Desk", ATR))
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(2)
        self.testbed.stop_pcscd(number)
        self.client.wait_for_state(lambda c: not c.manager("Available"), "pcscd is away")
        self.testbed.start_pcscd([simulated_reader("Desk", card=ATR)])
        self.client.wait_for_state(lambda c: c.cards(), "the card is back")
        self.readers = self.simulator()
        self.readers.remove("Desk")
        shell.wait_for_lines(3)
        self.assertEqual([line.split()[0] for line in shell.lines],
                         ["ready", "inserted", "removed"])

    def test_restart_of_the_bridge(self):
        self.start(("Desk", ATR))
        bridge = self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(2)
        bridge.stop()
        shell.wait_for_lines(3)
        self.start_bridge()
        shell.wait_for_lines(4)
        self.assertEqual([line.split()[0] for line in shell.lines],
                         ["ready", "inserted", "removed", "inserted"])

    def test_card_of_the_login(self):
        self.start(("Desk", ATR))
        self.output_of_pam("auth", "PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=c1", "open")
        self.start_bridge(PKCS11_LOGIN_TOKEN_NAME="My token")
        shell = self.start_shell()
        shell.wait_for('"My token" login login-inserted')
        token = MANAGER + "/Tokens/" + DESK
        self.assertEqual(self.call("GetLoginToken", "(o)"), token)
        self.assertEqual(self.call("GetInsertedTokens", "(ao)"), [token])
        self.readers.remove("Desk")
        shell.wait_for('removed', '"My token" login login-missing')
        self.assertEqual(self.call("GetInsertedTokens", "(ao)"), [])

    def test_name_that_is_not_text(self):
        """The label of a token may be any bytes; the name of the reader takes its place."""
        self.start(("Desk", ATR))
        self.output_of_pam("auth", "PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=c1", "open")
        self.start_bridge(PKCS11_LOGIN_TOKEN_NAME="\udcff")
        shell = self.start_shell()
        shell.wait_for("inserted " + DESK, '"Simulated Reader Desk', " login login-inserted")

    def test_no_card_of_the_login(self):
        self.start(("Desk", ATR))
        self.start_bridge()
        with self.assertRaisesRegex(GLib.Error, "No card was used"):
            self.call("GetLoginToken", "(o)")

    def test_reader_that_is_unplugged(self):
        bus = Bus()
        self.addCleanup(bus.close)
        reader = Reader(bus, "1-1", 2)
        reader.plug()
        self.testbed.start_pcscd(environment=bus.environment())
        self.start_service()
        self.client = self.recorder()
        self.client.wait_for_state(lambda c: len(c.readers()) == 1, "the reader")
        self.readers = self.simulator()
        self.insert(reader.name())
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(2)
        reader.unplug()
        shell.wait_for_lines(3)
        reader.plug()
        self.client.wait_for_state(lambda c: len(c.readers()) == 1, "the reader")
        self.readers = self.simulator()
        self.insert(reader.name())
        shell.wait_for_lines(4)
        _, *changes = [line.split()[:2] for line in shell.lines]
        token = changes[0][1]
        self.assertEqual(changes, [["inserted", token], ["removed", token], ["inserted", token]])


@unittest.skipUnless(shutil.which("gjs"), "gjs is not installed")
class ReadInItsWay(OwnReader, Events, GnomeTest):
    pass


@unittest.skipUnless(os.path.exists(SHELL) and shutil.which("gjs"),
                     "gnome-shell is not installed")
class ReadByGnomeShell(ShellReader, Events, GnomeTest):
    pass


if __name__ == "__main__":
    case.main(preload=PRELOAD)
