#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Revocation: sessions and calls that polkit does not allow any more after a change of rules."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, permissions
from scdtest.cases.permissions import (ALICE, ALLOW, BOB, DENY, DENY_ALICE, IS_VERIFIED,
                                       NOT_VERIFIED, ROOT, VENDOR_CODE, VERIFIED, VERIFY)

def deny(action):
    return (f'return action.id == "org.smartcardd1.{action}" ? polkit.Result.NO'
            " : polkit.Result.YES;")


class RevocationTest(permissions.PermissionTest):
    def setUp(self):
        super().setUp()
        self.daemon.start(ALLOW)
        self.alice, self.bob = self.other_user(ALICE), self.other_user(BOB)
        self.root = self.other_user(ROOT)

    def assert_works(self, session):
        self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)


class Revocation(RevocationTest):
    def test_one_user(self):
        mine, others = self.connect(self.alice), [self.connect(self.bob), self.connect(self.root)]
        mine.begin()
        self.assertEqual(mine.transmit(VERIFY), VERIFIED)
        waiting = [(other, other.send("BeginTransaction", "(a{sv})", {})) for other in others]
        self.daemon.change_rule(DENY_ALICE)
        self.assert_revoked(mine)
        for other, number in waiting:
            self.assert_refused("ResetCard", other.user, number)
            other.reconnect()
            self.assert_works(other)
            self.assertNotIn("Closed", [member for _, member, _ in other.user.signals])

    def test_waiting_calls_are_cancelled(self):
        holder, mine = self.connect(self.bob), self.connect(self.alice)
        holder.begin()
        number = mine.send("BeginTransaction", "(a{sv})", {})
        self.wait_until_seen(self.alice)
        self.daemon.change_rule(DENY_ALICE)
        self.assert_refused("Cancelled", self.alice, number)
        self.assert_revoked(mine)
        self.assert_works(holder)

    def test_exclusive_use(self):
        mine = self.connect(self.alice, share_mode="exclusive")
        self.daemon.change_rule(deny("connect"))
        self.wait_for_recheck(self.alice)
        self.assert_works(mine)
        self.daemon.change_rule(deny("exclusive"))
        self.assert_revoked(mine)
        self.assert_works(self.connect(self.alice))

    def test_exclusive_use_after_reconnecting(self):
        mine = self.connect(self.alice)
        mine.reconnect("exclusive")
        self.daemon.change_rule(deny("exclusive"))
        self.assert_revoked(mine)

    def test_driver_commands_are_checked_again(self):
        mine = self.connect(self.alice)
        mine.control(VENDOR_CODE)
        self.daemon.change_rule(deny("control"))
        self.wait_for_recheck(self.alice)
        self.assert_refused("NotAuthorized", self.alice, mine.send_control(VENDOR_CODE))
        self.assert_works(mine)

    def test_exclusive_use_is_checked_again(self):
        mine = self.connect(self.alice)
        for mode in ("exclusive", "shared"):
            mine.reconnect(mode)
        self.daemon.change_rule(deny("exclusive"))
        self.wait_for_recheck(self.alice)
        self.assert_refused("NotAuthorized", self.alice, mine.send_reconnect("exclusive"))
        self.assert_works(mine)

    def test_authentication_required_now(self):
        mine = self.connect(self.alice)
        self.daemon.change_rule("return polkit.Result.AUTH_SELF;")
        self.assert_revoked(mine)

    def test_another_reader(self):
        sessions = {name: self.connect(self.alice, self.reader(name)) for name in "AB"}
        self.daemon.change_rule('return /Reader A/.test(action.lookup("reader"))'
                                " ? polkit.Result.NO : polkit.Result.YES;")
        self.assert_revoked(sessions["A"])
        self.assert_works(sessions["B"])

    def test_many_sessions(self):
        sessions = [self.connect(self.alice) for _ in range(32)]
        self.daemon.change_rule(DENY_ALICE)
        for session in sessions:
            self.assert_revoked(session)


class WaitingCalls(RevocationTest):
    """The rules change while an allowed call waits for the card."""

    def setUp(self):
        super().setUp()
        self.holder = self.connect(self.root)
        self.holder.begin()

    def test_connect(self):
        number = self.send_connect(self.alice)
        self.wait_for_recheck(self.alice)
        self.daemon.change_rule(DENY_ALICE)
        self.holder.end()
        self.assert_refused("NotAuthorized", self.alice, number)

    def test_reconnect(self):
        mine = self.connect_beside_holder()
        number = mine.send_reconnect("exclusive")
        self.wait_for_recheck(self.alice)
        self.daemon.change_rule(deny("exclusive"))
        self.wait_for_recheck(self.alice)
        self.holder.close()
        self.alice.wait_for(number)
        self.assert_revoked(mine)

    def test_one_shot(self):
        number = self.alice.send(self.card(), permissions.CARD, "TransmitHex", "(s)", IS_VERIFIED)
        self.wait_for_recheck(self.alice)
        self.daemon.change_rule(DENY_ALICE)
        self.assert_refused("SecurityViolation", self.alice, number)
        self.holder.end()
        self.assert_works(self.holder)

    def test_one_shot_that_stays_allowed(self):
        number = self.alice.send(self.card(), permissions.CARD, "TransmitHex", "(s)", IS_VERIFIED)
        self.wait_for_recheck(self.alice)
        self.daemon.change_rule(deny("exclusive"))
        self.wait_for_recheck(self.alice)
        self.holder.end()
        self.assertEqual(self.alice.wait_for(number)[0], NOT_VERIFIED)

    def connect_beside_holder(self):
        self.holder.end()
        session = self.connect(self.alice)
        self.holder.begin()
        return session


class WithoutPolkit(RevocationTest):
    def test_same_rules_after_a_restart(self):
        mine = self.connect(self.alice)
        with self.polkit_away(self.alice, ALLOW):
            self.assert_works(mine)
            self.assert_refused("NotAuthorized", self.alice, self.send_connect(self.alice))
            self.assert_refused("NotAuthorized", self.alice, mine.send_control(VENDOR_CODE))
            self.assert_works(self.connect(self.root))
        mine.reconnect()  # the end of the witness's session has reset the card
        self.assert_works(mine)
        self.assert_works(self.connect(self.alice))

    def test_other_rules_after_a_restart(self):
        mine, roots = self.connect(self.alice), self.connect(self.root)
        self.daemon.stop()
        self.assert_works(mine)
        self.daemon.start(DENY)
        self.assert_revoked(mine)
        roots.reconnect()
        self.assert_works(roots)

    def test_polkit_stops_during_a_check(self):
        mine = self.connect(self.alice)
        self.daemon.pause()
        number = mine.send_control(VENDOR_CODE)
        self.wait_until_seen(self.alice)
        self.daemon.stop()
        name, message = self.refusal(self.alice, number)
        self.assertEqual(name, "NotAuthorized")
        self.assertIn("polkit is not available to check org.smartcardd1.control", message)
        self.assert_works(mine)

    def test_polkit_stops_during_a_recheck(self):
        """That polkit has no verdict is none: it is asked again when it is back."""
        mine = self.connect(self.alice)
        self.pause_service()
        self.daemon.change_rule("// the same\n" + ALLOW)
        self.daemon.pause()
        self.resume_service()
        self.wait_until_seen(self.alice)
        self.daemon.stop()
        self.assert_works(mine)
        self.daemon.start(DENY)
        self.assert_revoked(mine)


if __name__ == "__main__":
    case.main()
