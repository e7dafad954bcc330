#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Channels: malformed packets, clients that do not read, and sessions and cards that end."""

import itertools
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import (IS_VERIFIED, NOT_VERIFIED, SELECT, VERIFIED, VERIFY,
                                    ChannelTest)
from scdtest.clients.channel import (BEGIN, CANCEL, CANCELLED, CONTROL, END, LONGEST, LOST,
                                     NOT_TRANSACTED, REMOVED_CARD, RESET_CARD, SHUTDOWN, TRANSMIT, UNPLUGGED,
                                     request, send_descriptor, transmit)
from scdtest.testbed import events

# Unread responses: 32 that wait in the service, and those that fit into the socket.
LEFT_LYING = 40


class MisbehavingClients(ChannelTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.card, self.other = self.session(), self.session()
        self.channel = self.open(self.card)

    def test_malformed_packets(self):
        """The service closes the channel; the session stays, and can open another channel."""
        for packet in (b"", b"\0", request(BEGIN)[:11], request(CANCEL + 1), request(CANCEL, 1),
                       request(CANCEL, limit_ms=0), request(CANCEL, 0, b"\0"),
                       request(255, 0, b"\x80"), request(END, 4),
                       request(BEGIN, 0, b"\0"), request(TRANSMIT)[:2] + b"\1" * 15,
                       request(TRANSMIT, 0, b"\x80" * (LONGEST - 11)),
                       request(CONTROL, 0, b"\0" * (LONGEST - 11)), b"\xff" * 150000):
            self.channel.send(packet)
            self.assertIsNone(self.channel.receive())
            with self.assertRaises(BrokenPipeError):
                self.channel.send(request(BEGIN))
            self.channel = self.open(self.card)
        self.assertEqual(self.cards.status("A")["commands"], "0")
        self.assertEqual(self.channel.transmit(SELECT), "9000")

    def test_requests_after_a_malformed_packet(self):
        """The client reads an end of file, not an error."""
        self.channel.send(transmit(SELECT))
        self.assertEqual(self.channel.receive(), (0, b"\x90\x00"))
        self.cards.order("delay", "A", 100)
        self.channel.send(transmit(SELECT))
        self.wait_until_running()
        self.channel.send(request(255), *[transmit(SELECT)] * 20)
        for _ in range(3):
            self.other.transmit(SELECT)  # by now the service has closed its end
        self.assertEqual(self.channel.receive_all(), [0])

    def test_requests_before_a_malformed_packet(self):
        """Each request gets its response before the end, even if all are read together."""
        self.cards.order("delay", "A", 100)
        self.channel.send(transmit(SELECT))
        self.wait_until_running()
        self.channel.send(*[transmit(SELECT)] * 3, request(255), transmit(SELECT))
        self.assertEqual(self.channel.receive_all(), [0] * 4)

    def test_client_shuts_down_its_sending_side(self):
        """Requests that were sent before get their responses."""
        self.cards.order("delay", "A", 100)
        self.channel.send(transmit(SELECT))
        self.wait_until_running()
        self.channel.send(*[transmit(SELECT)] * 3)
        self.channel.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(self.channel.receive_all(), [0] * 4)

    def test_file_descriptors(self):
        """The service closes all descriptors that it receives."""
        before = self.count_descriptors()
        with send_descriptor(self.channel, transmit(SELECT)) as left:
            self.assertIsNone(self.channel.receive())
            self.assertEqual(left.read(), b"")
        channel = self.open(self.card)
        self.assertEqual(channel.transmit(SELECT), "9000")
        self.assertEqual(self.count_descriptors(), before)

    def test_file_descriptors_after_a_malformed_packet(self):
        self.cards.order("delay", "A", 100)
        self.channel.send(transmit(SELECT))
        self.wait_until_running()
        self.channel.send(request(255))
        with send_descriptor(self.channel, transmit(SELECT)) as left:
            self.assertEqual(self.channel.receive_all(), [0])
            self.assertEqual(left.read(), b"")

    def send_during_other_commands(self, packets):
        """Sends as much as fits while other commands run; returns the number of packets."""
        sent = others = in_vain = 0
        while in_vain < 100:
            more = self.channel.send_what_fits(packets)
            sent += more
            in_vain = 0 if more else in_vain + 1
            self.assertEqual(self.other.transmit(SELECT), "9000")
            others += 1
            self.assertLess(others, 1000, "it is read for ever")
        return sent, others

    def test_client_that_does_not_read(self):
        """Its channel pauses with some unread responses, others go on, and none is lost."""
        sent, others = self.send_during_other_commands(
            transmit(f"8012{0xFFFF - number:04X}") for number in itertools.count())
        done = int(self.cards.status("A")["commands"]) - others
        self.assertLess(done, LEFT_LYING)
        self.assertGreater(sent, done)
        for number in range(sent):
            code, response = self.channel.receive()
            self.assertEqual((code, len(response)), (0, 0xFFFF - number + 2))
        self.assertEqual(self.channel.transmit(SELECT), "9000")

    def test_responses_read_during_a_command(self):
        """When the socket has room again, waiting responses are sent first."""
        self.other.begin()
        self.channel.send(*[transmit(f"8012{0xFFFF - number:04X}") for number in range(20)])
        for _ in range(25):
            self.other.transmit(SELECT)  # each time one of them is read
        self.cards.order("delay", "A", 20)
        self.other.end()
        events.poll_until(lambda: int(self.cards.status("A")["commands"]) >= 25 + 4,
                          "commands of the channel are on the card")
        for number in range(20):
            self.assertEqual(len(self.channel.receive()[1]), 0xFFFF - number + 2)

    def test_client_that_sends_too_much(self):
        """While another session has a transaction, the service reads at most 32 requests."""
        self.other.begin()
        packets = itertools.repeat(transmit(SELECT))
        held_by_the_socket = self.channel.send_what_fits(packets)
        more, _ = self.send_during_other_commands(packets)
        self.assertLessEqual(more, 33)
        self.other.end()
        for _ in range(held_by_the_socket + more):
            self.assertEqual(self.channel.receive(), (0, b"\x90\x00"))

    def test_client_that_does_not_read_disconnects(self):
        self.channel.send(*[transmit("8012FFFF")] * LEFT_LYING)
        for _ in range(LEFT_LYING):
            self.other.transmit(SELECT)
        self.channel.close()
        self.assertEqual(self.open(self.card).transmit(SELECT), "9000")
        self.card.close()

    def test_client_that_does_not_read_closes_its_session(self):
        self.channel.send(*[transmit("8012FFFF")] * LEFT_LYING)
        for _ in range(LEFT_LYING):
            self.other.transmit(SELECT)
        self.card.close()
        self.assertEqual(set(self.channel.receive_all()), {0})

    def test_client_closes_during_a_command(self):
        self.cards.order("delay", "A", 100)
        self.channel.send(*[transmit(VERIFY)] * 3)
        self.wait_until_running()
        self.channel.close()
        self.cards.order("delay", "A", 0)
        self.assertEqual(self.other.transmit(SELECT), "9000")
        self.assertEqual(self.card.transmit(SELECT), "9000")
        self.assertEqual(self.open(self.card).transmit(SELECT), "9000")

    def test_client_closes_while_requests_wait(self):
        self.other.begin()
        self.channel.send(request(BEGIN))
        for _ in range(3):
            self.other.transmit(SELECT)
        self.channel.close()
        self.card.close()
        self.other.end()
        self.assertEqual(self.session().transmit(SELECT), "9000")


class EndOfChannel(ChannelTest):
    readers = "AB"

    def setUp(self):
        super().setUp()
        self.start()
        self.card, self.other, self.idle = self.session(), self.session(), self.session("B")
        self.channel, self.idle_channel = self.open(self.card), self.open(self.idle)

    def send_requests(self):
        """Sends one request that the card executes, and some that wait for it."""
        self.cards.order("delay", "A", 300)
        self.channel.send(*[transmit(SELECT)] * 5)
        self.wait_until_running()

    def send_waiting_requests(self):
        """Sends requests that wait for a transaction; each command of its holder reads one."""
        self.other.begin()
        self.channel.send(*[transmit(SELECT)] * 5)
        for _ in range(6):
            self.other.transmit(SELECT)

    def test_session_closed(self):
        """The running command succeeds; those that wait are not started."""
        self.send_requests()
        self.card.close()
        codes = self.channel.receive_all()
        self.assertEqual((codes[0], set(codes[1:]) - {CANCELLED}), (0, set()))
        self.assertEqual(self.cards.status("A")["commands"], "1")

    def test_session_closed_while_all_wait(self):
        self.send_waiting_requests()
        self.card.close()
        self.assertEqual(self.channel.receive_all(), [CANCELLED] * 5)
        self.other.end()

    def test_session_closed_while_idle(self):
        self.card.close()
        self.assertEqual(self.channel.receive_all(), [])

    def test_owner_disconnects(self):
        """Another process that has the descriptor can not use it any more."""
        self.assertEqual(self.channel.transmit(VERIFY), "9000")
        self.send_waiting_requests()
        self.card.client.close()
        self.assertEqual(self.channel.receive_all(), [CANCELLED] * 5)
        self.other.end()
        self.assertEqual(self.other.transmit(IS_VERIFIED), VERIFIED)
        self.other.close()
        self.assertEqual(self.session().transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_card_removed_during_a_command(self):
        self.cards.order("pull", "A")
        self.send_requests()
        codes = self.channel.receive_all(5)
        if REMOVED_CARD not in codes:  # pcscd has not seen it yet
            self.card.client.wait_for_signal("CardRemoved")
            self.channel.send(transmit(SELECT))
            codes += self.channel.receive_all()
        self.assertNotIn(0, codes)
        self.assertEqual(codes.index(REMOVED_CARD), len(codes) - 1)
        self.assertIsNone(self.channel.receive())
        self.assertEqual(self.idle_channel.transmit(SELECT), "9000")

    def test_cause_of_a_failure(self):
        """With the option find-cause, the failed request says that the card was pulled."""
        channel = self.open(self.session(), find_cause=True)
        self.cards.order("fail", "A", "1")
        channel.send(transmit(SELECT), transmit(SELECT))
        self.assertEqual(channel.receive_all(2), [NOT_TRANSACTED, 0])
        self.cards.order("pull", "A")
        channel.send(transmit(SELECT))
        self.assertEqual(channel.receive_all(), [REMOVED_CARD])

    def test_card_removed(self):
        self.cards.swap("A")
        self.card.client.wait_for_signal("CardInserted")
        self.channel.send(transmit(SELECT))
        self.assertEqual(self.channel.receive_all(), [REMOVED_CARD])
        self.card.reconnect()
        self.assertEqual(self.open(self.card).transmit(SELECT), "9000")

    def test_card_removed_while_all_wait(self):
        self.send_waiting_requests()
        self.cards.remove("A")
        self.assertEqual(self.channel.receive_all(), [REMOVED_CARD])

    def test_reader_does_not_respond(self):
        """A reader of reader.conf stays in pcscd's list."""
        self.send_requests()
        self.cards.order("unplugged", "A", "on")
        codes = self.channel.receive_all(5)
        self.assertTrue(codes)
        self.assertLessEqual(set(codes), UNPLUGGED)
        self.assertEqual(self.idle_channel.transmit(SELECT), "9000")

    def test_pcscd_killed(self):
        self.send_requests()
        self.testbed.stop_pcscd(signal.SIGKILL)
        codes = self.channel.receive_all()
        self.assertTrue(codes)
        self.assertLessEqual(set(codes), LOST)
        self.assertEqual(self.idle_channel.receive_all(), [])
        for session in (self.card, self.idle):
            self.assertEqual(session.wait_for_closed(), "service-unavailable")

    def test_pcscd_killed_while_all_wait(self):
        self.send_waiting_requests()
        self.testbed.stop_pcscd(signal.SIGKILL)
        codes = self.channel.receive_all()
        self.assertTrue(codes)
        self.assertLessEqual(set(codes), LOST)

    def test_service_stops(self):
        self.assertEqual(self.channel.transmit(VERIFY), "9000")
        self.send_requests()
        self.testbed.stop_service()
        codes = self.channel.receive_all()
        self.assertEqual((codes[0], set(codes[1:]) - {SHUTDOWN}), (0, set()))
        self.assertEqual(self.idle_channel.receive_all(), [])
        self.assertEqual(self.cards.status("A")["verified"], "0")

    def test_service_stops_while_all_wait(self):
        """The transaction that they wait for may end first, with a reset."""
        self.send_waiting_requests()
        self.testbed.stop_service()
        codes = self.channel.receive_all()
        self.assertEqual((len(codes), set(codes) - {SHUTDOWN, RESET_CARD}), (5, set()))

    def test_session_closed_as_a_packet_arrives(self):
        """The worker sees both at once, in any order."""
        client, reader = self.client(), self.card.client.reader("Reader A")
        for _ in range(300):
            session = client.connect(reader)
            channel = self.new_channel(session)
            call = session.send("Close", "leave")
            channel.send_until_it_ends(transmit(SELECT))
            call.wait()
            codes = channel.receive_all()
            self.assertLessEqual(set(codes), {0, CANCELLED})
            self.assertEqual(codes, sorted(codes))
            channel.close()


if __name__ == "__main__":
    case.main()
