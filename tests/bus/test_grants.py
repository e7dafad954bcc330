#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Open sessions while what polkit's rules see changes: the card, the alias, the identity, the rules."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, permissions
from scdtest.cases.permissions import (ALICE, ALLOW, DENY_ALICE, IS_VERIFIED, NOT_VERIFIED,
                                       OTHER_ATR, READER, ROOT, VERIFIED, VERIFY)
from scdtest.clients import channel
from scdtest.clients.client import Client
from scdtest.clients.other_user import CallError
from scdtest.clients.pcsc_client import PcscClient
from scdtest.testbed import events
from scdtest.testbed.simulator import ATR
from scdtest.testbed.users import as_user

SERIAL, SERIAL_TAG = "SN1234", "10103"


def allow_if(condition):
    return f"return {condition} ? polkit.Result.YES : polkit.Result.NO;"


class GrantTest(permissions.PermissionTest):
    def start_pcscd(self):
        super().start_pcscd()
        driver = self.simulator()
        driver.order("attribute", "A", SERIAL_TAG, SERIAL.encode().hex())
        self.set_up_driver(driver)

    def set_up_driver(self, driver):
        """Called before the service starts."""

    def start_polkit(self, rule):
        self.daemon.start(rule)
        self.alice, self.root = self.other_user(ALICE), self.other_user(ROOT)

    def swap(self, name, atr):
        since = len(self.observer.signals)
        self.cards.swap(name, atr)
        self.observer.wait_for_signal("CardInserted", self.reader(name), since)

    def set_alias(self, name):
        self.root.call(self.reader(), READER, "SetAlias", "(sa{sv})", name, {"bind": "serial"})

    def send_verify(self, session):
        return session.send("Transmit", "(aya{sv})", list(bytes.fromhex(VERIFY)), {})

    def assert_card_untouched(self, name):
        """No earlier command has verified the card's PIN."""
        before = int(self.cards.status(name)["commands"])
        self.assertEqual(self.connect(self.root, self.reader(name)).transmit(IS_VERIFIED),
                         NOT_VERIFIED)
        self.assertEqual(int(self.cards.status(name)["commands"]), before + 1)


class Cards(GrantTest):
    def test_reconnect_to_a_forbidden_card(self):
        self.start_polkit(allow_if(f'action.lookup("atr") == "{OTHER_ATR}"'))
        session = self.connect(self.alice, self.reader("B"))
        self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
        powered = self.cards.powerups("B")
        self.cards.swap("B", ATR)
        # Before, a Reconnect would reach the card that may be used.
        events.poll_until(lambda: self.cards.powerups("B") > powered, "pcscd has the new card")
        numbers = [session.send_reconnect(), self.send_verify(session)]
        self.assert_revoked(session)
        for number in numbers:
            with self.assertRaises(CallError):
                self.alice.wait_for(number)
        self.observer.wait_for_signal("CardInserted", self.reader("B"))
        self.assertEqual(self.cards.status("B")["commands"], "1")

    def test_direct_session_and_a_forbidden_card(self):
        self.start_polkit(allow_if('action.lookup("atr") == ""'))
        self.cards.remove("B")
        self.observer.wait_for_signal("CardRemoved", self.reader("B"))
        session = self.connect(self.alice, self.reader("B"), share_mode="direct")
        self.cards.insert("B", ATR)
        self.assert_revoked(session)
        self.assert_card_untouched("B")

    def test_commands_wait_for_the_verdict(self):
        self.start_polkit(ALLOW)
        session = self.connect(self.alice)
        self.daemon.pause()
        self.swap("A", OTHER_ATR)
        numbers = [session.send_reconnect(), self.send_verify(session)]
        self.wait_until_seen(self.alice)
        self.assert_card_untouched("A")
        self.daemon.resume()
        self.alice.wait_for(numbers[0])
        self.assertEqual(bytes(self.alice.wait_for(numbers[1])[0]).hex(), VERIFIED)

    def test_same_card_again(self):
        """A session survives a short absence of its card, whatever the rule says of no card."""
        self.start_polkit(allow_if(f'action.lookup("atr") == "{ATR}"'))
        session = self.connect(self.alice)
        self.swap("A", ATR)
        session.reconnect()
        self.assertEqual(session.transmit(VERIFY), VERIFIED)

    def test_connect_that_waits_while_the_card_is_swapped(self):
        self.start_polkit(allow_if(f'action.lookup("atr") == "{ATR}"'))
        holder = self.connect(self.root)
        holder.begin()
        number = self.send_connect(self.alice)
        self.wait_for_recheck(self.alice)
        self.swap("A", OTHER_ATR)
        self.assert_refused("NotAuthorized", self.alice, number)


class Aliases(GrantTest):
    FORBIDDEN = allow_if('action.lookup("alias") != "door"')

    def test_forbidden_alias(self):
        self.start_polkit(self.FORBIDDEN)
        session = self.connect(self.alice)
        self.set_alias("door")
        self.assert_revoked(session)
        self.assert_card_untouched("A")

    def test_required_alias_is_removed(self):
        self.start_polkit(allow_if('action.lookup("alias") == "desk"'))
        self.set_alias("desk")
        session = self.connect(self.alice)
        self.set_alias("")
        self.assert_revoked(session)

    def test_forbidden_alias_of_an_empty_reader(self):
        """Commands for the driver need no card."""
        self.start_polkit(self.FORBIDDEN)
        self.cards.remove("A")
        self.observer.wait_for_signal("CardRemoved", self.reader())
        session = self.connect(self.alice, share_mode="direct")
        session.control(permissions.VENDOR_CODE)
        self.set_alias("door")
        self.assert_revoked(session)

    def test_serial_number(self):
        self.start_polkit(allow_if(f'action.lookup("serial") == "{SERIAL}"'))
        self.connect(self.alice)
        self.assert_refused("NotAuthorized", self.alice,
                            self.send_connect(self.alice, self.reader("B")))

    def check_without_polkit(self, rule):
        """An alias is set while polkit is away: the session stays, its commands wait."""
        self.start_polkit(self.FORBIDDEN)
        session = self.connect(self.alice)
        self.daemon.stop()
        self.set_alias("door")
        number = self.send_verify(session)
        self.wait_until_seen(self.alice)
        self.assert_card_untouched("A")
        self.daemon.start(rule)
        return session, number

    def test_without_polkit(self):
        _, number = self.check_without_polkit(ALLOW)
        self.assertEqual(bytes(self.alice.wait_for(number)[0]).hex(), VERIFIED)

    def test_forbidden_alias_without_polkit(self):
        session, number = self.check_without_polkit(self.FORBIDDEN)
        self.assert_revoked(session)
        self.assert_refused("Cancelled", self.alice, number)
        self.assert_card_untouched("A")


class LateIdentity(GrantTest):
    """A transaction of another program delays the probe until the reader is on the bus."""

    def set_up_driver(self, driver):
        self.holder = PcscClient()
        self._clients.append(self.holder)
        self.holder.do("connect", "shared", "Simulated Reader A 00 00")
        self.holder.do("begin")

    def start_polkit(self, rule):
        super().start_polkit(rule)
        self.assertEqual(self.observer.get(self.reader(), READER, "Serial"), "")

    def test_forbidden_serial_number(self):
        self.start_polkit(allow_if(f'action.lookup("serial") != "{SERIAL}"'))
        number = self.send_connect(self.alice)
        self.wait_until_seen(self.alice)
        self.holder.do("end", "leave")
        self.assert_refused("NotAuthorized", self.alice, number)


class Channels(GrantTest):
    def setUp(self):
        super().setUp()
        self.start_polkit(ALLOW)
        with as_user(ALICE):
            client = Client()
        self._clients.append(client)
        self.channel = channel.Channel(client.connect(self.reader()))
        self._clients.append(self.channel)

    def change_rule(self, rule):
        """Returns while polkit has not yet replied to the check that follows."""
        self.pause_service()
        self.daemon.change_rule(rule)
        self.daemon.pause()
        self.resume_service()
        self.wait_until_seen(self.alice)
        self.channel.send(channel.transmit(VERIFY))
        self.assert_card_untouched("A")
        self.assertFalse(self.channel.has_answer())

    def test_forbidden(self):
        self.change_rule(DENY_ALICE)
        self.daemon.resume()
        self.assertEqual(self.channel.receive_all(), [channel.CANCELLED])
        self.assert_card_untouched("A")

    def test_allowed(self):
        self.change_rule("// another\n" + ALLOW)
        self.daemon.resume()
        self.assertEqual(self.channel.receive(), (channel.SUCCESS, bytes.fromhex(VERIFIED)))


class ManySessions(GrantTest):
    SESSIONS, CHANGES = 128, 6

    def test_rule_changes_in_quick_succession(self):
        self.start_polkit(ALLOW)
        sessions = [self.connect(self.alice) for _ in range(self.SESSIONS)]
        self.pause_service()
        for number in range(self.CHANGES):
            self.daemon.change_rule(f"// {number}\n" + ALLOW)
        self.resume_service()
        self.wait_until_seen(self.alice)
        for session in sessions:
            self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
        self.assertEqual(self.alice.signals, [])
        self.daemon.change_rule(DENY_ALICE)
        for session in sessions:
            self.assert_revoked(session)


if __name__ == "__main__":
    case.main()
