#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Card events: signals and properties when cards are inserted, removed and swapped."""

import os
import platform
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.clients.recorder import INSERTION, REMOVAL
from scdtest.testbed import events
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import simulated_reader

OTHER_ATR = "3B021450"
POLL = 7  # the number of the system call on x86_64
LONG_WAIT_MS = 5000


class CardTest(case.TestBedTest):
    card = None  # in reader A from the start

    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader("A", card=self.card), simulated_reader("B")])
        self.testbed.start_service()
        self.client = self.recorder()
        self.readers = self.simulator()
        self.a = self.client.reader("Reader A")
        self.b = self.client.reader("Reader B")

    def insert(self, name, path, atr=ATR):
        """Returns the object path of the card."""
        since = len(self.client.signals)
        self.readers.insert(name, atr)
        return self.client.wait_for_signal("CardInserted", path, since).arguments[0]

    def check_swap_while_paused(self, first):
        del self.client.signals[:]
        self.testbed.service.send_signal(signal.SIGSTOP)
        powered = self.readers.powerups("A")
        self.readers.remove("A")
        self.readers.insert("A", ATR)
        events.poll_until(lambda: self.readers.powerups("A") > powered, "pcscd powers the card up")
        self.testbed.service.send_signal(signal.SIGCONT)
        inserted = self.client.wait_for_signal("CardInserted", self.a)
        self.assertEqual(self.client.members(), REMOVAL + INSERTION)
        self.assertEqual(self.client.signals[0].arguments, (first,))
        self.assertNotEqual(inserted.arguments[0], first)


class CardEvents(CardTest):
    def test_insertion(self):
        card = self.insert("A", self.a)
        self.assertEqual(self.client.members(), INSERTION)
        added, changed, inserted = self.client.signals
        self.assertEqual(added.arguments[0], card)
        properties = added.arguments[1]["org.smartcardd1.Card"]
        self.assertEqual(properties["Reader"], self.a)
        self.assertEqual(properties["AtrHex"], ATR)
        self.assertEqual(bytes(properties["Atr"]), bytes.fromhex(ATR))
        self.assertEqual(changed.arguments[1]["Card"], card)
        self.assertEqual(changed.arguments[1]["CardPresent"], True)
        self.assertEqual(bytes(inserted.arguments[1]), bytes.fromhex(ATR))
        self.assertEqual(self.client.cards(), {card: properties})

    def test_removal(self):
        card = self.insert("A", self.a)
        del self.client.signals[:]
        self.readers.remove("A")
        self.client.wait_for_signal("InterfacesRemoved")
        self.assertEqual(self.client.members(), REMOVAL)
        removed, changed, gone = self.client.signals
        self.assertEqual(removed.arguments, (card,))
        self.assertEqual(changed.arguments[1]["Card"], "/")
        self.assertEqual(changed.arguments[1]["CardPresent"], False)
        self.assertEqual(gone.arguments, (card, ["org.smartcardd1.Card"]))
        self.assertEqual(self.client.cards(), {})

    def test_swap_is_a_removal_and_an_insertion(self):
        first = self.insert("A", self.a)
        del self.client.signals[:]
        self.readers.swap("A", OTHER_ATR)
        inserted = self.client.wait_for_signal("CardInserted", self.a)
        self.assertEqual(self.client.members(), REMOVAL + INSERTION)
        self.assertNotEqual(inserted.arguments[0], first)
        self.assertEqual(self.client.cards()[inserted.arguments[0]]["AtrHex"], OTHER_ATR)

    def test_swap_while_the_service_is_paused(self):
        """The service is stopped during the swap and detects it by pcscd's event count."""
        self.check_swap_while_paused(self.insert("A", self.a))

    def test_two_readers_at_once(self):
        self.readers.insert("A", ATR)
        self.readers.insert("B", OTHER_ATR)
        a = self.client.wait_for_signal("CardInserted", self.a).arguments
        b = self.client.wait_for_signal("CardInserted", self.b).arguments
        cards = self.client.cards()
        self.assertEqual(cards[a[0]]["AtrHex"], ATR)
        self.assertEqual(cards[b[0]]["AtrHex"], OTHER_ATR)
        self.assertEqual(cards[b[0]]["Reader"], self.b)

    def test_mute_card(self):
        self.readers.order("mute", "A", "on")
        self.readers.insert("A", ATR)
        inserted = self.client.wait_for_signal("CardInserted", self.a)
        self.assertEqual(inserted.arguments[1], [])
        self.assertTrue(self.client.get(self.a, "org.smartcardd1.Reader", "Mute"))
        card = self.client.cards()[inserted.arguments[0]]
        self.assertEqual((card["AtrHex"], card["Protocols"]), ("", []))

    def test_malformed_atr(self):
        card = self.insert("A", self.a, "3BFF")
        properties = self.client.cards()[card]
        self.assertEqual((properties["AtrHex"], properties["Protocols"]), ("3BFF", []))

    def test_thousand_rapid_swaps(self):
        self.insert("A", self.a)
        for number in range(1000):
            self.readers.swap("A", ATR if number % 2 else OTHER_ATR)
        last = self.insert("B", self.b)
        pcscd_settled = self.insert_again("A")
        cards = self.client.cards()
        self.assertEqual(set(cards), {last, pcscd_settled})
        self.assertEqual(self.client.get(self.a, "org.smartcardd1.Reader", "Card"), pcscd_settled)
        paths = [s.arguments[0] for s in self.client.signals if s.member == "CardInserted"]
        self.assertEqual(len(paths), len(set(paths)))
        self.assert_promised_order()

    def insert_again(self, name):
        """Swaps in a card with an ATR of its own; returns after its event, the last one."""
        marker = "3B04DEADBEEF"
        self.readers.swap(name, marker)

        def found():
            for event in self.client.signals:
                if event.member == "CardInserted" and bytes(event.arguments[1]).hex().upper() == marker:
                    return event.arguments[0]
            return None
        return self.client.wait(found, "the last card is announced")

    def assert_promised_order(self):
        """Checks the order of signals for each card of the recording."""
        steps = {}
        for event in self.client.signals:
            if event.member == "PropertiesChanged":
                card = event.arguments[1].get("Card")
                if card is None:  # the card was removed before the client read its properties
                    continue
                if card == "/":
                    card = steps.pop("removed")
                steps.setdefault(card, []).append(event.member)
            else:
                steps.setdefault(event.arguments[0], []).append(event.member)
                if event.member == "CardRemoved":
                    steps["removed"] = event.arguments[0]
        for card, order in steps.items():
            self.assertIn(order, (INSERTION, INSERTION + REMOVAL), card)


class CardFromTheStart(CardTest):
    """pcscd's event count is 0, which libpcsclite does not compare."""

    card = ATR

    def read_of_monitor(self, file):
        """Reads a file that /proc has for each thread."""
        folder = f"/proc/{self.testbed.service.pid}/task"
        for task in os.listdir(folder):
            with open(f"{folder}/{task}/comm", encoding="ascii") as name:
                if name.read() == "monitor\n":
                    with open(f"{folder}/{task}/{file}", encoding="ascii") as found:
                        return found.read()
        self.fail("there is no monitor")

    def count_waits_of_monitor(self):
        status = dict(line.split(":\t", 1)
                      for line in self.read_of_monitor("status").splitlines())
        return int(status["voluntary_ctxt_switches"])

    def test_swap_while_the_service_is_paused(self):
        """After the short wait with which the monitor begins."""
        before = self.count_waits_of_monitor()
        events.poll_until(lambda: self.count_waits_of_monitor() > before, "the monitor wakes")
        self.check_swap_while_paused(self.client.get(self.a, "org.smartcardd1.Reader", "Card"))

    @unittest.skipIf(platform.machine() != "x86_64", "the number of the system call")
    def test_waits_become_longer(self):
        """So that a card that stays in its reader does not wake the service for ever."""
        def waits_long():
            call, *arguments = self.read_of_monitor("syscall").split()
            return call == str(POLL) and LONG_WAIT_MS < int(arguments[2], 16) < 1 << 31

        events.poll_until(waits_long, "the monitor waits for long")


class ManyReaders(case.TestBedTest):
    def test_sixteen_readers(self):
        """The maximum of pcsc-lite 1.9.9 in one wait, with no room for the plug-and-play entry."""
        names = [f"R{number:02}" for number in range(16)]
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader(name) for name in names])
        self.testbed.start_service()
        client, readers = self.recorder(), self.simulator()
        self.assertEqual(len(client.readers()), 16)
        for name in names:
            readers.insert(name)
            client.wait_for_signal("CardInserted", client.reader(name))
        self.assertEqual(len(client.cards()), 16)


if __name__ == "__main__":
    case.main()
