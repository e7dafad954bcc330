#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Channels (Session.OpenChannel): requests, opening, and sharing a card with other sessions."""

import contextlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import (ATR, IS_VERIFIED, NOT_VERIFIED, SELECT, VERIFIED, VERIFY,
                                    ChannelTest)
from scdtest.clients.channel import (BEGIN, CANCEL, CANCELLED, CONTROL, END, GET_ATTRIBUTE,
                                     NOT_TRANSACTED, PROTO_MISMATCH, RESET, RESET_CARD,
                                     SECURITY_VIOLATION, SERVICE_STOPPED, TIMEOUT, TRANSMIT, UNPOWER,
                                     UNSUPPORTED_FEATURE, request, transmit)
from scdtest.clients.client import Refused, options
from scdtest.testbed import events

QUICK, PATIENT = (f"[Transactions]\nIdleLimitSec={limit}\n" for limit in (1, 60))
ATR_STRING = 0x90303
INTERNAL_TAG = 0x0FAE  # TAG_IFD_SLOTS_NUMBER
GET_FEATURE_REQUEST = 0x42000D48
DRIVER_COMMAND = 0x42000001
OK = (0, b"\x90\x00")
DONE = (0, b"")


def echo(length):
    """Returns an echo command of that length, with an Le at the end."""
    if length <= 261:
        return f"80100000{length - 6:02X}" + "A5" * (length - 7) + "01" + "00"
    return f"8010000000{length - 9:04X}" + "5A" * (length - 10) + "01" + "0000"


def number(value):
    """Returns a command whose response is the number."""
    return f"8010000004{value:08X}"


class Requests(ChannelTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.card = self.session()
        self.channel = self.open(self.card)

    def test_one_request_at_a_time(self):
        for value in range(100):
            self.assertEqual(self.channel.transmit(number(value)), f"{value:08X}9000")

    def test_many_pending_requests(self):
        """The service reads 32 of them; the others wait in the socket."""
        for count in (32, 100):
            self.channel.send(*[transmit(number(value)) for value in range(count)])
            for value in range(count):
                self.assertEqual(self.channel.receive(),
                                 (0, bytes.fromhex(f"{value:08X}9000")))

    def test_lengths_of_commands(self):
        """Responses are the same as by Session.Transmit."""
        commands = ["80", "8012000000", *[echo(length) for length in (261, 4096, 65544)]]
        self.assertEqual([len(command) // 2 for command in commands], [1, 5, 261, 4096, 65544])
        commands += [f"8012{count & 0xFFFF:04X}" for count in (1, 256, 65535, 65536)]
        for command in commands:
            self.assertEqual(self.channel.transmit(command), self.card.transmit(command))

    def test_malformed_commands(self):
        """The service passes them to the driver; the simulated reader answers even an empty one."""
        self.assertEqual(self.channel.transmit(""), "6700")
        for length in (65545, 65548):
            self.assertEqual(self.channel.ask(transmit("80" * length)), (NOT_TRANSACTED, b""))

    def test_other_versions(self):
        """A client of another version gets an error, and its command does not reach the card.

        Version 1 had a header of 8 bytes; its command is then longer than it is for version 2.
        """
        self.channel.transmit(VERIFY)
        for version, header in ((0, 8), (1, 12), (3, 12), (255, 16)):
            packet = bytes((TRANSMIT, version)) + bytes(header - 2) + bytes.fromhex(IS_VERIFIED)
            self.channel.send(transmit(IS_VERIFIED), packet)
            with contextlib.suppress(BrokenPipeError):  # the service has closed it already
                self.channel.send(transmit(IS_VERIFIED))
            self.assertEqual(self.channel.receive(), (0, bytes.fromhex(VERIFIED)))
            self.assertEqual(self.channel.receive(), (SERVICE_STOPPED, b""))
            self.assertIsNone(self.channel.receive())
            self.channel = self.open(self.card)

    def test_protocol(self):
        """pcscd compares it with the card's; the simulated reader reports the requested one."""
        select = bytes.fromhex(SELECT)
        for named, code, told, answer in ((2, 0, 1, b"\x90\x00"), (4, 0, 4, b"\x90\x00"),
                                          (0, 0, 0, b"\x90\x00"), (1, PROTO_MISMATCH, 0, b""),
                                          (0x80000000, PROTO_MISMATCH, 0, b"")):
            self.channel.send(request(TRANSMIT, named, select))
            self.assertEqual(self.channel.receive_with_number(), (code, told, answer))

    def test_transactions(self):
        self.assertEqual(self.channel.ask(request(END)), (NOT_TRANSACTED, b""))
        for _ in range(2):
            self.assertEqual(self.channel.ask(request(BEGIN)), DONE)
        for inside in (True, False):
            self.assertTrue(self.card.get("InTransaction"))
            self.assertEqual(self.channel.ask(request(END)), DONE)
            self.assertEqual(self.card.get("InTransaction"), inside)

    def test_dispositions(self):
        for disposition in (RESET, UNPOWER):
            self.channel.transmit(VERIFY)
            self.assertEqual(self.channel.transmit(IS_VERIFIED), VERIFIED)
            self.assertEqual(self.channel.ask(request(BEGIN)), DONE)
            self.assertEqual(self.channel.ask(request(END, disposition)), DONE)
            self.assertEqual(self.channel.ask(request(BEGIN)), (RESET_CARD, b""))
            self.card.reconnect()
            self.assertEqual(self.channel.transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_control(self):
        question = request(CONTROL, GET_FEATURE_REQUEST)
        self.assertEqual(self.channel.ask(question), (UNSUPPORTED_FEATURE, b""))
        self.cards.order("control", "A", f"{GET_FEATURE_REQUEST:X}", "060442330006")
        self.assertEqual(self.channel.ask(question), (0, bytes.fromhex("060442330006")))
        self.assertEqual(self.channel.ask(question + b"x" * 300),
                         (0, bytes.fromhex("060442330006")))

    def test_driver_commands_are_for_the_bus(self):
        """A channel refuses them, since only the bus checks permissions, and stays open."""
        self.cards.order("control", "A", f"{DRIVER_COMMAND:X}", "AA")
        self.channel.send(transmit(SELECT), request(CONTROL, DRIVER_COMMAND), transmit(SELECT))
        self.assertEqual([self.channel.receive() for _ in range(3)],
                         [OK, (SECURITY_VIOLATION, b""), OK])

    def test_codes_that_the_driver_announces_for_its_pin_pad(self):
        for code in ("42000DB2", "42330006"):
            self.cards.order("control", "A", code, "AA")
        self.cards.order("control", "A", f"{GET_FEATURE_REQUEST:X}", "060442000DB2")
        self.assertEqual(self.channel.ask(request(CONTROL, 0x42000DB2)), (0, b"\xAA"))
        self.assertEqual(self.channel.ask(request(CONTROL, 0x42330006)), (SECURITY_VIOLATION, b""))
        self.cards.order("control", "A", f"{GET_FEATURE_REQUEST:X}", "060442330006130442000DB2")
        self.assertEqual(self.channel.ask(request(CONTROL, 0x42000DB2)), (SECURITY_VIOLATION, b""))
        self.assertEqual(self.channel.ask(request(CONTROL, 0x42330006)), (0, b"\xAA"))
        self.assertEqual(self.channel.ask(transmit(SELECT)), OK)

    def test_attributes(self):
        self.assertEqual(self.channel.ask(request(GET_ATTRIBUTE, ATR_STRING)),
                         (0, bytes.fromhex(ATR)))
        for unknown in (INTERNAL_TAG, 0, 0xFFFFFFFF):
            self.assertEqual(self.channel.ask(request(GET_ATTRIBUTE, unknown)),
                             (UNSUPPORTED_FEATURE, b""))

    def test_reader_that_fails(self):
        self.cards.order("fail", "A", 1)
        self.assertEqual(self.channel.ask(transmit(SELECT)), (NOT_TRANSACTED, b""))
        self.assertEqual(self.channel.ask(transmit(SELECT)), OK)

    def test_direct_session_without_power(self):
        self.card.close("unpower")
        direct = self.session(share_mode="direct")
        self.assertEqual(self.open(direct).ask(transmit(SELECT)), (NOT_TRANSACTED, b""))


class OpenChannel(ChannelTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.card = self.session()

    def assert_not_opened(self, name, session, client=None):
        with self.assertRaises(Refused) as caught:
            self.open(session, client)
        self.assertEqual(caught.exception.name, name)

    def test_options(self):
        self.assert_refused("InvalidArgs", self.card.send("OpenChannel", options(more=1)))
        self.open(self.card)

    def test_only_the_owner_may_open_one(self):
        self.assert_not_opened("NotOwner", self.card, self.client())
        self.assertEqual(self.open(self.card).transmit(SELECT), "9000")

    def test_one_channel_of_a_session(self):
        """A channel that the client has closed does not count, even before the service sees it."""
        channel = self.open(self.card)
        for _ in range(200):
            self.assert_not_opened("LimitsExceeded", self.card)
            self.assertEqual(channel.transmit(SELECT), "9000")
            channel.close()
            channel = self.open(self.card)
        self.assertEqual(self.open(self.session()).transmit(SELECT), "9000")

    def test_reopen_while_the_first_one_is_busy(self):
        """Requests of the new channels follow those that have begun."""
        self.cards.order("delay", "A", 200)
        channel = self.open(self.card)
        channel.send(transmit(VERIFY))
        self.wait_until_running()
        for _ in range(10):
            channel.close()
            channel = self.open(self.card)
            self.assert_not_opened("LimitsExceeded", self.card)
        self.assertEqual(channel.transmit(IS_VERIFIED), VERIFIED)

    def test_removed_card(self):
        client = self.client()
        session = client.connect(self.card.get("Card"))
        self.cards.swap("A")
        client.wait_for_signal("CardInserted")
        self.assert_not_opened("RemovedCard", session)

    def test_thousand_sessions_in_a_row(self):
        """The first session keeps the worker; the channel is closed before Close returns."""
        client = self.client()
        reader = client.reader("Reader A")
        before = None
        for turn in range(1001):
            session = client.connect(reader)
            channel = self.new_channel(session)
            channel.send(transmit(SELECT))
            if turn % 2:
                self.assertEqual(channel.receive(), OK)
                channel.close()
            session.close()
            channel.close()
            before = before or self.count_descriptors()
        self.assertEqual(self.count_descriptors(), before)


class CardSharing(ChannelTest):
    def test_session_beside_another_session(self):
        self.start()
        first, second = self.session(), self.session()
        channel = self.open(first)
        self.assertEqual(channel.ask(request(BEGIN)), DONE)
        call = second.send_transmit(SELECT)
        for _ in range(3):
            self.assertEqual(channel.transmit(SELECT), "9000")
        self.assertFalse(self.is_answered(call))
        self.assertEqual(channel.ask(request(END)), DONE)
        self.assertEqual(call.wait(), b"\x90\x00")
        second.begin()
        channel.send(request(BEGIN))
        for _ in range(3):
            self.assertEqual(second.transmit(SELECT), "9000")
        self.assertFalse(channel.has_answer())
        second.end()
        self.assertEqual(channel.receive(), DONE)

    def is_answered(self, call):
        """Whether the call has returned before a later call that waits for no card."""
        call.client.manager("Available")
        return call.is_done

    def test_channel_and_bus_of_one_session(self):
        """Both belong to one transaction and run in the order of arrival."""
        self.start()
        session = self.session()
        channel = self.open(session)
        self.assertEqual(channel.ask(request(BEGIN)), DONE)
        self.assertEqual(session.transmit(VERIFY), "9000")
        self.assertEqual(channel.transmit(IS_VERIFIED), VERIFIED)
        session.end()
        self.assertFalse(session.get("InTransaction"))

    def commands_of_the_card(self):
        return int(self.cards.status("A")["commands"])

    def slow_card(self):
        """The scheduler counts each ms of a turn. A busy machine delays some turns by several ms,
        which are few compared with a command from now on."""
        self.cards.order("delay", "A", 30)

    def test_fair_order_of_two_channels(self):
        """An open transaction is not counted as waiting."""
        self.start(PATIENT)
        holder = self.session()
        many, few = self.open(self.session()), self.open(self.session())
        script = [request(BEGIN), transmit(SELECT), request(END)]
        holder.begin()
        many.send(*script * 10)
        few.send(*script * 5, request(BEGIN))
        many.wait_until_read()
        few.wait_until_read()
        self.slow_card()
        holder.end()
        self.assertEqual([few.receive() for _ in range(16)], [DONE, OK, DONE] * 5 + [DONE])
        self.assertAlmostEqual(self.commands_of_the_card(), 5 + 5, delta=3)
        self.assertEqual(few.ask(request(END)), DONE)
        self.assertEqual([many.receive() for _ in range(30)], [DONE, OK, DONE] * 10)

    def test_fair_order_of_channel_and_bus(self):
        self.start(PATIENT)
        holder, channel, session = self.session(), self.open(self.session()), self.session()
        holder.begin()
        channel.send(*[transmit(SELECT)] * 30)
        channel.wait_until_read()
        calls = [session.send_transmit(SELECT) for _ in range(10)] + [session.send_begin()]
        session.client.manager("Available")  # by now they are queued
        self.slow_card()
        holder.end()
        for call in calls:
            call.wait()
        self.assertAlmostEqual(self.commands_of_the_card(), 10 + 10, delta=5)
        session.end()
        self.assertEqual([channel.receive() for _ in range(30)], [OK] * 30)

    def test_flood_of_another_session(self):
        """Requests that need no card take turns with commands, however many there are."""
        self.start(PATIENT)
        victim = self.open(self.session())
        floods = [self.open(self.session()) for _ in range(3)]
        self.assertEqual(victim.transmit(SELECT), "9000")
        for flood in floods:
            flood.send(*[request(GET_ATTRIBUTE, 0x90303)] * 32)

        def go_on():
            for flood in floods:
                if flood.has_answer():
                    flood.receive()
                    flood.send(request(GET_ATTRIBUTE, 0x90303))

        for _ in range(100):
            victim.send(transmit(SELECT))
            events.poll_until(lambda: go_on() or victim.has_answer(), "the victim has its turn")
            self.assertEqual(victim.receive(), OK)
        for flood in floods:
            for _ in range(32):
                self.assertEqual(flood.receive()[0], 0)

    def test_time_limits(self):
        """A command that was given up while it waited never reaches the card."""
        self.start(PATIENT)
        holder, channel = self.session(), self.open(self.session())
        command = bytes.fromhex(SELECT)
        holder.begin()
        channel.send(request(TRANSMIT, 0, command, limit_ms=20), request(BEGIN, limit_ms=0),
                     request(TRANSMIT, 0, command, limit_ms=3600000))
        self.assertEqual([channel.receive(), channel.receive()], [(TIMEOUT, b"")] * 2)
        self.assertEqual(self.commands_of_the_card(), 0)
        holder.end()
        self.assertEqual(channel.receive(), OK)
        self.assertEqual(channel.ask(request(TRANSMIT, 0, command, limit_ms=0)), OK)
        self.assertEqual(self.commands_of_the_card(), 2)

    def test_cancel(self):
        self.start(PATIENT)
        holder, channel = self.session(), self.open(self.session())
        channel.send(request(CANCEL))
        self.assertEqual(channel.transmit(SELECT), "9000")
        holder.begin()
        channel.send(*[transmit(SELECT)] * 30, request(BEGIN), request(CANCEL), transmit(SELECT))
        self.assertEqual([channel.receive() for _ in range(31)], [(CANCELLED, b"")] * 31)
        holder.end()
        self.assertEqual(channel.receive(), OK)
        self.assertEqual(self.commands_of_the_card(), 2)

    def test_client_leaves_while_it_waits(self):
        """The transaction that it asked for is not begun."""
        self.start(PATIENT)
        holder, session = self.session(), self.session()
        channel = self.open(session)
        holder.begin()
        channel.send(request(BEGIN))
        for _ in range(3):
            holder.transmit(SELECT)
        channel.close()
        self.assertEqual(holder.transmit(SELECT), "9000")
        holder.end()
        session.call("GetStatus")
        self.assertFalse(session.get("InTransaction"))

    def test_new_channel_beside_queued_calls(self):
        count = 100
        self.start(PATIENT + f"[Limits]\nCallsPerSession={count}\n")
        busy, session = self.session(), self.session()
        self.cards.order("delay", "A", 50)
        calls = [busy.send_transmit(SELECT) for _ in range(count)]
        calls[0].wait()
        channel = self.open(session)
        channel.send(transmit(SELECT), request(BEGIN))
        self.assertEqual([channel.receive(), channel.receive()], [OK, DONE])
        self.assertLess(self.commands_of_the_card(), count)
        busy.close()

    def test_idle_transaction_ends(self):
        self.start(QUICK)
        holder, other = self.session(), self.session()
        channel, waiting = self.open(holder), self.open(other)
        self.assertEqual(channel.ask(request(BEGIN)), DONE)
        channel.transmit(VERIFY)
        self.assertEqual(waiting.ask(request(BEGIN)), (RESET_CARD, b""))
        other.reconnect()
        self.assertEqual(waiting.transmit(IS_VERIFIED), NOT_VERIFIED)
        self.assertEqual(channel.ask(transmit(SELECT)), (RESET_CARD, b""))
        self.assertFalse(holder.get("InTransaction"))
        holder.reconnect()
        self.assertEqual(channel.transmit(SELECT), "9000")


if __name__ == "__main__":
    case.main()
