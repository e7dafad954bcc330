#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""WaitForCard and WaitForRemoval: results, timeouts, limits."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.sessions import SessionTest
from scdtest.clients.client import options as vardict
from scdtest.clients.recorder import INSERTION, MANAGER, REMOVAL, ROOT
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import simulated_reader

OTHER_ATR = "3B021450"


class WaitTest(SessionTest):
    """Readers A and B, without cards."""

    settings = ""

    def setUp(self):
        super().setUp()
        self.start(self.settings)
        self.user = self.client()
        self.a = self.user.reader("Reader A")
        self.b = self.user.reader("Reader B")

    def start_pcscd(self, **more):
        self.testbed.start_pcscd([simulated_reader(name) for name in "AB"], **more)

    def begin(self, client, method, *arguments):
        """Sends the call; returns when the service has received it."""
        call = client.send(ROOT, MANAGER, method, *arguments)
        client.manager("Version")
        return call

    def wait_for_card(self, client=None, **options):
        return self.begin(client or self.user, "WaitForCard", vardict(**options))

    def wait_for_removal(self, card, **options):
        return self.begin(self.user, "WaitForRemoval", GLib.Variant("o", card),
                          vardict(**options))

    def insert(self, name, atr=ATR):
        """Returns the path of the card, after the replies to calls that its insertion ends."""
        since = len(self.user.signals)
        self.cards.insert(name, atr)
        path = self.user.reader("Reader " + name)
        card = self.user.wait_for_signal("CardInserted", path, since).arguments[0]
        self.user.manager("Version")
        return card

    def remove(self, name):
        since = len(self.user.signals)
        self.cards.remove(name)
        self.user.wait_for_signal("InterfacesRemoved", ROOT, since)
        self.user.manager("Version")

    def members_when_done(self, call):
        """Returns the signals that were recorded before the reply."""
        seen = []
        call.on_done = lambda: seen.extend(self.user.members())
        call.wait()
        return seen


class WaitForCard(WaitTest):
    def test_present_card(self):
        card = self.insert("B")
        self.assertEqual(self.wait_for_card().wait(), [self.b, card])
        self.assertEqual(self.wait_for_card(timeout_ms=0).wait(), [self.b, card])

    def test_inserted_card(self):
        call = self.wait_for_card()
        self.cards.insert("A", ATR)
        self.assertEqual(self.members_when_done(call), INSERTION)
        self.assertEqual(call.wait(), [self.a, self.user.get(self.a, "org.smartcardd1.Reader",
                                                             "Card")])

    def test_new_card(self):
        self.insert("A")
        call = self.wait_for_card(new=True)
        card = self.insert("B")
        self.assertEqual(call.wait(), [self.b, card])

    def test_new_card_in_the_same_reader(self):
        first = self.insert("A")
        call = self.wait_for_card(new=True, reader=self.a)
        self.cards.swap("A", ATR)
        reader, card = call.wait()
        self.assertEqual(reader, self.a)
        self.assertNotEqual(card, first)

    def test_card_in_one_reader(self):
        calls = [self.wait_for_card(reader=self.a),
                 self.wait_for_card(reader=self.pcsc_name("A"))]
        other = self.insert("B")
        self.assertEqual([call.is_done for call in calls], [False, False])
        self.assertEqual(self.wait_for_card(reader=self.b).wait(), [self.b, other])
        card = self.insert("A")
        self.assertEqual([call.wait() for call in calls], [[self.a, card]] * 2)

    def test_card_with_one_atr(self):
        first = self.insert("A")
        call = self.wait_for_card(atr=bytes.fromhex(OTHER_ATR))
        self.assertEqual(self.wait_for_card(atr=bytes.fromhex(ATR)).wait(), [self.a, first])
        self.remove("A")
        self.insert("A")
        self.assertFalse(call.is_done)
        card = self.insert("B", OTHER_ATR)
        self.assertEqual(call.wait(), [self.b, card])

    def test_card_with_an_atr_mask(self):
        call = self.wait_for_card(atr=bytes.fromhex("3B02FF5F"),
                                  atr_mask=bytes.fromhex("FFFF00F0"))
        self.insert("A", "3B021460")
        self.remove("A")
        self.insert("A", "3B021450AA")
        self.assertFalse(call.is_done)
        card = self.insert("B", OTHER_ATR)
        self.assertEqual(call.wait(), [self.b, card])

    def test_mute_card(self):
        """A card without an ATR counts only for a call that asks for it."""
        calls = [self.wait_for_card(), self.wait_for_card(reader=self.a),
                 self.wait_for_card(atr=bytes.fromhex(ATR), mute=True)]
        mute = self.wait_for_card(mute=True)
        self.cards.order("mute", "A", "on")
        card = self.insert("A")
        self.assertEqual(mute.wait(), [self.a, card])
        self.assertEqual(self.wait_for_card(mute=True, timeout_ms=0).wait(), [self.a, card])
        self.assert_refused("Timeout", self.wait_for_card(timeout_ms=0))
        self.assertFalse(any(call.is_done for call in calls))

    def test_slot_that_is_always_mute(self):
        """The slot of a SAM: a wait for any card waits for one in another slot."""
        self.cards.order("mute", "B", "on")
        self.insert("B")
        call = self.wait_for_card()
        card = self.insert("A")
        self.assertEqual(call.wait(), [self.a, card])

    def test_mute_card_that_answers_later(self):
        self.cards.order("mute", "A", "on")
        self.insert("A")
        call = self.wait_for_card()
        self.cards.order("mute", "A", "off")
        self.pcsc_client().order("connect", "shared", self.pcsc_name())
        self.remove("A")
        card = self.insert("A")
        self.assertEqual(call.wait(), [self.a, card])

    def test_invalid_options(self):
        for options in ({"reader": ""}, {"reader": 1}, {"atr": b""}, {"atr": bytes(34)},
                        {"atr": "3B"}, {"atr_mask": b"\xff"}, {"atr": b"\x3b", "atr_mask": b""},
                        {"atr": b"\x3b", "atr_mask": b"\xff\xff"}, {"new": 1},
                        {"timeout_ms": True}, {"timeout": 1}, {"mute": 1}):
            self.assert_refused("InvalidArgs", self.wait_for_card(**options))

    def test_timeout(self):
        self.insert("B")
        self.assert_refused("Timeout", self.wait_for_card(reader=self.a, timeout_ms=0))
        self.assert_refused("Timeout", self.wait_for_card(reader=self.a, timeout_ms=20))
        self.assert_refused("Timeout", self.wait_for_card(new=True, timeout_ms=20))

    def test_card_inserted_before_the_timeout(self):
        call = self.wait_for_card(timeout_ms=0xFFFFFFFE)
        card = self.insert("A")
        self.assertEqual(call.wait(), [self.a, card])

    def test_many_wait_for_one_card(self):
        others = [self.client() for _ in range(8)]
        calls = [self.wait_for_card(client) for client in others for _ in range(8)]
        card = self.insert("A")
        for call in calls:
            self.assertEqual(call.wait(), [self.a, card])

    def test_pcscd_restarts(self):
        """The new pcscd has a reader that was missing when the wait for its card began."""
        call = self.wait_for_card(reader=self.pcsc_name("C"))
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.user.wait_for_state(lambda c: not c.manager("Available"), "pcscd is away")
        second = self.wait_for_card()
        self.assert_refused("Timeout", self.wait_for_card(timeout_ms=0))
        self.testbed.start_pcscd([simulated_reader("C", card=ATR)])
        reader, card = call.wait()
        self.assertEqual(reader, self.user.reader("Reader C"))
        self.assertEqual(second.wait(), [reader, card])

    def test_service_stops(self):
        self.insert("A")
        calls = [self.wait_for_card(new=True),
                 self.wait_for_removal(next(iter(self.user.cards())))]
        self.testbed.stop_service()
        for call in calls:
            self.assert_refused("Shutdown", call)


class WaitForRemoval(WaitTest):
    def test_removed_card(self):
        card = self.insert("A")
        self.insert("B")
        call = self.wait_for_removal(card)
        self.remove("B")
        self.assertFalse(call.is_done)
        del self.user.signals[:]
        self.cards.remove("A")
        self.assertEqual(self.members_when_done(call), REMOVAL)

    def test_swapped_card(self):
        call = self.wait_for_removal(self.insert("A"))
        self.cards.swap("A", ATR)
        call.wait()

    def test_card_removed_before(self):
        card = self.insert("A")
        self.remove("A")
        self.assertIsNone(self.wait_for_removal(card).wait())
        self.insert("A")
        self.assertIsNone(self.wait_for_removal(card, timeout_ms=0).wait())

    def test_card_lost_with_pcscd(self):
        call = self.wait_for_removal(self.insert("A"))
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.assert_refused("NoService", call)

    def test_invalid_card_path(self):
        for path in ("/", ROOT, ROOT + "/cards", ROOT + "/cards/0", ROOT + "/cards/x",
                     ROOT + "/cards/1/2", ROOT + "/cards/99999999999999999999", self.a):
            self.assert_refused("UnknownCard", self.wait_for_removal(path))

    def test_timeout(self):
        card = self.insert("A")
        self.assert_refused("Timeout", self.wait_for_removal(card, timeout_ms=0))
        self.assert_refused("Timeout", self.wait_for_removal(card, timeout_ms=20))

    def test_invalid_options(self):
        card = self.insert("A")
        for options in ({"new": True}, {"timeout_ms": "1"}):
            self.assert_refused("InvalidArgs", self.wait_for_removal(card, **options))


class LimitsOfWaits(WaitTest):
    settings = "[Limits]\nWaitersPerUser=2\nWaiters=3\n"

    def test_limit_of_waits(self):
        card = self.insert("A")
        calls = [self.wait_for_card(new=True), self.wait_for_removal(card)]
        for call in (self.wait_for_card(new=True), self.wait_for_removal(card),
                     self.wait_for_card(self.client(), new=True)):
            self.assert_refused("LimitsExceeded", call)
        self.assertEqual(self.wait_for_card().wait(), [self.a, card])
        self.cards.swap("A", ATR)
        for call in calls:
            call.wait()
        self.assert_refused("Timeout", self.wait_for_card(new=True, timeout_ms=1))

    def test_waits_of_a_disconnected_client(self):
        """The service sees the departure before the next call."""
        other = self.client()
        for _ in range(2):
            self.wait_for_card(other)
        self.assert_refused("LimitsExceeded", self.wait_for_card())
        name, left = other.connection.get_unique_name(), self.user.departures()
        other.close()
        self.user.wait(lambda: name in left, "the bus tells that the other one has left")
        mine = [self.wait_for_card(), self.wait_for_card()]
        self.assert_refused("LimitsExceeded", self.wait_for_card())
        card = self.insert("A")
        self.assertEqual([call.wait() for call in mine], [[self.a, card]] * 2)


if __name__ == "__main__":
    case.main()
