#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls that wait for polkit while their client, session, card or reader ends."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, permissions
from scdtest.cases.permissions import (ALICE, ALLOW, BOB, CARD, DENY_ALICE, IS_VERIFIED,
                                       NOT_VERIFIED, READER, ROOT, VENDOR_CODE)
from scdtest.testbed import usb
from scdtest.testbed.simulator import ATR


class PendingAuthorizationTest(permissions.PermissionTest):
    def setUp(self):
        super().setUp()
        self.daemon.start(ALLOW)
        self.alice, self.bob = self.other_user(ALICE), self.other_user(BOB)
        self.wait_for_recheck(self.alice)  # the service has connected to polkit before that is paused

    def send_calls(self, user):
        """Sends each call that needs no session."""
        return ([self.send_connect(user, path) for path in (self.reader(), self.card())]
                + [user.send(self.card(), CARD, "TransmitHex", "(s)", IS_VERIFIED),
                   user.send(self.reader(), READER, "Control", "(uaya{sv})", VENDOR_CODE, [], {})])

    def assert_card_removed(self, *numbers):
        """The error for calls of one card; a removed reader loses its card first."""
        for number in numbers:
            self.assert_refused("RemovedCard", self.alice, number)

    def check_removal(self, leave, error, reason):
        """leave: removes reader A. Checks the error of the calls and the reason of Closed."""
        session = self.connect(self.alice)
        self.daemon.pause()
        any_card, this_card, one_shot, control = self.send_calls(self.alice)
        of_session = session.send_control(VENDOR_CODE)
        self.wait_until_seen(self.alice)
        leave()
        self.assert_card_removed(this_card, one_shot)
        for number in (any_card, control, of_session):
            self.assert_refused(error, self.alice, number)
        self.assertEqual(session.wait_for_closed(), reason)
        self.daemon.resume()

    def assert_nobody_has_the_card(self):
        self.assertEqual(self.connect(self.bob, share_mode="exclusive").transmit(IS_VERIFIED),
                         NOT_VERIFIED)


class PendingAuthorization(PendingAuthorizationTest):
    def test_client_disconnects(self):
        session = self.connect(self.alice)
        self.daemon.pause()
        self.send_calls(self.alice)
        session.send_control(VENDOR_CODE)
        session.send_reconnect("exclusive")
        self.wait_until_seen(self.alice)
        self.kill(self.alice)
        self.daemon.resume()
        self.assert_nobody_has_the_card()

    def test_session_closes(self):
        session = self.connect(self.alice)
        self.daemon.pause()
        numbers = [session.send_control(VENDOR_CODE), session.send_reconnect("exclusive")]
        self.wait_until_seen(self.alice)
        session.close()
        for number in numbers:
            self.assert_refused("Cancelled", self.alice, number)
        self.daemon.resume()
        self.assert_nobody_has_the_card()

    def test_allowed_and_closed_at_once(self):
        """The service receives both together."""
        session = self.connect(self.alice)
        self.daemon.pause()
        number = session.send_control(VENDOR_CODE)
        self.wait_until_seen(self.alice)
        self.pause_service()
        closing = session.send("Close", "(s)", "leave")
        self.alice.wait_until_sent()
        self.daemon.resume()
        self.daemon.wait_until_idle()
        self.resume_service()
        self.alice.wait_for(closing)
        self.assert_refused("Cancelled", self.alice, number)
        self.assert_nobody_has_the_card()

    def test_denied_and_closed_at_once(self):
        session = self.connect(self.alice)
        self.pause_service()
        self.daemon.change_rule(DENY_ALICE)
        self.daemon.pause()
        self.resume_service()
        self.wait_until_seen(self.alice)
        self.pause_service()
        closing = session.send("Close", "(s)", "leave")
        self.alice.wait_until_sent()
        self.daemon.resume()
        self.daemon.wait_until_idle()
        self.resume_service()
        self.alice.wait_for(closing)
        self.assertEqual(session.wait_for_closed(), "closed")
        self.assert_nobody_has_the_card()

    def test_timeout(self):
        self.daemon.pause()
        number = self.alice.send(self.reader(), READER, "Connect", "(sasa{sv})", "exclusive", [],
                                 {"timeout-ms": 1})
        self.assert_refused("Timeout", self.alice, number)
        self.daemon.resume()
        self.assert_nobody_has_the_card()

    def test_card_removed(self):
        self.daemon.pause()
        any_card, this_card, one_shot, control = self.send_calls(self.alice)
        self.wait_until_seen(self.alice)
        self.cards.remove("A")
        for number in (this_card, one_shot):
            self.assert_refused("RemovedCard", self.alice, number)
        self.daemon.resume()
        self.assert_refused("NoSmartcard", self.alice, any_card)
        self.alice.wait_for(control)

    def test_card_swapped(self):
        session = self.connect(self.alice, self.card())
        self.daemon.pause()
        number = session.send_reconnect("exclusive")
        this_card = self.send_connect(self.alice, self.card())
        one_shot = self.alice.send(self.card(), CARD, "TransmitHex", "(s)", IS_VERIFIED)
        self.wait_until_seen(self.alice)
        self.cards.swap("A", ATR)
        self.observer.wait_for_signal("CardInserted", self.reader())
        self.assert_card_removed(this_card, one_shot)
        self.daemon.resume()
        self.assert_refused("RemovedCard", self.alice, number)
        session.close()
        self.assert_nobody_has_the_card()

    def test_pcscd_stops(self):
        self.check_removal(self.testbed.stop_pcscd, "NoService", "service-unavailable")
        self.start_pcscd()
        self.observer.wait_for_state(lambda c: len(c.readers()) == 2, "the readers are back")
        self.assert_nobody_has_the_card()

    def test_polkit_is_killed(self):
        """A check without an answer is no permission, and open sessions stay."""
        session = self.connect(self.alice)
        self.daemon.pause()
        numbers = [*self.send_calls(self.alice), session.send_control(VENDOR_CODE),
                   session.send_reconnect("exclusive"),
                   self.alice.send(self.reader(), READER, "SetAlias", "(sa{sv})", "desk", {})]
        self.wait_until_seen(self.alice)
        self.daemon.stop()
        for number in numbers:
            self.assert_refused("NotAuthorized", self.alice, number)
        self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
        self.daemon.start(ALLOW)
        for number in self.send_calls(self.alice)[1:]:
            self.alice.wait_for(number)
        session.control(VENDOR_CODE)

    def test_rules_change_while_the_card_is_connected(self):
        """The check that follows ends after the card has been connected: then the call is answered.

        Several times, for nothing tells whether the worker is connecting the card already.
        """
        root = self.other_user(ROOT)
        self.connect(root)  # the worker has its context
        for count in range(5):
            self.testbed.pcscd.send_signal(signal.SIGSTOP)
            number = self.send_connect(self.alice)
            self.wait_until_seen(self.alice)
            self.pause_service()
            self.daemon.change_rule(f"// {count}\n" + ALLOW)
            self.daemon.pause()
            self.resume_service()
            self.wait_until_seen(self.alice)
            self.testbed.pcscd.send_signal(signal.SIGCONT)
            self.connect(root).close()  # the worker has connected the other one before
            self.daemon.resume()
            session = permissions.OtherUserSession(self.alice, self.alice.wait_for(number)[0])
            self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
            session.close()

    def test_root_does_not_wait(self):
        self.daemon.pause()
        number = self.send_connect(self.alice)
        self.wait_until_seen(self.alice)
        root = self.other_user(ROOT)
        self.assertEqual(self.connect(root).transmit(IS_VERIFIED), NOT_VERIFIED)
        self.daemon.resume()
        self.alice.wait_for(number)


class UnpluggedReader(PendingAuthorizationTest):
    simulated = "001/002"

    def start_pcscd(self):
        self.usb = usb.Bus()
        self.addCleanup(self.usb.close)
        self.usb_reader = usb.Reader(self.usb, "1-1", 2)
        self.usb_reader.plug()
        self.testbed.start_pcscd(environment=self.usb.environment())

    def reader(self, name="A"):
        return self.observer.reader("USB")

    def test_reader_removed(self):
        self.cards.insert(self.simulated)
        self.observer.wait_for_signal("CardInserted", self.reader())
        self.check_removal(self.usb_reader.unplug, "ReaderUnavailable", "reader-removed")
        self.usb_reader.plug()
        self.observer.wait_for_state(lambda c: c.readers(), "the reader is back")
        self.connect(self.alice, share_mode="direct")


if __name__ == "__main__":
    case.main(preload=usb.PRELOAD)
