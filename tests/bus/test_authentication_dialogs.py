#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls that polkit allows only after the user has authenticated in a dialog."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, permissions
from scdtest.cases.permissions import (ALICE, CARD, DENY, IS_VERIFIED, MANAGER, MANAGER_PATH,
                                       NOT_VERIFIED, ROOT, VENDOR_CODE)
from scdtest.clients.agent import Agent
AUTHENTICATE = """
    return action.id == "org.smartcardd1.control" ? polkit.Result.AUTH_ADMIN
                                                  : polkit.Result.AUTH_SELF;
"""
KEEP = "return polkit.Result.AUTH_SELF_KEEP;"


class AuthenticationDialogs(permissions.PermissionTest):
    def setUp(self):
        super().setUp()
        self.daemon.start(AUTHENTICATE)
        self.alice = self.other_user(ALICE)
        self.agent = Agent(self.alice)
        self.addCleanup(self.agent.close)

    def connect_at_dialog(self, path=None):
        number = self.send_connect(self.alice, path, interactive=True)
        self.agent.confirm()
        return permissions.OtherUserSession(self.alice, self.alice.wait_for(number)[0])

    def test_confirmed(self):
        number = self.send_connect(self.alice, interactive=True)
        self.assertEqual(self.agent.wait_for_dialog(), (
            "org.smartcardd1.connect", "Authentication is required to use the smart card reader"
            " Simulated Reader A 00 00"))
        self.agent.confirm()
        session = permissions.OtherUserSession(self.alice, self.alice.wait_for(number)[0])
        self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_without_interaction(self):
        name, message = self.refusal(self.alice, self.send_connect(self.alice))
        self.assertEqual(name, "InteractiveAuthorizationRequired")
        self.assertIn("the user has to authenticate (polkit action org.smartcardd1.connect)",
                      message)

    def test_dismissed(self):
        number = self.send_connect(self.alice, interactive=True)
        self.agent.dismiss()
        self.assert_refused("NotAuthorized", self.alice, number)

    def test_session_methods(self):
        session = self.connect_at_dialog()
        number = session.send_control(VENDOR_CODE, interactive=True)
        # A dialog blocks no other call of the card, not even of the same session.
        self.assertEqual(self.agent.wait_for_dialog()[0], "org.smartcardd1.control")
        self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
        self.connect(self.other_user(ROOT)).transmit(IS_VERIFIED)
        self.agent.confirm()
        self.assertEqual(bytes(self.alice.wait_for(number)[0]).hex(), "9000")
        session.control(VENDOR_CODE)

    def test_one_shot(self):
        number = self.alice.send(self.card(), CARD, "TransmitHex", "(s)", IS_VERIFIED,
                                 interactive=True)
        self.agent.confirm()
        self.assertEqual(self.alice.wait_for(number), [NOT_VERIFIED])

    def test_client_disconnects(self):
        self.send_connect(self.alice, interactive=True)
        self.agent.wait_for_dialog()
        self.alice.leave()
        self.agent.wait_until_cancelled()

    def test_session_closes(self):
        session = self.connect_at_dialog()
        number = session.send_control(VENDOR_CODE, interactive=True)
        self.agent.wait_for_dialog()
        session.close()
        self.assert_refused("Cancelled", self.alice, number)
        self.agent.wait_until_cancelled()

    def test_card_removed(self):
        number = self.send_connect(self.alice, self.card(), interactive=True)
        self.agent.wait_for_dialog()
        self.cards.remove("A")
        self.assert_refused("RemovedCard", self.alice, number)
        self.agent.wait_until_cancelled()

    def test_polkit_is_killed(self):
        """The dialog is gone with it; the next call opens another one."""
        number = self.send_connect(self.alice, interactive=True)
        self.agent.wait_for_dialog()
        self.daemon.stop()
        self.assert_refused("NotAuthorized", self.alice, number)
        self.daemon.start(AUTHENTICATE)
        self.agent = Agent(self.alice)
        self.addCleanup(self.agent.close)
        self.assertEqual(self.connect_at_dialog().transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_rules_change_after_authentication(self):
        """A change of rules does not require the user to authenticate again."""
        session = self.connect_at_dialog()
        self.daemon.change_rule("// nothing new\n" + AUTHENTICATE)
        self.wait_for_recheck(self.alice)
        self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
        self.daemon.change_rule(DENY)
        self.assert_revoked(session)

    def test_rules_change_after_authentication_for_exclusive_use(self):
        session = self.connect_at_dialog()
        number = session.send_reconnect("exclusive", interactive=True)
        self.agent.confirm()
        self.alice.wait_for(number)
        self.daemon.change_rule("// nothing new\n" + AUTHENTICATE)
        self.wait_for_recheck(self.alice)
        self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_authentication_is_kept(self):
        self.daemon.change_rule(KEEP)
        sessions = [self.connect_at_dialog(), self.connect(self.alice)]
        self.assertEqual(self.alice.call(MANAGER_PATH, MANAGER, "CanConnect", "(o)",
                                         self.reader()), ["yes"])
        with self.polkit_away(self.alice, KEEP):
            pass  # polkit forgets the authentication, as it does after some minutes
        for session in sessions:
            session.reconnect()
            self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)


if __name__ == "__main__":
    case.main()
