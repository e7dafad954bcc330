#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The card when a session ends without its owner's Close: a verified PIN is not left behind, and not
taken from others who have the card."""

import contextlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.permissions import (ALICE, ALLOW, BOB, CARD, DENY_ALICE, IS_VERIFIED, MANAGER,
                                       MANAGER_PATH, NOT_VERIFIED, READER, VENDOR_CODE, VERIFIED,
                                       VERIFY, PermissionTest)
from scdtest.clients.other_user import CallError
from scdtest.clients.pcsc_client import PcscClient
from scdtest.testbed import events

PCSC_NAME = "Simulated Reader A 00 00"


class Ownership(PermissionTest):
    def setUp(self):
        super().setUp()
        self.daemon.start(ALLOW)
        self.alice, self.bob = self.other_user(ALICE), self.other_user(BOB)

    def verify(self, user):
        session = self.connect(user)
        self.assertEqual(session.transmit(VERIFY), "9000")
        return session

    def pcsc_client(self):
        program = PcscClient()
        self._clients.append(program)
        program.do("connect", "shared", PCSC_NAME)
        return program

    def is_verified(self):
        """Asks a new session of a third client, which leaves the card as it is."""
        session = self.connect(self.other_user("root"))
        answer = session.transmit(IS_VERIFIED)
        session.close()
        return answer == VERIFIED

    def resets(self):
        return int(self.cards.status("A")["resets"])

    def test_last_session(self):
        self.verify(self.alice)
        self.kill(self.alice)
        self.assertFalse(self.is_verified())
        self.assertEqual(self.resets(), 1)

    def test_session_without_commands(self):
        self.verify(self.alice).close()
        self.connect(self.bob)
        self.kill(self.bob)
        self.assertTrue(self.is_verified())
        self.assertEqual(self.resets(), 0)

    def test_session_that_has_reset_the_card_itself(self):
        session = self.verify(self.alice)
        self.alice.wait_for(session.send("Reconnect", "(sass)", "shared", [], "reset"))
        self.kill(self.alice)
        self.assertFalse(self.is_verified())
        self.assertEqual(self.resets(), 1)

    def test_other_users_session_keeps_its_pin(self):
        bystander = self.connect(self.bob)
        self.verify(self.alice)
        self.assertEqual(bystander.transmit(VERIFY), "9000")
        self.kill(self.alice)
        self.assertEqual(bystander.transmit(IS_VERIFIED), VERIFIED)
        self.assertEqual(self.resets(), 0)

    def test_other_session_of_the_user_keeps_its_pin(self):
        second = self.other_user(ALICE)
        bystander = self.connect(second)
        self.verify(self.alice)
        self.kill(self.alice)
        self.assertEqual(bystander.transmit(IS_VERIFIED), VERIFIED)
        self.kill(second)
        self.assertFalse(self.is_verified())

    def test_bystander_that_sends_nothing_is_the_last(self):
        """The PIN that it was left with does not outlive it, however it ends."""
        bystander = self.connect(self.bob)
        self.verify(self.alice)
        self.kill(self.alice)
        self.assertTrue(self.is_verified())
        bystander.close()
        self.assertFalse(self.is_verified())
        self.assertEqual(self.resets(), 1)

    def test_transaction(self):
        """Others would go on in the middle of something."""
        bystander = self.connect(self.bob)
        session = self.verify(self.alice)
        session.begin()
        waiting = bystander.send("Transmit", "(aya{sv})", list(bytes.fromhex(IS_VERIFIED)), {})
        self.kill(self.alice)
        self.assert_refused("ResetCard", self.bob, waiting)
        bystander.reconnect()
        self.assertEqual(bystander.transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_program_beside_it_keeps_its_pin(self):
        program = self.pcsc_client()
        self.assertEqual(program.do("transmit", VERIFY), "9000")
        self.verify(self.alice)
        self.kill(self.alice)
        self.assertTrue(self.is_verified())
        self.assertEqual(program.do("transmit", IS_VERIFIED), VERIFIED)
        self.assertEqual(self.resets(), 0)

    def wait_for_end_of_worker(self):
        """Some time after the last session."""
        folder = f"/proc/{self.testbed.service.pid}/task"

        def has_worker():
            names = []
            for thread in os.listdir(folder):
                with contextlib.suppress(OSError), \
                        open(os.path.join(folder, thread, "comm"), encoding="utf-8") as file:
                    names.append(file.read().strip())
            return "worker" in names
        events.poll_until(lambda: not has_worker(), "the worker has ended")

    def check_program_that_leaves(self, wait):
        """The PIN that was left to the program is not left to the next session."""
        program = self.pcsc_client()
        self.verify(self.alice)
        self.kill(self.alice)
        self.assertTrue(self.is_verified())
        program.do("disconnect", "leave")
        wait()
        self.assertFalse(self.is_verified())
        self.assertEqual(self.resets(), 1)

    def test_program_beside_it_leaves(self):
        self.check_program_that_leaves(lambda: None)

    def test_program_beside_it_leaves_and_the_worker_ends(self):
        self.check_program_that_leaves(self.wait_for_end_of_worker)

    def test_probe(self):
        """The service's own connection to the reader does not prevent the reset."""
        self.daemon.change_rule('return action.id == "org.smartcardd1.control" ? polkit.Result.NO'
                                " : polkit.Result.YES;")
        self.verify(self.alice)
        self.cards.order("delay", "A", 500)
        number = self.bob.send(self.reader(), READER, "Control", "(uay)", VENDOR_CODE, [])
        self.cards.wait_for("A", "busy=1")
        self.kill(self.alice)
        self.cards.wait_for("A", "resets=1")
        self.assert_refused("NotAuthorized", self.bob, number)
        self.cards.order("delay", "A", 0)
        self.assertFalse(self.is_verified())

    def test_program_beside_it_in_a_transaction(self):
        self.verify(self.alice)
        program = self.pcsc_client()
        program.do("begin")
        self.kill(self.alice)
        self.assertEqual(program.do("transmit", IS_VERIFIED), VERIFIED)
        program.do("end", "leave")
        self.assertTrue(self.is_verified())
        self.assertEqual(self.resets(), 0)

    def test_transaction_beside_a_program(self):
        program = self.pcsc_client()
        session = self.verify(self.alice)
        session.begin()
        self.kill(self.alice)
        self.cards.wait_for("A", "resets=1")
        self.assertEqual(program.order("transmit", IS_VERIFIED), ("error", "80100068"))

    def test_exclusive_session(self):
        session = self.connect(self.alice, share_mode="exclusive")
        self.assertEqual(session.transmit(VERIFY), "9000")
        self.kill(self.alice)
        self.assertFalse(self.is_verified())

    def test_direct_session(self):
        self.verify(self.bob).close()
        session = self.connect(self.alice, share_mode="direct")
        session.begin()
        self.kill(self.alice)
        self.assertTrue(self.is_verified())

    def test_revoked(self):
        bystander = self.connect(self.bob)
        session = self.verify(self.alice)
        self.daemon.change_rule(DENY_ALICE)
        self.assert_revoked(session)
        self.assertEqual(bystander.transmit(IS_VERIFIED), VERIFIED)
        bystander.close()
        self.assertFalse(self.is_verified())

    def test_service_stops(self):
        self.verify(self.alice)
        self.connect(self.bob)
        self.testbed.stop_service()
        self.assertEqual(self.cards.status("A")["verified"], "0")

    def test_service_stops_beside_a_program(self):
        program = self.pcsc_client()
        self.verify(self.alice)
        self.testbed.stop_service()
        self.assertEqual(program.do("transmit", IS_VERIFIED), VERIFIED)

    def open_bystander(self, kind):
        """Returns functions that ask whether the bystander still has the card, and that close it."""
        if kind == "none":
            return (lambda: True), (lambda: None)
        if kind in ("same user", "other user"):
            session = self.connect(self.second if kind == "same user" else self.bob)

            def has_card():
                try:
                    return bool(session.transmit(IS_VERIFIED))
                except CallError as error:
                    self.assertIn("ResetCard", error.name)
                    return False
            return has_card, lambda: session.call("Close", "(s)", "reset")
        self.program.do("connect", "shared", PCSC_NAME)
        if kind == "holding program":
            self.program.do("begin")

        def close():
            self.program.order("end", "leave")
            self.program.order("disconnect", "reset")
        return lambda: self.program.order("transmit", IS_VERIFIED)[0] == "ok", close

    def leave_by_close_session(self, session):
        """The owner remains."""
        root = self.other_user("root")
        root.call(MANAGER_PATH, MANAGER, "CloseSession", "(o)", session.path)
        root.close()
        self._clients.remove(root)

    def leave_by_death(self, session):
        self.kill(session.user)
        self._clients.remove(session.user)

    def check_combination(self, leave, bystander, commands, transaction):
        """The card is reset after a transaction, or after commands if nobody else has the card."""
        session = self.connect(self.other_user(ALICE))
        before = self.resets()
        if commands:
            self.assertEqual(session.transmit(VERIFY), "9000")
        has_card, close = self.open_bystander(bystander)
        if transaction:
            session.begin()
        expected = transaction or (commands and bystander == "none")
        leave(session)
        if expected:
            self.cards.wait_for("A", f"resets={before + 1}")
        self.assertEqual(has_card(), bystander == "none" or not expected)
        if bystander != "holding program":
            self.assertEqual(self.is_verified(), commands and not expected)
        self.assertEqual(self.resets(), before + expected)
        close()

    def check_combinations(self, leave):
        self.second = self.other_user(ALICE)
        self.program = PcscClient()
        self._clients.append(self.program)
        for bystander in ("none", "same user", "other user", "program", "holding program"):
            for commands in (False, True):
                for transaction in {False, bystander != "holding program"}:
                    with self.subTest(bystander=bystander, commands=commands,
                                      transaction=transaction):
                        self.check_combination(leave, bystander, commands, transaction)

    def test_all_combinations_of_a_killed_program(self):
        self.check_combinations(self.leave_by_death)

    def test_all_combinations_of_a_session_that_is_closed_by_root(self):
        self.check_combinations(self.leave_by_close_session)

    def test_one_shot_call(self):
        """Its caller leaves in the middle of its transaction."""
        self.cards.order("delay", "A", 50)
        self.alice.send(self.card(), CARD, "TransmitMany", "(aaya{sv})",
                        [list(bytes.fromhex(VERIFY))] * 100, {})
        self.cards.wait_for("A", "busy=1")
        self.kill(self.alice)
        self.cards.order("delay", "A", 0)
        self.assertFalse(self.is_verified())
        self.assertLess(int(self.cards.status("A")["commands"]), 10)


if __name__ == "__main__":
    case.main()
