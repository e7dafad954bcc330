#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks at a polkit that does not reply, or replies with errors."""

import os
import pwd
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, permissions
from scdtest.cases.permissions import (ALICE, IS_VERIFIED, MANAGER, MANAGER_PATH, NOT_VERIFIED, ROOT,
                                       VERIFIED, VERIFY)
from scdtest.fakes.polkit import POLICY, FakePolkit, allow
from scdtest.testbed import events

CHECKS = 96  # of all users, that were sent to polkit
CHECKS_OF_USER = 8


class FakePolkitTest(permissions.PermissionTest):
    def setUp(self):
        super().setUp()
        self.fake = FakePolkit(allow)
        self.addCleanup(self.fake.close)
        self.alice = self.other_user(ALICE)
        self.session = self.connect(self.alice)

    def start_bus(self):
        policy = os.path.join(self.testbed.folder, "policy.conf")
        with open(policy, "w", encoding="utf-8") as file:
            file.write(POLICY)
        self.testbed.start_bus(policy=policy)


class PendingChecks(FakePolkitTest):
    def ask(self, user):
        return user.send(MANAGER_PATH, MANAGER, "CanConnect", "(o)", self.reader())

    def test_limit_of_all_users(self):
        """Further checks wait. Those of open sessions do not."""
        self.fake.answer = None
        names = [account.pw_name for account in pwd.getpwall()
                 if account.pw_uid and account.pw_name != ALICE]
        users = [self.other_user(name) for name in names[:CHECKS // CHECKS_OF_USER + 4]]
        numbers = [(user, self.ask(user)) for user in users for _ in range(CHECKS_OF_USER)]
        for user in users:
            self.wait_until_seen(user)
        events.wait_until(lambda: len(self.fake.questions) >= CHECKS, "the checks")
        self.fake.announce_change()
        events.wait_until(lambda: len(self.fake.questions) > CHECKS, "the recheck")
        self.assertEqual([name for name, _ in self.fake.questions[CHECKS:]], [self.alice.name])
        self.fake.allow_all()
        self.assertEqual({user.wait_for(number)[0] for user, number in numbers}, {"yes"})
        self.assertEqual(self.session.transmit(IS_VERIFIED), NOT_VERIFIED)


class Errors(FakePolkitTest):
    def test_error_is_no_verdict(self):
        self.fake.answer = None
        for name in ("org.freedesktop.DBus.Error.LimitsExceeded",
                     "org.freedesktop.PolicyKit1.Error.Failed"):
            with self.subTest(name):
                self.check_error(name)

    def check_error(self, name):
        """The session does not reach its card until a verdict."""
        self.fake.announce_change()
        events.wait_until(lambda: self.fake.questions, "the recheck")
        number = self.session.send("Transmit", "(aya{sv})", list(bytes.fromhex(VERIFY)), {})
        self.wait_until_seen(self.alice)
        self.fake.questions.pop()[1].return_dbus_error(name, "for the test")
        self.fake.wait_until_sent()
        self.wait_until_seen(self.alice)
        other = self.connect(self.other_user(ROOT))
        self.assertEqual(other.transmit(IS_VERIFIED), NOT_VERIFIED)
        events.wait_until(lambda: self.fake.questions, "the next recheck")
        allow(self.fake.questions.pop()[1])
        self.assertEqual(bytes(self.alice.wait_for(number)[0]).hex(), VERIFIED)
        other.call("Close", "(s)", "reset")
        self.session.reconnect()


if __name__ == "__main__":
    case.main()
