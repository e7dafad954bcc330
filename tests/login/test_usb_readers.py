#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""USB readers at two seats, and behind a hub: the PAM module, the lock service, the bridge to GNOME.

The kernel of the test bed is mocked; all programs see its devices.
"""

import os
import pwd
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio

from scdtest.cases import case
from scdtest.cases.login import CARD, INSERT, RECORDS, LoginTest
from scdtest.clients.recorder import OBJECT_MANAGER
from scdtest.fakes.logind import add_session
from scdtest.testbed import events
from scdtest.testbed.simulator import ATR
from scdtest.testbed.usb import PRELOAD, Bus, Hub, Reader
from test_gnome import NAME, GnomeTest, OwnReader
from test_lock import LOCK, LockTest

NOBODY = pwd.getpwnam("nobody").pw_uid
OTHER_LOCK = ("LockSession", "c2")


class UsbReaders:
    """Mixed with a test of one of the programs. near, far: two readers that are plugged in."""

    def start_usb(self):
        self.bus = Bus()
        self.addCleanup(self.bus.close)
        os.chmod(self.bus.testbed.get_root_dir(), 0o755)
        self.environment = {**getattr(self, "environment", {}), **self.bus.environment(),
                            "ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.near, self.far = self.make_readers()
        for reader in (self.near, self.far):
            reader.plug()
        self.testbed.start_pcscd(environment=self.bus.environment())
        self.testbed.start_service("--config", self.settings, environment={
            **self.bus.environment(), "ASAN_OPTIONS": "verify_asan_link_order=0"})
        self.client = self.recorder()
        self.wait_for_readers(2)
        self.readers = self.simulator()

    def wait_for_readers(self, count):
        """Waits until there are so many readers for logins."""
        self.client.wait_for_state(
            lambda client: [properties["LoginCandidate"] for _, properties
                            in client.readers().values()] == [True] * count,
            f"{count} readers for logins")

    def insert_into(self, *readers):
        for reader in readers:
            self.insert(reader.name())

    def remove_from(self, reader):
        since = len(self.client.signals)
        self.readers.remove(reader.name())
        self.client.wait_for_signal("CardRemoved", since=since)


class TwoSeats(UsbReaders):
    """near is at seat0, and far at seat1."""

    SETTINGS = f"[Login]\nLoginCards=atr {ATR}\n[Reader far]\nMatchPort=1-2\nLogin=yes\n"

    def make_readers(self):
        return Reader(self.bus, "1-1", 2), Reader(self.bus, "1-2", 3, seat="seat1")


class OneHub(UsbReaders):
    """Both are behind a hub."""

    SETTINGS = f"[Login]\nLoginCards=atr {ATR}\n"

    def make_readers(self):
        hub = Hub(self.bus, "1-1", 2)
        return [Reader(self.bus, f"1-1.{port}", 2 + port, hub=hub) for port in (1, 2)]

    def pull_and_plug(self):
        """Pulls the hub, and plugs it in again; the readers are empty then."""
        for reader in (self.near, self.far):
            reader.unplug()
        self.wait_for_readers(0)
        for address, reader in enumerate((self.near, self.far), 8):
            reader.plug(address=address)
        self.wait_for_readers(2)
        self.readers = self.simulator()


class PamAtTwoSeats(TwoSeats, LoginTest):
    def test_card_at_the_other_seat(self):
        self.start_usb()
        for seat, own, other in (("seat0", self.near, self.far), ("seat1", self.far, self.near)):
            self.insert_into(other)
            login = self.pam("auth", arguments="timeout=infinite", seat="XDG_SEAT=" + seat)
            login.wait_for(INSERT)
            self.remove_from(other)
            self.insert_into(other, own)
            login.wait()
            self.assertEqual(login.lines, [INSERT, CARD])
            self.remove_from(own)
            self.remove_from(other)

    def test_reader_that_is_attached_to_the_seat(self):
        """A login that waits follows the administrator."""
        self.start_usb()
        self.insert_into(self.far)
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for(INSERT)
        self.far.attach("seat0")
        login.wait()
        self.assertEqual(login.lines, [INSERT, CARD])

    def test_cards_at_both_seats(self):
        """Each session has the card of its seat: it is known which one was used."""
        self.start_usb()
        self.insert_into(self.near, self.far)
        for seat, port in (("seat0", "1-1:1.0"), ("seat1", "1-2:1.0")):
            add_session("c1", NOBODY, SEAT=seat)
            login = self.pam("auth", "PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=c1", "open",
                             "wait", "close", seat="XDG_SEAT=" + seat)
            login.wait_for("waiting")
            with open(os.path.join(RECORDS, "c1"), encoding="utf-8") as file:
                self.assertIn(f"Port={port}\n", file.readlines())
            login.send_signal(signal.SIGUSR1)
            self.assertEqual(login.wait(), 0)


class PamAndHub(OneHub, LoginTest):
    def test_hub_that_is_pulled(self):
        """The person is asked for the card once."""
        self.start_usb()
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for(INSERT)
        self.pull_and_plug()
        self.insert_into(self.far)
        login.wait()
        self.assertEqual(login.lines, [INSERT, CARD])


class LockAtTwoSeats(TwoSeats, LockTest):
    def test_card_at_the_other_seat(self):
        """Each session is locked when the card of its seat goes, and by no other card."""
        self.start_usb()
        self.insert_into(self.near, self.far)
        self.log_in(seat="XDG_SEAT=seat0")
        add_session("c2", NOBODY, SEAT="seat1")
        self.log_in(session="c2", seat="XDG_SEAT=seat1")
        self.start_lock(self.environment)
        self.remove_from(self.far)
        self.assertEqual(self.logind.wait_for_requests(1), [OTHER_LOCK])
        self.insert_into(self.far)
        self.remove_from(self.near)
        self.assertEqual(self.logind.wait_for_requests(2), [OTHER_LOCK, LOCK])


class BridgeAtTwoSeats(TwoSeats, OwnReader, GnomeTest):
    def assert_events(self, seat, own, other):
        add_session("c1", NOBODY, SEAT=seat)
        self.start_usb()
        own, other = getattr(self, own), getattr(self, other)
        self.insert_into(other, own)
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(2)
        self.remove_from(other)
        self.insert_into(other)
        self.remove_from(own)
        shell.wait_for_lines(3)
        self.remove_from(other)
        self.insert_into(own)
        shell.wait_for_lines(4)
        token = "usb_" + own.port.replace("-", "_")
        self.assertEqual([line.split()[:2] for line in shell.lines],
                         [["ready"], ["inserted", token], ["removed", token], ["inserted", token]])

    def test_seat0(self):
        self.assert_events("seat0", "near", "far")

    def test_seat1(self):
        self.assert_events("seat1", "far", "near")

    def test_reader_that_is_attached_to_the_seat(self):
        """Its token is added with the card: gnome-shell would see an empty one, or two cards."""
        add_session("c1", NOBODY, SEAT="seat0")
        self.start_usb()
        self.insert_into(self.far)
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(1)
        added = []
        self.session.signal_subscribe(
            NAME, OBJECT_MANAGER, "InterfacesAdded", None, None, Gio.DBusSignalFlags.NONE,
            lambda *signal: added.append(signal[5].unpack()))
        self.far.attach("seat0")
        shell.wait_for_lines(2)
        events.wait_until(lambda: added, "the token is added")
        self.assertTrue(added[0][1][NAME + ".Token"]["IsInserted"])
        self.far.attach("seat1")
        shell.wait_for_lines(3)
        self.assertEqual([line.split()[:2] for line in shell.lines],
                         [["ready"], ["inserted", "usb_1_2"], ["removed", "usb_1_2"]])


class BridgeAndHub(OneHub, OwnReader, GnomeTest):
    def test_hub_that_is_pulled(self):
        """Two removals, and none when the readers are back without their cards."""
        self.start_usb()
        self.insert_into(self.near, self.far)
        self.start_bridge()
        shell = self.start_shell()
        shell.wait_for_lines(3)
        self.pull_and_plug()
        self.insert_into(self.far)
        shell.wait_for_lines(6)
        near, far = (["usb_1_1_" + port] for port in "12")
        changes = [line.split()[:2] for line in shell.lines[1:]]
        self.assertCountEqual(changes[:2], [["inserted", *near], ["inserted", *far]])
        self.assertCountEqual(changes[2:4], [["removed", *near], ["removed", *far]])
        self.assertEqual(changes[4:], [["inserted", *far]])


if __name__ == "__main__":
    case.main(preload=PRELOAD)
