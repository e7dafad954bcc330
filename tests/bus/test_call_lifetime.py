#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls that their caller cancels or limits, while they wait for another program or for polkit."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, permissions
from scdtest.cases.permissions import (ALICE, ALLOW, BOB, CARD, IS_VERIFIED, MANAGER, MANAGER_PATH,
                                       NOT_VERIFIED, READER, VENDOR_CODE, VERIFIED, VERIFY)
from scdtest.clients.agent import Agent
from scdtest.clients.pcsc_client import PcscClient

PCSC_NAME = "Simulated Reader A 00 00"
ID = "one"
NAMED = {"call-id": ID}
AT_ONCE = {"timeout-ms": 0}
AUTHENTICATE = """
    return action.id == "org.smartcardd1.connect" ? polkit.Result.YES : polkit.Result.AUTH_SELF;
"""


class CallLifetimeTest(permissions.PermissionTest):
    def cancel(self, user, call_id=ID):
        user.call(MANAGER_PATH, MANAGER, "CancelCall", "(s)", call_id)

    def assert_cancelled(self, user, number, words=""):
        name, message = self.refusal(user, number)
        self.assertEqual(name, "Cancelled")
        self.assertIn(words, message)

    def send_transmit(self, session, options, command=VERIFY):
        return session.send("Transmit", "(aya{sv})", list(bytes.fromhex(command)), options)

    def send_one_shot(self, user, options):
        return user.send(self.card(), CARD, "Transmit", "(aya{sv})", list(bytes.fromhex(VERIFY)),
                         options)


class BusyCard(CallLifetimeTest):
    """A plain PC/SC program has a transaction, or another session has one."""

    settings = "[Limits]\nCallsPerSession=5\n"

    SESSION_CALLS = (
        ("TransmitMany", "(aaya{sv})", [[[0, 0xA4, 4, 0]]]), ("BeginTransaction", "(a{sv})", []),
        ("EndTransaction", "(sa{sv})", ["leave"]),
        ("Reconnect", "(sassa{sv})", ["shared", [], "leave"]), ("GetStatus", "(a{sv})", []),
        ("Control", "(uaya{sv})", [VENDOR_CODE, []]), ("GetAttribute", "(ua{sv})", [0x90303]),
        ("SetAttribute", "(uaya{sv})", [0x90303, [0]]), ("OpenChannel", "(a{sv})", []),
        ("Close", "(sa{sv})", ["leave"]))

    def setUp(self):
        super().setUp()
        self.daemon.start(ALLOW)
        self.alice, self.bob = self.other_user(ALICE), self.other_user(BOB)

    def hold(self):
        """Returns a function that releases the card."""
        program = PcscClient()
        self._clients.append(program)
        program.do("connect", "shared", PCSC_NAME)
        program.do("begin")
        # From here on, the service knows of the program, and looks before it sends.
        self.assert_refused("Timeout", self.alice, self.send_one_shot(self.alice,
                                                                      {"timeout-ms": 50}))
        return lambda: program.do("end")

    def hold_in_session(self):
        session = self.connect(self.bob)
        session.begin()
        return session.end

    def send_all(self, session, options):
        """Sends each kind of call that waits for others; with a call-id, each gets its own."""
        def own(number):
            return {**options, "call-id": str(number)} if "call-id" in options else options
        return [self.send_transmit(session, own(0)), self.send_one_shot(self.alice, own(1)),
                session.send("BeginTransaction", "(a{sv})", own(2)),
                session.send("Reconnect", "(sassa{sv})", "shared", [], "leave", own(3))]

    def assert_nothing_was_sent(self, release, session):
        release()
        self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
        self.assertEqual(self.connect(self.bob).transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_limit_zero(self):
        for hold in (self.hold, self.hold_in_session):
            session = self.connect(self.alice)
            release = hold()
            for number in self.send_all(session, AT_ONCE):
                self.assert_refused("Timeout", self.alice, number)
            self.assert_nothing_was_sent(release, session)

    def test_limit(self):
        for hold in (self.hold, self.hold_in_session):
            session = self.connect(self.alice)
            release = hold()
            for number in self.send_all(session, {"timeout-ms": 50}):
                self.assert_refused("Timeout", self.alice, number)
            self.assert_nothing_was_sent(release, session)

    def test_cancel(self):
        """More calls in all than a session may have pending: their places are free again."""
        for hold in (self.hold, self.hold_in_session):
            session = self.connect(self.alice)
            release = hold()
            for _ in range(3):
                numbers = self.send_all(session, NAMED)
                self.wait_until_seen(self.alice)
                for call_id, number in enumerate(numbers):
                    self.cancel(self.alice, str(call_id))
                    self.assert_cancelled(self.alice, number)
            self.assert_nothing_was_sent(release, session)

    def test_message_says_what_was_sent(self):
        session = self.connect(self.alice)
        self.hold()
        for _ in range(20):
            for number in self.send_all(session, {"timeout-ms": 20}):
                name, message = self.refusal(self.alice, number)
                self.assertEqual(name, "Timeout")
                self.assertIn("not sent", message)

    def test_others_cannot_cancel(self):
        """A call-id belongs to a connection: not to its user, and not to all."""
        session = self.connect(self.alice)
        release = self.hold()
        number = self.send_transmit(session, NAMED, IS_VERIFIED)
        self.wait_until_seen(self.alice)
        for user in (self.bob, self.other_user(ALICE), self.other_user(permissions.ROOT)):
            self.cancel(user)
        self.cancel(self.alice, "two")
        release()
        self.alice.wait_for(number)

    def test_close_is_cancelled_with_its_session_closed(self):
        """Close waits with its reset, which is carried out even so."""
        session = self.connect(self.alice)
        self.assertEqual(session.transmit(VERIFY), VERIFIED)
        release = self.hold_in_session()
        number = session.send("Close", "(sa{sv})", "reset", NAMED)
        self.assertEqual(session.wait_for_closed(), "closed")
        self.cancel(self.alice)
        self.assert_cancelled(self.alice, number, "sent, result unknown")
        self.assertEqual(self.list_sessions(self.alice), [])
        release()
        self.assertEqual(self.connect(self.bob).transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_close_with_a_limit(self):
        session = self.connect(self.alice)
        self.hold_in_session()
        number = session.send("Close", "(sa{sv})", "reset", {"timeout-ms": 50})
        self.assert_refused("Timeout", self.alice, number)

    def test_caller_leaves(self):
        session = self.connect(self.alice)
        release = self.hold_in_session()
        self.send_all(session, NAMED)
        self.wait_until_seen(self.alice)
        self.kill(self.alice)
        release()
        self.assertEqual(self.connect(self.bob).transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_name_in_use(self):
        """The call that has the name is not disturbed, and the name is free when it ends."""
        session = self.connect(self.alice)
        release = self.hold()
        number = self.send_transmit(session, NAMED, IS_VERIFIED)
        self.assert_refused("InvalidArgs", self.alice, self.send_one_shot(self.alice, NAMED))
        for method, signature, arguments in self.SESSION_CALLS:
            with self.subTest(method):
                self.assert_refused("InvalidArgs", self.alice,
                                    session.send(method, signature, *arguments, NAMED))
        release()
        self.alice.wait_for(number)
        self.alice.wait_for(self.send_transmit(session, NAMED, IS_VERIFIED))

    def test_wrong_names(self):
        for call_id in ("", "x" * 65):
            with self.subTest(call_id):
                self.assert_refused("InvalidArgs", self.alice, self.alice.send(
                    MANAGER_PATH, MANAGER, "CancelCall", "(s)", call_id))
                self.assert_refused("InvalidArgs", self.alice, self.send_one_shot(
                    self.alice, {"call-id": call_id}))
        self.cancel(self.alice, "nothing has this name")


class DialogTest(CallLifetimeTest):
    def setUp(self):
        super().setUp()
        self.daemon.start(AUTHENTICATE)
        self.alice = self.other_user(ALICE)
        self.agent = Agent(self.alice)
        self.addCleanup(self.agent.close)

    def check_limit_at_the_dialog(self, options):
        """A call that times out closes its dialog."""
        session = self.connect(self.alice)
        for to in (session.path, self.reader()):
            with self.subTest(to):
                interface = permissions.SESSION if to == session.path else READER
                number = self.alice.send(to, interface, "Control", "(uaya{sv})", VENDOR_CODE, [],
                                         options, interactive=True)
                self.assert_refused("Timeout", self.alice, number)
                self.agent.wait_until_cancelled()
                self.agent.cancelled.clear()
        self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)


class WaitLimit(DialogTest):
    settings = "[Limits]\nWaitLimitSec=3\n"

    def test_dialog_of_a_call_that_does_not_wait_for_others(self):
        self.check_limit_at_the_dialog(AT_ONCE)

    def test_dialog_of_a_call_without_limit_of_its_own(self):
        self.check_limit_at_the_dialog({})


class Dialogs(DialogTest):
    def send_connect_with(self, options):
        return self.alice.send(self.reader(), READER, "Connect", "(sasa{sv})", "exclusive", [],
                               options, interactive=True)

    def test_cancelled_connect(self):
        number = self.send_connect_with(NAMED)
        self.agent.wait_for_dialog()
        self.cancel(self.alice)
        self.assert_cancelled(self.alice, number)
        self.agent.wait_until_cancelled()
        self.wait_for_recheck(self.alice)
        self.assertEqual(self.list_sessions(self.alice), [])

    def test_confirmed_after_cancel(self):
        """The service hears of both at once: no session is opened for a call that has ended."""
        number = self.send_connect_with(NAMED)
        self.agent.wait_for_dialog()
        self.pause_service()
        cancelling = self.alice.send(MANAGER_PATH, MANAGER, "CancelCall", "(s)", ID)
        self.alice.wait_until_sent()
        self.agent.confirm()
        self.daemon.wait_until_idle()
        self.resume_service()
        self.alice.wait_for(cancelling)
        self.assert_cancelled(self.alice, number)
        self.wait_for_recheck(self.alice)
        self.assertEqual(self.list_sessions(self.alice), [])

    def test_cancelled_control_of_a_session(self):
        session = self.connect(self.alice)
        number = session.send("Control", "(uaya{sv})", VENDOR_CODE, [], NAMED, interactive=True)
        self.agent.wait_for_dialog()
        self.cancel(self.alice)
        self.assert_cancelled(self.alice, number)
        self.agent.wait_until_cancelled()
        self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_limit_at_the_dialog(self):
        self.check_limit_at_the_dialog({"timeout-ms": 3000})

    def test_session_closes_at_the_dialog(self):
        session = self.connect(self.alice)
        number = session.send("Control", "(uaya{sv})", VENDOR_CODE, [], {}, interactive=True)
        self.agent.wait_for_dialog()
        session.close()
        self.assert_cancelled(self.alice, number)
        self.agent.wait_until_cancelled()

    def test_cancelled_control_of_a_reader(self):
        number = self.alice.send(self.reader(), READER, "Control", "(uaya{sv})", VENDOR_CODE, [],
                                 NAMED, interactive=True)
        self.agent.wait_for_dialog()
        self.cancel(self.alice)
        self.assert_cancelled(self.alice, number)
        self.agent.wait_until_cancelled()


if __name__ == "__main__":
    case.main()
