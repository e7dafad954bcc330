#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that is set up as docs/login.md says: card in, PIN, in; card out, locked.

The user tester logs in with a card on a virtual terminal, and the session stays for all tests.
"""

import fcntl
import os
import select
import termios

import login_page
from booted import (LOGIND, PCSCD, READER, BootTest, control_lock_service, main, object_path, run,
                    wait_for_lock_service)
from gi.repository import Gio, GLib
from machines import IDENTITY
from scdtest.testbed import events

RECORDS = "/run/smartcardd-login"
TERMINAL = 3
COLUMNS = 80
HUB = "1-2"
SLEPT = [("PrepareForSleep", True), ("PrepareForSleep", False)]
LONG_S = 600  # the grace for a reader that comes back


def set_grace(seconds):
    """It is used by the lock service when that starts."""
    with open("/etc/smartcardd/lock.conf", "w", encoding="ascii") as file:
        file.write(f"[Lock]\nReaderGraceSec={seconds}\n")


class Terminal:
    """A virtual terminal in front of the seat, with the getty that logind starts there."""

    def __init__(self):
        run("chvt", str(TERMINAL))
        self._screen = open(f"/dev/vcs{TERMINAL}", "rb", buffering=0)
        self._poll = select.poll()
        self._poll.register(self._screen, select.POLLPRI)
        self._poll.poll(0)  # the kernel notes changes from the first call on
        self.wait_for("login:")

    def lines(self):
        """Reading makes the next poll wait for a change."""
        self._screen.seek(0)
        text = self._screen.read().decode("ascii", "replace")
        lines = [text[at:at + COLUMNS].strip() for at in range(0, len(text), COLUMNS)]
        return [line for line in lines if line]

    def wait_for(self, words):
        while not any(words in line for line in self.lines()):
            assert self._poll.poll(1000 * events.LIMIT_S), f"no {words!r} in {self.lines()}"

    def type(self, text):
        """login hangs up the terminal for those who opened it before."""
        keyboard = os.open(f"/dev/tty{TERMINAL}", os.O_RDWR | os.O_NOCTTY)
        for byte in text.encode():
            fcntl.ioctl(keyboard, termios.TIOCSTI, bytes([byte]))
        os.close(keyboard)


class Login(BootTest):
    """changes: the signals of logind that sessions are to be locked and unlocked, and of sleep."""

    @classmethod
    def setUpClass(cls):
        cls.changes = []
        cls.bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
        for interface in (".Session", ".Manager"):
            cls.bus.signal_subscribe(LOGIND, LOGIND + interface, None, None, None,
                                     Gio.DBusSignalFlags.NONE, cls.note_change)
        cls.reader = object_path(cls.places[IDENTITY])
        cls.host.order("insert", IDENTITY)
        run("smartcardctl", "wait", "--timeout", "60", cls.reader)
        login_page.set_up(cls.reader, "login")
        set_grace(LONG_S)
        cls.host.order("remove", IDENTITY)
        run("smartcardctl", "wait", "--removal", "--timeout", "60", cls.reader)
        cls.log_in()

    @classmethod
    def note_change(cls, _bus, _sender, path, _interface, name, arguments):
        if name in ("Lock", "Unlock"):
            cls.changes.append((name, path))
        elif name == "PrepareForSleep":
            cls.changes.append((name, *arguments))

    @classmethod
    def log_in(cls):
        cls.terminal = Terminal()
        cls.terminal.type("tester\n")
        cls.terminal.wait_for("Insert your smart card.")
        cls.host.order("insert", IDENTITY)
        cls.terminal.wait_for("PIN")
        cls.terminal.type(login_page.PIN + "\n")
        cls.terminal.wait_for("$")  # of the shell
        print("# " + "\n# ".join(cls.terminal.lines()))
        name, = os.listdir(RECORDS)
        session, = cls.bus.call_sync(LOGIND, "/org/freedesktop/login1", LOGIND + ".Manager",
                                     "GetSession", GLib.Variant("(s)", (name,)), None,
                                     Gio.DBusCallFlags.NONE, -1, None)
        cls.lock = ("Lock", session)

    def setUp(self):
        """Each test begins with the card in its reader, and with a session that sees it."""
        super().setUp()
        self.wait_for_places()
        if not self.client.get(self.reader, READER, "CardPresent"):
            self.host.order("insert", IDENTITY)
        wait_for_lock_service("of which 1 are")
        self.changes.clear()

    def wait_for_changes(self, *expected):
        self.client.wait(lambda: len(self.changes) >= len(expected), f"{expected}")
        self.assertEqual(self.changes, list(expected))

    def test_card_out_locks(self):
        self.host.order("remove", IDENTITY)
        self.wait_for_changes(self.lock)

    def test_hub_that_is_pulled_locks(self):
        self.addCleanup(control_lock_service, "restart")
        self.addCleanup(set_grace, LONG_S)
        set_grace(1)
        control_lock_service("restart")
        wait_for_lock_service("of which 1 are")
        self.host.order("unplug-hub", HUB)
        place = self.places.pop(IDENTITY)
        self.wait_for_changes(self.lock)
        self.plug(IDENTITY, place)

    def test_restart_of_pcscd_does_not_lock(self):
        """The removal after it does, once."""
        run("systemctl", "restart", PCSCD)
        self.client.wait_for_state(lambda client: client.cards(), "the card is back")
        self.host.order("remove", IDENTITY)
        self.wait_for_changes(self.lock)

    def test_suspend_with_the_card_in_does_not_lock(self):
        """The reader loses its power and comes back. The removal after it locks."""
        card = self.client.get(self.reader, READER, "Card")
        self.host.order("wake")
        run("systemctl", "suspend")
        self.client.wait(lambda: len(self.changes) >= 2, "the machine sleeps and wakes up")
        self.client.wait_for_state(lambda client: client.cards() and card not in client.cards(),
                                   "the card is back")
        self.assertEqual(self.changes, SLEPT)
        self.host.order("remove", IDENTITY)
        self.wait_for_changes(*SLEPT, self.lock)

    def test_card_that_is_pulled_during_suspend_locks(self):
        """When the machine wakes up, and once."""
        self.host.order("wake", "remove", IDENTITY)
        run("systemctl", "suspend")
        self.wait_for_changes(*SLEPT, self.lock)
        self.host.order("insert", IDENTITY)
        wait_for_lock_service("of which 1 are")
        self.host.order("remove", IDENTITY)
        self.wait_for_changes(*SLEPT, self.lock, self.lock)


if __name__ == "__main__":
    main()
