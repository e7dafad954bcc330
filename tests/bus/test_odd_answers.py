#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lengths and codes of libpcsclite that make no sense, injected by tests/faults."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import ATR, SELECT, ChannelTest
from scdtest.clients.channel import SUCCESS, transmit
from scdtest.clients.client import data, options
from scdtest.testbed.faults import Faults

INSUFFICIENT_BUFFER, UNKNOWN_ERROR = 0x80100008, 0x80100014
ATR_STRING = 0x90303
CODE = 0x42000001


class OddAnswers(ChannelTest):
    def setUp(self):
        super().setUp()
        self.faults = Faults(self.testbed)
        self.start(environment=self.faults.environment)

    def test_length_above_that_of_the_buffer(self):
        self.cards.order("control", "A", f"{CODE:X}", "AABB")
        session = self.session()
        channel = self.open(session)
        calls = [("Transmit", data(bytes.fromhex(SELECT))),
                 ("TransmitMany", data([bytes.fromhex(SELECT)])),
                 ("GetAttribute", ATR_STRING), ("Control", CODE, data(b""))]
        self.faults.order("long-answer")
        for method, *arguments in calls:
            self.assert_refused("InsufficientBuffer",
                                session.send(method, *arguments, options()))
        self.assertEqual(channel.ask(transmit(SELECT)), (INSUFFICIENT_BUFFER, b""))
        self.session()
        self.faults.cancel("long-answer")
        self.assertEqual(session.call("GetAttribute", ATR_STRING).hex().upper(), ATR)
        self.assertEqual(session.call("Control", CODE, data(b"")).hex(), "aabb")
        self.assertEqual(session.transmit(SELECT), "9000")
        self.assertEqual(channel.ask(transmit(SELECT)), (SUCCESS, b"\x90\0"))

    def test_bytes_that_were_not_written(self):
        """They are zero, and not those of other responses, or any memory of the service."""
        other, session = self.session(), self.session()
        echo = "801000004C" + "A5" * 0x4C
        self.faults.order("padded-answer")
        self.assertEqual(other.transmit(echo), "A5" * 0x4C + "9000" + "00" * 100)
        self.assertEqual(session.transmit(SELECT), "9000" + "00" * 100)
        self.assertEqual(session.call("GetAttribute", ATR_STRING).hex().upper(),
                         ATR + "00" * 100)

    def test_unknown_code(self):
        session = self.session()
        channel = self.open(session)
        self.faults.order("odd-code")
        self.assert_refused("UnknownError", session.send_transmit(SELECT))
        self.assertEqual(channel.ask(transmit(SELECT)), (UNKNOWN_ERROR, b""))
        self.faults.cancel("odd-code")
        self.assertEqual(channel.ask(transmit(SELECT)), (SUCCESS, b"\x90\0"))

    def test_length_above_that_of_an_atr(self):
        """The service reads the state again."""
        self.faults.order("long-atr")
        user = self.client()
        for _ in range(10):
            since = len(user.signals)
            self.cards.swap("A", ATR)
            inserted = user.wait_for_signal("CardInserted", since=since)
            self.assertEqual(bytes(inserted.arguments[1]).hex().upper(), ATR)
        self.assertTrue(self.faults.happened("long-atr"))


if __name__ == "__main__":
    case.main()
