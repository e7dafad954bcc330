#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A session whose card was removed does not reach the next card in the reader."""

import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, permissions
from scdtest.cases.permissions import (ALICE, ALLOW, OTHER_ATR, READER, ROOT, VENDOR_CODE,
                                       VERIFY_PIN_DIRECT)
from scdtest.cases.sessions import (ATR, IS_VERIFIED, NOT_VERIFIED, SELECT, VERIFIED, VERIFY,
                                    SessionTest)
from scdtest.clients import channel
from scdtest.clients.client import Client, data, options
from scdtest.testbed.users import as_user

TEMPLATE = bytes.fromhex("0020008008FFFFFFFFFFFFFFFF")
PIN_STRUCTURE = (bytes([0, 0, 0x82, 0x08, 0, 8, 4, 2, 0xFF, 0x09, 0x04, 0, 0, 0, 0]) +
                 struct.pack("<I", len(TEMPLATE)) + TEMPLATE)


class LostCards(SessionTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.observer = self.client()
        self.reader = self.observer.reader("Reader A")

    def connect(self, path, **more):
        """Opens a session of a new client that has used the card."""
        session = self.client().connect(path, **more)
        session.transmit(SELECT)
        return session

    def card(self):
        return self.observer.ask(self.reader, "org.freedesktop.DBus.Properties", "Get", READER,
                                 "Card")

    def swap(self):
        since = len(self.observer.signals)
        self.cards.swap("A", ATR)
        self.observer.wait_for_signal("CardInserted", self.reader, since)

    def test_close_leaves_the_next_card_as_it_is(self):
        for connects_to in (lambda: self.reader, self.card):
            for disposition in ("reset", "unpower", "eject", "leave"):
                with self.subTest(disposition):
                    session = self.connect(connects_to())
                    self.swap()
                    other = self.connect(self.reader)
                    other.transmit(VERIFY)
                    session.close(disposition)
                    self.assertEqual(other.transmit(IS_VERIFIED), VERIFIED)

    def test_close_after_a_reset_of_the_next_card(self):
        """Then pcscd reports the reset, and not the removal any more."""
        session = self.connect(self.reader)
        self.swap()
        self.connect(self.reader).close("reset")
        other = self.connect(self.reader)
        other.transmit(VERIFY)
        session.close("reset")
        self.assertEqual(other.transmit(IS_VERIFIED), VERIFIED)

    def test_close_of_a_session_that_was_reconnected(self):
        session = self.connect(self.reader)
        self.swap()
        session.reconnect()
        session.transmit(VERIFY)
        session.close("reset")
        self.assertEqual(self.connect(self.reader).transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_driver_commands(self):
        """A session that is bound to its card sends nothing to the driver any more."""
        self.cards.order("pinpad", "A", "direct", "42330000")
        session = self.connect(self.card())
        self.swap()
        for method, *arguments in (("Control", VERIFY_PIN_DIRECT, data(PIN_STRUCTURE)),
                                   ("GetAttribute", 0x10103),
                                   ("SetAttribute", 0x10103, data(b"1"))):
            self.assert_refused("RemovedCard", session.send(method, *arguments, options()))
        self.assertEqual(self.cards.order("pinpad-status", "A").split()[1], "started=0")

    def test_driver_commands_of_a_session_with_the_reader(self):
        """Those for the reader go on; a PIN is only entered for the card of the session."""
        self.cards.order("pinpad", "A", "direct", "42330000")
        self.cards.order("control", "A", f"{VENDOR_CODE:X}", "9000")
        session = self.connect(self.reader)
        self.swap()
        self.assertEqual(session.call("Control", VENDOR_CODE, data(b"")).hex(), "9000")
        self.assert_refused("RemovedCard", session.send("Control", VERIFY_PIN_DIRECT,
                                                        data(PIN_STRUCTURE), options()))
        self.assertEqual(self.cards.order("pinpad-status", "A").split()[1], "started=0")


class HeldSessions(permissions.PermissionTest):
    """Polkit has not decided yet about the next card when the calls come."""

    def setUp(self):
        super().setUp()
        self.daemon.start(ALLOW)
        self.alice, self.root = self.other_user(ALICE), self.other_user(ROOT)

    def start_pcscd(self):
        super().start_pcscd()
        self.simulator().order("attribute", "A", "10103", b"SN1234".hex())

    def swap(self, atr):
        since = len(self.observer.signals)
        self.cards.swap("A", atr)
        self.observer.wait_for_signal("CardInserted", self.reader(), since)

    def test_reconnect_that_waited(self):
        with as_user(ALICE):
            client = Client()
        self._clients.append(client)
        session = client.connect(self.card())
        socket = channel.Channel(session)
        self._clients.append(socket)
        self.daemon.pause()
        self.root.call(self.reader(), READER, "SetAlias", "(sa{sv})", "desk",
                       {"bind": "serial"})
        call = session.send("Reconnect", "shared", [], "leave", options())
        client.manager("Available")
        self.swap(ATR)
        self.daemon.resume()
        self.assertEqual(call.error(), "RemovedCard")
        self.assertEqual(socket.ask(channel.transmit(VERIFY)), (channel.REMOVED_CARD, b""))
        self.assertIsNone(socket.receive())
        self.assertEqual(self.cards.status("A")["verified"], "0")

    def test_close(self):
        session = self.connect(self.alice)
        session.transmit(IS_VERIFIED)
        self.daemon.pause()
        self.swap(OTHER_ATR)
        root = self.connect(self.root)
        root.transmit(VERIFY)
        session.call("Close", "(s)", "reset")
        self.assertEqual(root.transmit(IS_VERIFIED), VERIFIED)
        self.daemon.resume()


if __name__ == "__main__":
    case.main()
