#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Direct sessions are connected to the reader, but reach the card that is in it."""

import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, permissions
from scdtest.cases.permissions import ALICE, ALLOW, OTHER_ATR, VERIFY_PIN_DIRECT
from scdtest.cases.sessions import IS_VERIFIED, NOT_VERIFIED, VERIFIED, VERIFY, SessionTest
from scdtest.clients import channel
from scdtest.clients.client import Client, data, options
from scdtest.clients.recorder import READER
from scdtest.testbed.users import as_user

TEMPLATE = bytes.fromhex("0020008008FFFFFFFFFFFFFFFF")
PIN_STRUCTURE = (bytes([0, 0, 0x82, 0x08, 0, 8, 4, 2, 0xFF, 0x09, 0x04, 0, 0, 0, 0]) +
                 struct.pack("<I", len(TEMPLATE)) + TEMPLATE)
VENDOR_CODE = 0x42000001


class VerifiedPins(SessionTest):
    """A PIN that was verified through a direct session does not outlive it."""

    def setUp(self):
        super().setUp()
        self.start()
        self.cards.order("pinpad", "A", "direct", "42330000")

    def enter_pin(self, call):
        self.cards.wait_for("A", "active=1", "pinpad-status")
        self.cards.order("press", "A", "12345678e")
        self.assertEqual(call.wait().hex(), VERIFIED)

    def ways(self):
        """The ways of a session to send the PIN."""
        return {
            "Transmit": lambda session: session.transmit(VERIFY),
            "VerifyPin": lambda session: self.enter_pin(
                session.send("VerifyPin", data(TEMPLATE), options(), options())),
            "Control": lambda session: self.enter_pin(
                session.send("Control", VERIFY_PIN_DIRECT, data(PIN_STRUCTURE), options())),
        }

    def test_last_session(self):
        for name, verify in self.ways().items():
            with self.subTest(name):
                direct = self.session(share_mode="direct")
                verify(direct)
                self.leave(direct.client)
                session = self.session()
                self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
                session.close()

    def test_transaction_beside_another_session(self):
        for name, verify in self.ways().items():
            with self.subTest(name):
                other = self.session()
                direct = self.session(share_mode="direct")
                direct.begin()
                verify(direct)
                self.leave(direct.client)
                self.assert_refused("ResetCard", other.send_transmit(IS_VERIFIED))
                other.close()

    def test_transaction_without_a_command(self):
        other = self.session()
        other.transmit(VERIFY)
        direct = self.session(share_mode="direct")
        direct.begin()
        self.leave(direct.client)
        self.assertEqual(other.transmit(IS_VERIFIED), VERIFIED)

    def test_one_shot_control(self):
        client = self.client()
        self.enter_pin(client.send(client.reader("Reader A"), READER, "Control",
                                   VERIFY_PIN_DIRECT, data(PIN_STRUCTURE), options()))
        self.assertEqual(self.session().transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_driver_commands_leave_the_card_alone(self):
        session = self.session()
        session.transmit(VERIFY)
        session.close()
        self.cards.order("control", "A", f"{VENDOR_CODE:X}", "9000")
        direct = self.session(share_mode="direct")
        direct.call("Control", VENDOR_CODE, data(b""))
        client = direct.client
        client.send(client.reader("Reader A"), READER, "Control", VENDOR_CODE, data(b""),
                    options()).wait()
        self.leave(client)
        self.assertEqual(self.session().transmit(IS_VERIFIED), VERIFIED)


class InsertedCards(permissions.PermissionTest):
    """pcscd lets a direct session use each card that is inserted, at once."""

    def start(self, rule):
        """Returns a channel of a direct session at reader B, which is empty."""
        self.daemon.start(rule)
        self.cards.remove("B")
        self.observer.wait_for_signal("CardRemoved", self.reader("B"))
        with as_user(ALICE):
            client = Client()
        self._clients.append(client)
        socket = channel.Channel(client.connect(self.reader("B"), share_mode="direct"))
        self._clients.append(socket)
        return socket

    def send_while_a_card_comes(self, socket, packet):
        """Returns the first answer after those for the empty reader; None: the channel has ended."""
        answer = socket.ask(packet)
        self.assertEqual(answer, (channel.NO_SMARTCARD, b""))
        self.cards.insert("B", OTHER_ATR)
        while answer == (channel.NO_SMARTCARD, b""):
            try:
                answer = socket.ask(packet)
            except BrokenPipeError:
                return None
        return answer

    def test_forbidden_card(self):
        socket = self.start(f'return action.lookup("atr") == "{OTHER_ATR}" ? polkit.Result.NO '
                            ": polkit.Result.YES;")
        self.assertIn(self.send_while_a_card_comes(socket, channel.transmit(VERIFY)),
                      ((channel.CANCELLED, b""), None))
        self.assertEqual(self.cards.status("B")["commands"], "0")

    def test_card_that_is_allowed(self):
        """Its first command waits until the service has seen the card."""
        socket = self.start(ALLOW)
        self.assertEqual(self.send_while_a_card_comes(socket, channel.transmit(VERIFY)),
                         (channel.SUCCESS, bytes.fromhex(VERIFIED)))


if __name__ == "__main__":
    case.main()
