#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service beside another program that uses pcscd directly: neither blocks the other."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import (IS_VERIFIED, NOT_VERIFIED, SELECT, VERIFIED, VERIFY,
                                    SessionTest)
from scdtest.clients.client import options
from scdtest.clients.recorder import CARD
from scdtest.testbed import events


class PcscProgram(SessionTest):
    readers = "AB"

    def setUp(self):
        super().setUp()
        self.start()
        self.other = self.pcsc_client()

    def hold(self):
        """Has the PC/SC program begin a transaction."""
        self.other.do("connect", "shared", self.pcsc_name())
        self.other.do("begin")

    def assert_alive(self):
        """Checks that the service responds and other readers work."""
        client = self.client()
        self.assertTrue(client.manager("Available"))
        session = client.connect(client.reader("Reader B"))
        self.assertEqual(session.transmit(SELECT), "9000")
        session.close()

    def test_sessions_wait_for_the_program(self):
        ours, second = self.session(), self.session()
        self.hold()
        calls = [ours.send_transmit(SELECT), second.send("BeginTransaction", options()),
                 self.send_connect()]
        self.assertEqual(self.other.do("transmit", SELECT), "9000")
        self.assert_alive()
        self.assertEqual([call.is_done for call in calls], [False] * 3)
        self.other.do("end", "leave")
        self.assertEqual(calls[0].wait(), b"\x90\x00")
        calls[1].wait()
        second.end()
        calls[2].wait()

    def send_connect(self, share_mode="shared", **more):
        client = self.client()
        return client.send_connect(client.reader("Reader A"), share_mode, **more)

    def test_time_limits(self):
        ours = self.session()
        self.hold()
        self.assert_refused("Timeout", ours.send_begin(timeout_ms=50))
        self.assert_refused("Timeout", self.send_connect(timeout_ms=50))
        self.assert_refused("SharingViolation", ours.send("GetAttribute", 0x90303))
        self.assertEqual(ours.call("GetStatus")[0], self.pcsc_name())
        self.assert_alive()
        self.other.do("end", "leave")
        ours.begin(timeout_ms=10000)

    def test_connect_timeout(self):
        """No session is open that shows whether the card is free."""
        self.hold()
        self.assert_refused("Timeout", self.send_connect(timeout_ms=50))
        self.assert_alive()
        self.other.do("end", "leave")
        self.assertEqual(self.session().transmit(SELECT), "9000")

    def test_clients_disconnect_while_they_wait(self):
        ours, second = self.session(), self.session()
        self.hold()
        ours.send_begin()
        second.send_transmit(SELECT)
        connecting = self.client()
        connecting.send_connect(connecting.reader("Reader A"))
        for client in (ours.client, second.client, connecting):
            client.manager("Available")
            client.close()
        self.assertEqual(self.other.do("transmit", VERIFY), "9000")
        self.assert_alive()
        self.other.do("end", "leave")
        self.assertEqual(self.other.do("transmit", IS_VERIFIED), VERIFIED)
        self.other.do("disconnect", "reset")
        self.assertEqual(self.session().transmit(SELECT), "9000")

    def test_session_closes_while_it_waits(self):
        ours = self.session()
        self.hold()
        call = ours.send_transmit(SELECT)
        ours.close()
        self.assert_refused("Cancelled", call)
        self.assert_alive()
        self.assertEqual(self.other.do("transmit", SELECT), "9000")

    def test_program_killed_in_a_transaction(self):
        """pcscd resets the card."""
        ours = self.session()
        self.hold()
        self.other.do("transmit", VERIFY)
        call = ours.send_transmit(IS_VERIFIED)
        self.other.leave()
        self.assert_refused("ResetCard", call)
        ours.reconnect()
        self.assertEqual(ours.transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_program_resets_the_card(self):
        ours = self.session()
        ours.transmit(VERIFY)
        self.hold()
        self.other.do("end", "reset")
        self.assert_refused("ResetCard", ours.send_transmit(SELECT))
        self.assert_refused("ResetCard", ours.send_begin())
        ours.reconnect()
        self.assertEqual(ours.transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_program_has_the_card_exclusively(self):
        self.other.do("connect", "exclusive", self.pcsc_name())
        for share_mode in ("shared", "exclusive", "direct"):
            self.assert_refused("SharingViolation", self.send_connect(share_mode))
        self.assert_alive()
        self.other.do("disconnect", "leave")
        self.assertEqual(self.session().transmit(SELECT), "9000")

    def test_idle_service_allows_exclusive_use(self):
        """An exclusive connection succeeds while no session of ours is open."""
        ours = self.session()
        self.assertEqual(self.other.order("connect", "exclusive", self.pcsc_name()),
                         ("error", "8010000B"))
        ours.close()
        self.other.do("connect", "exclusive", self.pcsc_name())

    def test_program_waits_for_a_session(self):
        ours = self.session()
        self.other.do("connect", "shared", self.pcsc_name())
        ours.begin()
        self.other.send("begin")
        self.assertEqual(ours.transmit(SELECT), "9000")
        self.assertFalse(self.other.has_answer())
        ours.end()
        self.assertEqual(self.other.answer(), ("ok", ""))

    def test_one_shot_waits(self):
        client = self.client()
        card = client.get(client.reader("Reader A"), "org.smartcardd1.Reader", "Card")
        self.hold()
        call = client.send(card, CARD, "TransmitHex", SELECT)
        self.assert_alive()
        self.assertFalse(call.is_done)
        self.other.do("end", "leave")
        self.assertEqual(call.wait(), "9000")

    def test_both_loop_over_transactions(self):
        """Neither of them starves."""
        ours = self.session()
        self.other.do("connect", "shared", self.pcsc_name())
        mine = []

        def turn():
            ours.send_begin()
            ours.send_transmit(SELECT)
            end = ours.send("EndTransaction", "leave")
            end.on_done = lambda: (mine.append(end), loop and turn())

        loop = [True]
        turn()
        theirs = []

        def both_had_five():
            self.other.do("begin")
            self.other.do("transmit", SELECT)
            self.other.do("end", "leave")
            theirs.append(True)
            return len(mine) >= 5 and len(theirs) >= 5

        events.poll_until(both_had_five, "each had five turns")
        loop.clear()
        ours.client.wait(lambda: all(call.is_done for call in mine), "the last turn")

    def test_service_stops_while_the_program_holds_the_card(self):
        ours = self.session()
        self.hold()
        calls = [ours.send_begin(), self.send_connect()]
        ours.client.manager("Available")
        self.testbed.stop_service()
        ours.client.wait(lambda: all(call.is_done for call in calls), "the calls end")
        self.assertEqual(self.other.do("transmit", SELECT), "9000")


if __name__ == "__main__":
    case.main()
