#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library: what a session hears of others that reset or use its card."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.glib_library import DEFAULT, LibraryTest, Smartcardd
from scdtest.cases.sessions import SELECT
from scdtest.testbed import events


class CardUseTest(LibraryTest):
    def setUp(self):
        super().setUp()
        self.start_client()
        self.mine, self.other = self.connect(), self.connect()
        self.resets = []
        for session in (self.mine, self.other):
            session.connect("card-reset", self.resets.append)

    def reconnect(self, session, initialization):
        session.reconnect(Smartcardd.ShareMode.SHARED, Smartcardd.Protocols.ANY, initialization,
                          DEFAULT, None)

    def wait_for_resets(self, *sessions):
        events.wait_until(lambda: len(self.resets) >= len(sessions), "the signal card-reset")
        self.assertEqual(self.resets, list(sessions))


class CardReset(CardUseTest):
    def assert_told_once(self):
        """Until it reconnects, and only the other session."""
        self.wait_for_resets(self.mine)
        self.assert_error(Smartcardd.Error.RESET_CARD, "", self.transmit, self.mine, SELECT)
        self.reconnect(self.mine, Smartcardd.Disposition.LEAVE)
        self.assertEqual(self.transmit(self.mine, SELECT), "9000")
        self.assertEqual(self.resets, [self.mine])
        self.resets.clear()

    def test_by_another_session(self):
        for _ in range(2):
            self.reconnect(self.other, Smartcardd.Disposition.RESET)
            self.assert_told_once()

    def test_by_another_program(self):
        program = self.pcsc_client()
        program.do("connect", "shared", self.pcsc_name())
        self.other.close(Smartcardd.Disposition.LEAVE, DEFAULT, None)
        program.do("reconnect", "reset")
        self.assert_told_once()

    def test_session_that_was_closed(self):
        """It hears nothing: the signal of the other one comes later."""
        third = self.connect()
        self.mine.close(Smartcardd.Disposition.LEAVE, DEFAULT, None)
        self.reconnect(third, Smartcardd.Disposition.RESET)
        self.wait_for_resets(self.other)


class CardUsed(CardUseTest):
    def begin(self, session):
        transaction = session.begin_transaction(DEFAULT, None)
        used = transaction.get_card_used()
        self.assertEqual(transaction.get_property("card-used"), used)
        self.assertEqual(transaction.get_property("session"), session)
        transaction.end(Smartcardd.Disposition.LEAVE, None)
        return used

    def send(self, session):
        session.send(Smartcardd.Command.new_from_hex(SELECT), DEFAULT, None)

    def test_another_session(self):
        self.assertFalse(self.begin(self.mine))
        self.transmit(self.other, SELECT)
        self.assertTrue(self.begin(self.mine))
        self.assertFalse(self.begin(self.mine))
        self.transmit(self.mine, SELECT)
        self.assertFalse(self.begin(self.mine))
        self.assertTrue(self.begin(self.other))

    def test_asynchronous(self):
        self.transmit(self.other, SELECT)
        call = self.start_call(self.mine.begin_transaction_async, DEFAULT, None)
        self.assertTrue(self.mine.begin_transaction_finish(call.wait()[1]).get_card_used())

    def test_commands_in_between(self):
        """The transaction that send() begins does not hide the use from the program."""
        self.transmit(self.other, SELECT)
        self.send(self.mine)
        self.assertTrue(self.begin(self.mine))
        self.assertFalse(self.begin(self.mine))
        self.transmit(self.other, SELECT)
        command = Smartcardd.Command.new_from_hex(SELECT)
        call = self.start_call(self.mine.send_async, command, DEFAULT, None)
        self.mine.send_finish(call.wait()[1])
        self.send(self.mine)
        self.assertTrue(self.begin(self.mine))
        self.assertFalse(self.begin(self.mine))


class CardUsedOverBus(CardUsed):
    def start_bus(self):
        self.start_bus_without_channels()


if __name__ == "__main__":
    case.main()
