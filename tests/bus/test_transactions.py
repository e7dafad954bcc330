#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Transactions: one session holds the card, the others wait and get it in a fair order."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import (ATR, IS_VERIFIED, NOT_VERIFIED, SELECT, VERIFIED, VERIFY,
                                    SessionTest)
from scdtest.clients.client import Refused, hex_data, options
from scdtest.clients.recorder import READER
from scdtest.testbed import events
from scdtest.testbed.faults import Faults

QUICK = "[Transactions]\nIdleLimitSec=1\n"


class Transactions(SessionTest):
    readers = "AB"

    def setUp(self):
        super().setUp()
        self.start()

    def test_others_wait(self):
        holder, other = self.session(), self.session()
        holder.begin()
        self.assertEqual((holder.get("InTransaction"), other.get("InTransaction")), (True, False))
        reader = other.client.reader("Reader A")
        calls = [other.send_transmit(SELECT), other.client.send_connect(reader)]
        for _ in range(3):
            self.assertEqual(holder.transmit(SELECT), "9000")
        self.assertEqual([call.is_done for call in calls], [False, False])
        holder.end()
        self.assertFalse(holder.get("InTransaction"))
        self.assertEqual(calls[0].wait(), b"\x90\x00")
        calls[1].wait()

    def test_calls_that_do_not_wait(self):
        """GetStatus, properties, and all calls of other readers; the other calls fail at once."""
        holder, other = self.session(), self.session()
        holder.begin()
        self.assertEqual(other.call("GetStatus")[0], self.pcsc_name())
        self.assertEqual(other.get("ShareMode"), "shared")
        self.assert_refused("SharingViolation", other.send("Control", 1, hex_data("")))
        self.assert_refused("SharingViolation", other.send("GetAttribute", 0x90303))
        self.assert_refused("SharingViolation", other.send("EndTransaction", "leave"))
        self.assertEqual(self.session("B").transmit(SELECT), "9000")
        other.close()

    def test_nested(self):
        holder, other = self.session(), self.session()
        holder.begin()
        holder.begin()
        call = other.send_transmit(SELECT)
        holder.end()
        self.assertTrue(holder.get("InTransaction"))
        self.assertEqual(holder.transmit(SELECT), "9000")
        self.assertFalse(call.is_done)
        holder.end()
        self.assertEqual(call.wait(), b"\x90\x00")

    def test_end_without_beginning(self):
        self.assert_refused("NotTransacted", self.session().send("EndTransaction", "leave"))

    def test_end_with_reset(self):
        """All sessions, also the one that reset the card, get ResetCard until they reconnect."""
        holder, other = self.session(), self.session()
        holder.transmit(VERIFY)
        holder.begin()
        holder.end("reset")
        for session in (holder, other):
            self.assert_refused("ResetCard", session.send_transmit(IS_VERIFIED))
            self.assert_refused("ResetCard", session.send("BeginTransaction", options()))
            self.assert_refused("ResetCard", session.send("GetStatus"))
            self.assert_refused("ResetCard", session.send("GetAttribute", 0x90303))
            self.assert_refused("ResetCard", session.send_transmit(IS_VERIFIED))
            self.assertEqual(session.reconnect(), session.protocol)
            self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_reconnect_with_reset(self):
        session, other = self.session(), self.session()
        session.transmit(VERIFY)
        session.reconnect(initialization="reset")
        self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
        self.assert_refused("ResetCard", other.send_transmit(SELECT))
        other.reconnect()
        self.assertEqual(other.transmit(SELECT), "9000")
        other.reconnect(initialization="unpower")
        self.assertEqual(other.transmit(SELECT), "9000")
        self.assert_refused("ResetCard", session.send_transmit(SELECT))

    def test_reconnect_with_another_share_mode(self):
        session, other = self.session(), self.session()
        self.assert_refused("SharingViolation",
                            session.send("Reconnect", "exclusive", [], "leave"))
        other.close()
        session.reconnect("exclusive")
        self.assertEqual(session.get("ShareMode"), "exclusive")
        call = self.client()
        reader = call.reader("Reader A")
        self.assert_refused("SharingViolation", call.send_connect(reader))
        session.reconnect("shared")
        self.assertEqual(self.session().transmit(SELECT), "9000")
        self.assertEqual(session.transmit(SELECT), "9000")

    def test_reconnect_in_a_transaction(self):
        holder, other = self.session(), self.session()
        holder.begin()
        holder.reconnect(initialization="reset")
        call = other.send_begin()
        self.assertEqual(holder.transmit(SELECT), "9000")
        self.assertFalse(call.is_done)
        holder.end()
        self.assert_refused("ResetCard", call)

    def test_timeouts(self):
        """A call that times out fails, and has no effect."""
        holder, other = self.session(), self.session()
        holder.begin()
        reader = other.client.reader("Reader A")
        calls = [other.send_begin(timeout_ms=20), other.client.send_connect(reader, timeout_ms=20),
                 other.send_begin(timeout_ms=0)]
        for call in calls:
            self.assert_refused("Timeout", call)
        holder.end()
        self.assertFalse(other.get("InTransaction"))
        self.assertEqual(holder.transmit(SELECT), "9000")
        other.begin(timeout_ms=10000)
        self.assertTrue(other.get("InTransaction"))

    def test_card_removed_in_a_transaction(self):
        holder, other = self.session(), self.session()
        holder.begin()
        call = other.send_begin()
        self.cards.remove("A")
        self.assert_refused("RemovedCard", call)
        self.assert_refused("RemovedCard", holder.send_transmit(SELECT))
        self.assert_refused("RemovedCard", other.send_transmit(SELECT))
        self.assertFalse(holder.get("InTransaction"))
        self.cards.insert("A")
        other.client.wait_for_signal("CardInserted")
        other.reconnect()
        other.begin()
        self.assertEqual(other.transmit(SELECT), "9000")

    def test_calls_of_two_sessions_do_not_mix(self):
        """The pending response of the card is intact, which any other command would discard."""
        promise, fetch = "80160002", "00C0000002"
        first, second = self.session(), self.session()
        fetches = []
        for _ in range(20):
            for session in (first, second):
                session.send_begin()
                session.send_transmit(promise)
                fetches.append(session.send_transmit(fetch))
                session.send("EndTransaction", "leave")
        scripts = [session.send_many([promise, fetch]) for session in (first, second) * 20]
        for call in fetches:
            self.assertEqual(call.wait().hex(), "030a9000")
        for call in scripts:
            self.assertEqual(call.wait()[0][1].hex(), "030a9000")


class FairOrder(SessionTest):
    def test_transactions_are_shared_fairly(self):
        """Of three sessions that always wait, none gets the card twice before another one."""
        self.start()
        sessions, turns = [self.session() for _ in range(3)], []

        def begin(session):
            call = session.send_begin()
            call.on_done = lambda: turn(session)

        def turn(session):
            turns.append(sessions.index(session))
            for _ in range(3):
                session.send_transmit(SELECT)
            end = session.send("EndTransaction", "leave")
            if len(turns) < 300:
                end.on_done = lambda: begin(session)

        for session in sessions:
            begin(session)
        sessions[0].client.wait(lambda: len(turns) >= 300, "300 turns")
        steady = turns[30:300]
        for number in range(3):
            self.assertAlmostEqual(steady.count(number), 90, delta=3)
        self.assertFalse([at for at in range(len(steady) - 1) if steady[at] == steady[at + 1]])

    def test_call_after_one_that_timed_out(self):
        """The call runs at once, without waiting for any other event."""
        self.start("[Transactions]\nIdleLimitSec=3600\n")
        holder, other = self.session(), self.session()
        holder.begin()
        begin, status = other.send_begin(timeout_ms=50), other.send("GetStatus")
        self.assert_refused("Timeout", begin)
        status.wait()

    def test_commands_are_shared_fairly(self):
        """A session with a hundred pending commands gets no larger share than one with one."""
        self.start()
        many, one = self.session(), self.session()
        self.cards.hold_commands("A")
        calls = [many.send_transmit(IS_VERIFIED) for _ in range(100)]
        self.wait_until_running()
        call = one.send_transmit(VERIFY)
        one.client.manager("Available")  # the service has the call, too
        self.cards.release_commands("A")
        call.wait()
        before = [other for other in calls if other.wait().hex() == NOT_VERIFIED]
        self.assertLess(len(before), 10)

    def test_exclusive_session_becomes_shared_within_it(self):
        self.start(QUICK)
        holder = self.session(share_mode="exclusive")
        holder.begin()
        holder.reconnect()
        holder.end()
        self.pcsc_client().do("connect", "shared", self.pcsc_name())

    def test_idle_transaction_ends(self):
        self.start(QUICK)
        holder, other = self.session(), self.session()
        holder.begin()
        holder.transmit(VERIFY)
        call = other.send_begin()
        self.assert_refused("ResetCard", call)
        other.reconnect()
        other.begin()
        self.assertEqual(other.transmit(IS_VERIFIED), NOT_VERIFIED)
        self.assertFalse(holder.get("InTransaction"))
        other.end()
        self.assert_refused("ResetCard", holder.send_transmit(SELECT))
        self.assert_refused("ResetCard", holder.send("EndTransaction", "leave"))
        holder.reconnect()
        self.assertEqual(holder.transmit(SELECT), "9000")

    def test_nested_idle_transaction_ends(self):
        self.start(QUICK)
        holder, other = self.session(), self.session()
        holder.begin()
        holder.begin()
        self.assert_refused("ResetCard", other.send_transmit(SELECT))
        other.reconnect()
        self.assertEqual(other.transmit(SELECT), "9000")

    def begin_after_resets(self, session):
        """Confirms the reset by the holder of the transaction, and that by the service."""
        for _ in range(3):
            try:
                session.begin()
                return
            except Refused as refused:
                self.assertEqual(refused.name, "ResetCard")
            session.reconnect()
        self.fail("the card is reset again and again")

    def test_idle_transaction_with_a_reset_ends(self):
        """pcscd would not end it before the session has confirmed the reset."""
        self.start(QUICK)
        holder, other = self.session(), self.session()
        holder.begin()
        holder.begin()
        holder.end("reset")
        self.begin_after_resets(other)
        other.end()
        self.assert_refused("ResetCard", holder.send_transmit(SELECT))
        holder.reconnect()
        self.assertEqual(holder.transmit(SELECT), "9000")

    def test_idle_transaction_with_a_failed_reset_ends(self):
        """The reset has ended one of two, and pcscd lets no session confirm it."""
        self.start(QUICK)
        holder, other = self.session(), self.session()
        holder.begin()
        holder.begin()
        self.cards.order("mute", "A", "on")
        self.assert_refused("NotTransacted", holder.send("EndTransaction", "reset"))
        self.cards.order("mute", "A", "off")
        self.assertTrue(holder.get("InTransaction"))
        self.assert_refused("ResetCard", other.send_begin())
        other.reconnect(initialization="reset")
        self.assertEqual(other.transmit(SELECT), "9000")
        self.assert_refused("ResetCard", holder.send_transmit(SELECT))
        holder.reconnect()
        self.assertEqual(holder.transmit(SELECT), "9000")

    def test_idle_transaction_goes_on_without_waiting_sessions(self):
        """It lasts longer than the limit, measured by a delayed command on another reader."""
        self.readers = "AB"
        self.start(QUICK)
        holder, clock = self.session(), self.session("B")
        holder.begin()
        holder.transmit(VERIFY)
        self.cards.order("delay", "B", 1500)
        clock.transmit(SELECT)
        self.assertEqual(holder.transmit(IS_VERIFIED), VERIFIED)
        self.assertTrue(holder.get("InTransaction"))

    def test_requests_that_are_no_commands_do_not_keep_it(self):
        self.start(QUICK)
        holder, other = self.session(), self.session()
        holder.begin()
        call = other.send_transmit(SELECT)

        def call_is_done():
            status = holder.send("GetStatus")
            holder.client.wait(lambda: status.is_done, "GetStatus is answered")
            return call.is_done

        events.poll_until(call_is_done, "the transaction ends")
        self.assert_refused("ResetCard", call)

    def test_total_limit(self):
        """Commands keep a transaction from being idle, but not for ever."""
        self.start("[Transactions]\nIdleLimitSec=3600\nTotalLimitSec=1\n")
        holder, other = self.session(), self.session()
        holder.begin()
        call = other.send_transmit(SELECT)
        commands = 0

        def call_is_done():
            nonlocal commands
            command = holder.send_transmit(SELECT)
            holder.client.wait(lambda: command.is_done, "a command is answered")
            commands += 1
            return call.is_done

        events.poll_until(call_is_done, "the transaction ends")
        self.assert_refused("ResetCard", call)
        self.assertGreater(commands, 10)
        self.assert_refused("ResetCard", holder.send_transmit(SELECT))

    def test_busy_transaction_is_not_idle(self):
        """A command that takes longer than the limit, while another session waits."""
        self.start(QUICK)
        holder, other = self.session(), self.session()
        holder.begin()
        call = other.send_transmit(IS_VERIFIED)
        self.cards.order("delay", "A", 1500)
        self.assertEqual(holder.transmit(VERIFY), "9000")
        self.assertFalse(call.is_done)
        self.cards.order("delay", "A", 0)
        holder.end()
        self.assertEqual(call.wait().hex(), VERIFIED)


class LateRemoval(SessionTest):
    """The service learns of a removal when the next card is in use."""

    def setUp(self):
        super().setUp()
        self.faults = Faults(self.testbed)
        self.start(environment=self.faults.environment)

    @staticmethod
    def is_refused(name, call):
        try:
            call.wait()
        except Refused as refused:
            return refused.name == name
        return False

    def keep_monitor_busy(self):
        """Returns a call that ends when it is so no longer."""
        client = self.client()
        self.faults.order("look-dwells")
        refresh = client.send(client.reader("Reader A"), READER, "Refresh")
        self.faults.wait_for("look-dwells")
        return refresh

    def wait_for_removal(self, session):
        events.poll_until(lambda: self.is_refused("RemovedCard", session.send("GetStatus")),
                          "pcscd sees the removal")

    def test_reconnect_without_a_card(self):
        """With a reset, after which pcscd does not tell the session of the removal any more."""
        holder = self.session()
        holder.begin()
        refresh = self.keep_monitor_busy()
        self.cards.remove("A")
        self.wait_for_removal(holder)
        self.assert_refused("NoSmartcard", holder.send("Reconnect", "shared", [], "reset"))
        self.assertFalse(holder.get("InTransaction"))
        self.faults.end("look-dwells")
        refresh.wait()

    def test_transaction_with_the_next_card(self):
        holder = self.session()
        holder.begin()
        refresh = self.keep_monitor_busy()
        self.cards.swap("A", ATR)
        self.wait_for_removal(holder)
        events.poll_until(lambda: not self.is_refused(
            "NoSmartcard", holder.send("Reconnect", "shared", [], "leave")),
            "pcscd sees the new card")
        self.assertFalse(holder.get("InTransaction"))
        holder.begin()
        self.faults.end("look-dwells")
        refresh.wait()
        holder.client.wait_for_signal("CardRemoved", holder.client.reader("Reader A"))
        self.assertEqual(holder.transmit(SELECT), "9000")
        self.assertTrue(holder.get("InTransaction"))
        other = self.client()
        call = other.send_connect(other.reader("Reader A"))
        self.assertEqual(holder.transmit(SELECT), "9000")
        self.assertFalse(call.is_done)
        holder.end()
        call.wait()


if __name__ == "__main__":
    case.main()
