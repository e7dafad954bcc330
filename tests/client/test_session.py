#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library: sessions, transactions and commands, by a channel and over the bus."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.glib_library import (DEFAULT, NO_LIMIT, LibraryTest, Smartcardd,
                                        new_cancellable, to_bytes)
from scdtest.cases.sessions import IS_VERIFIED, NOT_VERIFIED, SELECT, VERIFIED, VERIFY
from scdtest.testbed import events

ATR_STRING = 0x90303
DRIVER_COMMAND = 0x42000001
LEAVE, RESET = 0, 1


def number(value):
    """Returns a command whose response is the number."""
    return f"8010000004{value:08X}"


def pattern(length):
    return bytes((7 * i + 3) % 256 for i in range(length))


class Commands(LibraryTest):
    settings = ""
    has_channel = True

    def setUp(self):
        super().setUp()
        self.start_client(self.settings)
        self.session = self.connect()

    def send(self, command, cancellable=None):
        """Returns the data and the status word."""
        made = Smartcardd.Command.new_from_hex(command)
        data, status_word = self.session.send(made, DEFAULT, cancellable)
        return data.get_data() or b"", status_word

    def test_way(self):
        self.assertEqual(self.session.has_channel(), self.has_channel)

    def test_transmit(self):
        for value in range(50):
            self.assertEqual(self.transmit(self.session, number(value)), f"{value:08X}9000")

    def test_transmit_async(self):
        calls = [self.start_call(self.session.transmit_async, to_bytes(number(value)), DEFAULT,
                                 None) for value in range(100)]
        for value, call in enumerate(calls):
            _, result = call.wait()
            self.assertEqual(self.session.transmit_finish(result).get_data().hex().upper(),
                             f"{value:08X}9000")

    def test_call_in_a_callback(self):
        """A callback waits for another call, in a main loop of its own."""
        inner = []

        def transmit_again(session, result):
            self.assertEqual(session.transmit_finish(result).get_data(), b"\x90\x00")
            inner.append(self.start_call(session.transmit_async, to_bytes(number(7)), DEFAULT, None))
            inner.append(inner[0].wait()[1])

        self.session.transmit_async(to_bytes(SELECT), DEFAULT, None, transmit_again)
        events.wait_until(lambda: len(inner) == 2, "both calls end")
        response = self.session.transmit_finish(inner[1]).get_data()
        self.assertEqual(response, b"\0\0\0\7\x90\x00")

    def test_lengths(self):
        for length in (1, 255, 4096, 65535):
            response = self.session.transmit(to_bytes(f"8012{length:04X}"), DEFAULT, None)
            self.assertEqual(response.get_data(), pattern(length) + b"\x90\x00")

    def many_sync(self, commands, expect, cancellable=None):
        return self.session.transmit_many(commands, expect, DEFAULT, cancellable)

    def many_async(self, commands, expect, cancellable=None):
        call = self.start_call(self.session.transmit_many_async, commands, expect, DEFAULT,
                               cancellable)
        return self.session.transmit_many_finish(call.wait()[1])

    def test_transmit_many(self):
        commands = [to_bytes(number(value)) for value in range(100)]
        for transmit_many in (self.many_sync, self.many_async):
            responses = transmit_many(commands, None)
            self.assertEqual([response.get_data()[:4] for response in responses],
                             [value.to_bytes(4, "big") for value in range(100)])
            self.assertEqual(transmit_many([], None), [])
            self.assertEqual(transmit_many([], ["9000"]), [])

    def test_transmit_many_stops(self):
        commands = [to_bytes(text) for text in (SELECT, "80146A82", SELECT)]
        for transmit_many in (self.many_sync, self.many_async):
            for expect, count in ((["9000"], 2), (["9000", "6Axx"], 3), ([], 1)):
                self.assertEqual(len(transmit_many(commands, expect)), count, expect)

    def test_transmit_many_cancelled(self):
        """None of them is sent, and the error says so."""
        cancellable, before = new_cancellable(), self.sent()
        cancellable.cancel()
        for transmit_many in (self.many_sync, self.many_async):
            for expect in (None, ["9000"]):
                self.assert_error(Smartcardd.Error.CANCELLED, "not sent", transmit_many,
                                  [to_bytes(SELECT)] * 3, expect, cancellable)
        self.assertEqual(self.sent(), before)

    def test_error_of_the_reader(self):
        self.cards.order("fail", "A", 1)
        self.assert_error(Smartcardd.Error.NOT_TRANSACTED, "", self.transmit, self.session, SELECT)
        for transmit_many in (self.many_sync, self.many_async):
            for expect in (None, ["9000"]):
                self.cards.order("fail", "A", 1)
                self.assert_error(Smartcardd.Error.NOT_TRANSACTED, "command 1: ", transmit_many,
                                  [to_bytes(SELECT)], expect)
        self.assertEqual(self.transmit(self.session, SELECT), "9000")

    def test_transaction(self):
        other = self.connect()
        transaction = self.session.begin_transaction(DEFAULT, None)
        self.assertEqual(transaction.get_session(), self.session)
        self.assert_error(Smartcardd.Error.TIMEOUT, "not sent", self.transmit, other, SELECT, 0)
        self.assert_error(Smartcardd.Error.TIMEOUT, "not sent", self.transmit, other, SELECT, 20)
        call = self.start_call(other.transmit_async, to_bytes(SELECT), DEFAULT, None)
        self.assertEqual(self.transmit(self.session, SELECT), "9000")
        self.assertTrue(transaction.end(Smartcardd.Disposition.LEAVE, None))
        self.assertTrue(transaction.end(Smartcardd.Disposition.LEAVE, None))
        _, result = call.wait()
        self.assertEqual(other.transmit_finish(result).get_data(), b"\x90\x00")

    def test_transaction_that_nobody_ends(self):
        other = self.connect()
        transaction = self.session.begin_transaction(DEFAULT, None)
        del transaction
        self.assertEqual(self.transmit(other, SELECT), "9000")

    def test_transaction_async(self):
        call = self.start_call(self.session.begin_transaction_async, DEFAULT, None)
        transaction = self.session.begin_transaction_finish(call.wait()[1])
        call = self.start_call(transaction.end_async, Smartcardd.Disposition.RESET, None)
        self.assertTrue(transaction.end_finish(call.wait()[1]))
        self.assert_error(Smartcardd.Error.RESET_CARD, "", self.transmit, self.session, SELECT)
        self.session.reconnect(Smartcardd.ShareMode.SHARED, Smartcardd.Protocols.T0,
                               Smartcardd.Disposition.LEAVE, DEFAULT, None)
        self.assertEqual(self.transmit(self.session, SELECT), "9000")

    def test_reset_forgets_the_pin(self):
        self.transmit(self.session, VERIFY)
        self.assertEqual(self.transmit(self.session, IS_VERIFIED), VERIFIED)
        self.session.reconnect(Smartcardd.ShareMode.EXCLUSIVE, Smartcardd.Protocols.T1,
                               Smartcardd.Disposition.RESET, DEFAULT, None)
        self.assertEqual(self.session.get_share_mode(), Smartcardd.ShareMode.EXCLUSIVE)
        self.assertEqual(self.session.get_protocol(), Smartcardd.Protocols.T1)
        self.assertEqual(self.transmit(self.session, IS_VERIFIED), NOT_VERIFIED)

    def test_send(self):
        self.assertEqual(self.send(SELECT), (b"", 0x9000))
        self.assertEqual(self.send("80146A82"), (b"", 0x6A82))
        self.assertEqual(self.send("8010000003010203"), (b"\1\2\3", 0x9000))

    def test_send_follows(self):
        """61xx and 6Cxx, and all in one transaction."""
        self.assertEqual(self.send("80160300"), (pattern(0x300), 0x9000))
        self.assertEqual(self.send("8018002000"), (pattern(0x20), 0x9000))
        call = self.start_call(self.session.send_async,
                               Smartcardd.Command.new_from_hex("80160300"), DEFAULT, None)
        data, status_word = self.session.send_finish(call.wait()[1])
        self.assertEqual((data.get_data(), status_word), (pattern(0x300), 0x9000))
        self.assertEqual(self.transmit(self.connect(), SELECT, 1000), "9000")

    def follow_async(self, command):
        call = self.start_call(self.session.transmit_and_follow_async, to_bytes(command), DEFAULT,
                               None)
        return self.session.transmit_and_follow_finish(call.wait()[1])

    def follow_sync(self, command):
        return self.session.transmit_and_follow(to_bytes(command), DEFAULT, None)

    def test_transmit_and_follow(self):
        """The same for bytes, which need not be an APDU."""
        end = b"\x90\x00"
        for follow in (self.follow_sync, self.follow_async):
            for command, response in (("80160300", pattern(0x300) + end),
                                      ("8018002000", pattern(0x20) + end),
                                      ("80180020", pattern(0x20) + end),
                                      ("80146A82", b"\x6A\x82"), ("8010000003010203", b"\1\2\3" + end)):
                self.assertEqual(follow(command).get_data(), response, command)
            self.assertEqual(follow("8016").get_data(), self.session.transmit(
                to_bytes("8016"), DEFAULT, None).get_data())
        self.assertEqual(self.transmit(self.session, "80160300"), "6100")
        self.assertEqual(self.transmit(self.connect(), SELECT, 1000), "9000")

    def test_card_that_is_pulled_during_a_command(self):
        self.cards.order("delay", "A", 1)
        self.cards.order("pull", "A")
        self.assert_error(Smartcardd.Error.REMOVED_CARD, "", self.transmit, self.session, SELECT)

    def test_attributes_and_control(self):
        self.assertEqual(self.session.get_attribute(ATR_STRING, DEFAULT, None).get_data(),
                         self.card().get_atr().get_data())
        self.cards.order("control", "A", f"{DRIVER_COMMAND:X}", "AABB")
        response = self.session.control(DRIVER_COMMAND, to_bytes("01"), DEFAULT, None)
        self.assertEqual(response.get_data(), b"\xAA\xBB")

    def test_close(self):
        self.assertTrue(self.session.close(Smartcardd.Disposition.RESET, DEFAULT, None))
        self.assertTrue(self.session.is_closed())
        self.assert_error(Smartcardd.Error.INVALID_HANDLE, "", self.transmit, self.session, SELECT)

    def test_last_reference_closes(self):
        self.assertEqual(self.count_sessions(), 1)
        self.session = None
        self.assertEqual(self.count_sessions(), 0)

    def test_removal(self):
        card = self.card()
        self.cards.order("remove", "A")
        events.wait_until(lambda: not card.is_present(), "the card goes")
        for _ in range(2):
            self.assert_error(Smartcardd.Error.REMOVED_CARD, "", self.transmit, self.session,
                              SELECT)
        self.assert_error(Smartcardd.Error.REMOVED_CARD, "", card.open_session,
                          Smartcardd.ShareMode.SHARED, Smartcardd.Protocols.ANY, DEFAULT, None)

    # Cancellation.

    def sent(self):
        return int(self.cards.status("A")["commands"])

    def test_cancelled_before(self):
        cancellable, before = new_cancellable(), self.sent()
        cancellable.cancel()
        self.assert_error(Smartcardd.Error.CANCELLED, "not sent", self.transmit, self.session,
                          SELECT, DEFAULT, cancellable)
        self.assert_error(Smartcardd.Error.CANCELLED, "not sent", self.session.begin_transaction,
                          DEFAULT, cancellable)
        self.assertEqual(self.sent(), before)

    def test_cancelled_while_it_waits(self):
        """It never reaches the card, and the others do, in their order."""
        other = self.connect()
        transaction = other.begin_transaction(NO_LIMIT, None)
        before = self.sent()
        cancellable = new_cancellable()
        calls = [self.start_call(self.session.transmit_async, to_bytes(number(value)), NO_LIMIT,
                                 cancellable if value in (0, 3) else None) for value in range(6)]
        cancellable.cancel()
        for value in (0, 3):
            _, result = calls[value].wait()
            self.assert_error(Smartcardd.Error.CANCELLED, "not sent",
                              self.session.transmit_finish, result)
        transaction.end(Smartcardd.Disposition.LEAVE, None)
        for value in (1, 2, 4, 5):
            _, result = calls[value].wait()
            self.assertEqual(self.session.transmit_finish(result).get_data()[:4],
                             value.to_bytes(4, "big"))
        self.assertEqual(self.sent(), before + 4)

    def test_cancelled_begin(self):
        other = self.connect()
        transaction = other.begin_transaction(NO_LIMIT, None)
        cancellable = new_cancellable()
        call = self.start_call(self.session.begin_transaction_async, NO_LIMIT, cancellable)
        cancellable.cancel()
        _, result = call.wait()
        self.assert_error(Smartcardd.Error.CANCELLED, "not sent",
                          self.session.begin_transaction_finish, result)
        transaction.end(Smartcardd.Disposition.LEAVE, None)
        self.assertEqual(self.transmit(other, SELECT), "9000")

    def test_cancelled_on_the_card(self):
        """The result is unknown; the session stays usable when the card has finished."""
        self.cards.hold_commands("A")
        cancellable = new_cancellable()
        call = self.start_call(self.session.transmit_async, to_bytes(SELECT), NO_LIMIT,
                               cancellable)
        self.wait_until_running()
        cancellable.cancel()
        _, result = call.wait()
        self.assert_error(Smartcardd.Error.CANCELLED, "sent, result unknown",
                          self.session.transmit_finish, result)
        self.cards.release_commands("A")
        self.assertEqual(self.transmit(self.session, number(7)), "000000079000")

    def test_time_limit_in_a_transaction(self):
        """It ends the call at once: the service cannot know more about it."""
        transaction = self.session.begin_transaction(NO_LIMIT, None)
        self.cards.hold_commands("A")
        seen, results = [], []
        self.session.transmit_async(to_bytes(SELECT), 100, None, lambda _session, result: (
            seen.append("limit"), results.append(result)))
        GLib.timeout_add(900, lambda: seen.append("later") and False)
        events.wait_until(lambda: len(seen) == 2, "the time limit and another timer end")
        self.assertEqual(seen, ["limit", "later"])
        self.assert_error(Smartcardd.Error.TIMEOUT, "sent, result unknown",
                          self.session.transmit_finish, results[0])
        self.cards.release_commands("A")
        self.assertEqual(self.transmit(self.session, number(9)), "000000099000")
        transaction.end(Smartcardd.Disposition.LEAVE, None)

    def delivery(self, function, *arguments):
        with self.assertRaises(GLib.Error) as caught:
            function(*arguments)
        return Smartcardd.get_delivery(caught.exception)

    def test_delivery(self):
        """The error says what has become of the command."""
        transaction = self.connect().begin_transaction(NO_LIMIT, None)
        self.assertEqual(self.delivery(self.transmit, self.session, SELECT, 100),
                         Smartcardd.Delivery.NOT_SENT)
        transaction.end(Smartcardd.Disposition.LEAVE, None)
        self.cards.hold_commands("A")
        self.assertEqual(self.delivery(self.transmit, self.session, SELECT, 100),
                         Smartcardd.Delivery.SENT)
        self.cards.release_commands("A")
        self.assertEqual(self.delivery(Smartcardd.Command.new_from_hex, "xx"),
                         Smartcardd.Delivery.UNKNOWN)

    def test_time_limit_on_the_card(self):
        self.cards.hold_commands("A")
        self.assert_error(Smartcardd.Error.TIMEOUT, "sent, result unknown", self.transmit,
                          self.session, SELECT, 100)
        self.cards.release_commands("A")
        self.assertEqual(self.transmit(self.session, number(8)), "000000089000")


class CommandsOverBus(Commands):
    """A bus that does not let the program have a channel: the same by method calls."""

    has_channel = False

    def start_bus(self):
        self.start_bus_without_channels()


@unittest.skipUnless(Smartcardd, "built without introspection")
class Apdus(unittest.TestCase):
    def test_forms(self):
        for text in ("00A40400", "00A4040000", "00A4040002ABCD", "00A4040002ABCD00",
                     "00A40400000000", "00A404000001" "00" + "AA" * 256,
                     "00A404000001" "00" + "AA" * 256 + "0000", "00B0000000" "1000"):
            command = Smartcardd.Command.new_from_hex(text)
            self.assertEqual(command.get_instruction(), int(text[2:4], 16))
            if len(text) != 14:
                self.assertEqual(command.to_bytes().get_data().hex().upper(), text)

    def test_no_apdu(self):
        for text in ("", "00", "00A404", "00A4040002AB", "00A4040000AB", "0", "0G", "00A4040001"
                     "000000", "00A404000000000000"):
            with self.assertRaises(GLib.Error) as caught:
                Smartcardd.Command.new_from_hex(text)
            self.assertTrue(caught.exception.matches(Smartcardd.error_quark(),
                                                     Smartcardd.Error.INVALID_ARGS), text)

    def test_properties(self):
        command = Smartcardd.Command.new(0x80, 0xCA, 1, 2, GLib.Bytes.new(b"ab"), 256)
        self.assertEqual((command.get_instruction_class(), command.get_p1(), command.get_p2(),
                          command.get_data().get_data(), command.get_expected_length()),
                         (0x80, 1, 2, b"ab", 256))
        self.assertEqual(command.to_bytes().get_data().hex(), "80ca010202616200")

    def test_status_words(self):
        for status_word, text in ((0x9000, "success"), (0x63C1, "1 try is left"),
                                  (0x6A82, "not found"), (0x1234, "proprietary")):
            self.assertIn(text, Smartcardd.Command.describe_status(status_word))


if __name__ == "__main__":
    case.main()
