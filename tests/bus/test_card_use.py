#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a session hears of others that use or reset its card: CardReset, and card_used."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import SELECT, ChannelTest
from scdtest.clients.channel import BEGIN, END, LEAVE, RESET, request


class CardUseTest(ChannelTest):
    def setUp(self):
        super().setUp()
        self.start("[Transactions]\nIdleLimitSec=1\n")
        self.mine, self.other = self.session(), self.session()

    def program(self):
        program = self.pcsc_client()
        program.do("connect", "shared", self.pcsc_name())
        return program

    def begin(self, session):
        """Returns whether others have used the card."""
        used = session.send_begin().wait()
        session.end()
        return used


class CardReset(CardUseTest):
    def count_resets(self, session):
        session.client.manager("Available")  # a signal that was sent before has arrived
        return sum(signal.member == "CardReset" for signal in session.client.signals)

    def wait_for_reset(self, session):
        session.client.wait_for_signal("CardReset", session.path)

    def assert_told_once(self, session):
        """Until it reconnects."""
        self.wait_for_reset(session)
        self.assert_refused("ResetCard", session.send_transmit(SELECT))
        self.assertEqual(self.count_resets(session), 1)
        session.reconnect()
        del session.client.signals[:]
        self.assertEqual(session.transmit(SELECT), "9000")

    def test_by_another_session(self):
        for reset in (lambda: self.other.reconnect("shared", (), "reset"), self.reset_at_the_end):
            reset()
            self.assert_told_once(self.mine)
        self.assertEqual(self.count_resets(self.other), 0)

    def test_by_a_session_that_closes(self):
        self.session().close("reset")
        for session in (self.mine, self.other):
            self.assert_told_once(session)

    def test_unpowered(self):
        self.session().close("unpower")
        self.wait_for_reset(self.mine)
        self.mine.reconnect("shared", (), "reset")
        self.wait_for_reset(self.other)

    def reset_at_the_end(self):
        self.other.begin()
        self.other.end("reset")
        self.assert_refused("ResetCard", self.other.send_transmit(SELECT))
        self.other.reconnect()

    def test_by_another_program(self):
        """Without a call that would find it."""
        program = self.program()
        for _ in range(2):
            program.do("reconnect", "reset")
            for session in (self.mine, self.other):
                self.assert_told_once(session)

    def test_by_a_channel(self):
        channel = self.open(self.other)
        channel.send(request(BEGIN), request(END, RESET))
        channel.receive()
        channel.receive()
        self.assert_told_once(self.mine)

    def test_by_the_service(self):
        """A transaction that kept others waiting is ended."""
        self.mine.begin()
        call = self.other.send_transmit(SELECT)
        self.wait_for_reset(self.mine)
        self.assert_refused("ResetCard", call)
        self.assert_told_once(self.other)

    def test_again_without_reconnect(self):
        self.other.reconnect("shared", (), "reset")
        self.wait_for_reset(self.mine)
        self.other.reconnect("shared", (), "reset")
        self.assert_told_once(self.mine)

    def test_nobody_else_hears(self):
        witness = self.client()
        self.other.reconnect("shared", (), "reset")
        self.wait_for_reset(self.mine)
        witness.manager("Available")
        self.assertEqual([s for s in witness.signals if s.member == "CardReset"], [])


class CardUsed(CardUseTest):
    def test_another_session(self):
        self.assertFalse(self.begin(self.mine))
        self.assertFalse(self.begin(self.mine))
        self.other.transmit(SELECT)
        self.assertTrue(self.begin(self.mine))
        self.assertFalse(self.begin(self.mine))
        self.assertFalse(self.begin(self.other))

    def test_own_commands(self):
        self.mine.transmit(SELECT)
        self.assertFalse(self.begin(self.mine))
        self.assertTrue(self.begin(self.other))
        self.other.transmit(SELECT)
        self.mine.transmit(SELECT)
        self.assertTrue(self.begin(self.mine))
        self.assertTrue(self.begin(self.other))
        self.assertFalse(self.begin(self.mine))

    def test_transaction_without_commands(self):
        self.begin(self.other)
        self.assertFalse(self.begin(self.mine))

    def test_since_connect(self):
        self.other.transmit(SELECT)
        self.assertFalse(self.begin(self.session()))

    def test_session_that_has_closed(self):
        """A new session is not taken for one that used the card before, wherever it lies."""
        for _ in range(5):
            session = self.session()
            session.transmit(SELECT)
            self.leave(session.client)
            self.mine.reconnect()
            self.assertTrue(self.begin(self.mine))

    def test_another_program(self):
        program = self.program()
        self.assertFalse(self.begin(self.mine))
        program.do("begin")
        self.assert_refused("Timeout", self.mine.send_begin(timeout_ms=20))
        program.do("end", "leave")
        self.assertTrue(self.begin(self.mine))
        self.assertFalse(self.begin(self.mine))

    def test_reset_by_another_program(self):
        self.program().do("reconnect", "reset")
        self.mine.client.wait_for_signal("CardReset", self.mine.path)
        self.mine.reconnect()
        self.assertTrue(self.begin(self.mine))

    def test_channel(self):
        channel = self.open(self.mine)
        for used in (0, 1, 0):
            if used:
                self.other.transmit(SELECT)
            channel.send(request(BEGIN), request(END, LEAVE))
            self.assertEqual(channel.receive_with_number(), (0, used, b""))
            channel.receive()


if __name__ == "__main__":
    case.main()
