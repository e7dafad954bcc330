#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A third-party driver: vpcd, which pcscd polls for cards every 400 ms."""

import os
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.clients.recorder import INSERTION, REMOVAL
from scdtest.fakes import vpcd

OTHER_ATR = "3B021450"


@unittest.skipUnless(os.path.exists(vpcd.DRIVER), "vsmartcard-vpcd is not installed")
class Vpcd(case.TestBedTest):
    """Cards stay inserted at the end of a test, so that the service stops with cards."""

    def setUp(self):
        self.cards = []
        self.addCleanup(self.close_cards)
        super().setUp()
        self.testbed.start_bus()
        self.testbed.start_pcscd([vpcd.READER])

    def close_cards(self):
        for card in self.cards:
            card.close()

    def insert(self, slot=0, **options):
        card = vpcd.VirtualCard(slot, **options)
        self.cards.append(card)
        return card

    def start_service(self):
        self.testbed.start_service()
        self.client = self.recorder()
        self.slots = [self.client.reader(f"Virtual PCD 00 0{number}") for number in range(2)]

    def wait_for_card(self, slot=0, since=0):
        """Returns the object path of the card."""
        return self.client.wait_for_signal("CardInserted", self.slots[slot], since).arguments[0]

    def test_insertion(self):
        self.start_service()
        self.insert()
        path = self.wait_for_card()
        self.assertEqual(self.client.members(), INSERTION)
        added, changed, inserted = self.client.signals
        self.assertEqual(added.arguments[0], path)
        self.assertEqual(changed.arguments[1]["Card"], path)
        self.assertEqual(bytes(inserted.arguments[1]).hex().upper(), vpcd.ATR)
        (card,) = self.client.cards().values()
        self.assertEqual((card["Reader"], card["AtrHex"]), (self.slots[0], vpcd.ATR))

    def test_removal(self):
        self.start_service()
        card = self.insert()
        path = self.wait_for_card()
        del self.client.signals[:]
        card.close()
        self.client.wait_for_signal("InterfacesRemoved")
        self.assertEqual(self.client.members(), REMOVAL)
        removed, changed, gone = self.client.signals
        self.assertEqual(removed.arguments, (path,))
        self.assertEqual(changed.arguments[1]["Card"], "/")
        self.assertEqual(gone.arguments[0], path)
        self.assertEqual(self.client.cards(), {})

    def test_swap(self):
        self.start_service()
        card = self.insert()
        first = self.wait_for_card()
        del self.client.signals[:]
        card.close()
        self.client.wait_for_signal("InterfacesRemoved")
        self.insert(atr=OTHER_ATR)
        second = self.wait_for_card()
        self.assertEqual(self.client.members(), REMOVAL + INSERTION)
        self.assertNotEqual(second, first)
        (path, card), = self.client.cards().items()
        self.assertEqual((path, card["AtrHex"]), (second, OTHER_ATR))

    def test_card_inserted_before_the_start(self):
        self.insert().wait_until_known()
        self.start_service()
        (path, card), = self.client.cards().items()
        self.assertEqual((card["Reader"], card["AtrHex"]), (self.slots[0], vpcd.ATR))
        self.assertEqual(self.client.get(self.slots[0], "org.smartcardd1.Reader", "Card"), path)

    def test_two_slots_at_once(self):
        self.start_service()
        cards = [self.insert(0), self.insert(1, atr=OTHER_ATR)]
        paths = [self.wait_for_card(slot) for slot in range(2)]
        seen = self.client.cards()
        self.assertEqual([seen[path]["Reader"] for path in paths], self.slots)
        self.assertEqual([seen[path]["AtrHex"] for path in paths], [vpcd.ATR, OTHER_ATR])
        cards[0].close()
        self.client.wait_for_signal("InterfacesRemoved")
        self.assertEqual(list(self.client.cards()), paths[1:])

    def test_pcscd_killed_with_a_card(self):
        self.start_service()
        self.insert()
        old = self.wait_for_card()
        del self.client.signals[:]
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.client.wait_for_state(lambda c: not c.manager("Available"), "pcscd has gone")
        self.assertEqual(self.client.members()[:4], ["PropertiesChanged", *REMOVAL])
        self.assertEqual(self.client.objects(), {})

        since = len(self.client.signals)
        self.testbed.start_pcscd([vpcd.READER])
        self.insert()
        new = self.wait_for_card(since=since)
        self.assertNotEqual(new, old)
        self.assertEqual(list(self.client.cards()), [new])

    def test_another_program_uses_the_card(self):
        """Connect, transmit and reset of another program are not taken for a removal."""
        if not shutil.which("scriptor"):
            self.skipTest("scriptor (pcsc-tools) is not installed")
        self.start_service()
        card = self.insert(answer=vpcd.echo)
        path = self.wait_for_card()
        with subprocess.Popen(["scriptor", "-u", "-r", "Virtual PCD 00 00"], text=True, bufsize=1,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as other:
            self.assertIn("< AB CD 90 00", self.answer(other, "80 10 00 00 02 AB CD"))
            self.assertIn("< OK: 3B 80 80 01 01", self.answer(other, "reset"))
            # pcscd has no event for a card in use: one of the other slot makes the service refresh.
            self.insert(1)
            self.wait_for_card(1)
            _, reader = self.client.readers()["Virtual PCD 00 00"]
            self.assertEqual((reader["InUse"], reader["Card"]), (True, path))
            other.stdin.close()
        card.close()
        removed = self.client.wait_for_signal("CardRemoved", self.slots[0])
        self.assertEqual(removed.arguments, (path,))

    def answer(self, scriptor, command):
        """Returns the command and the response that the program prints, each after its mark."""
        print(command, file=scriptor.stdin)
        return next(line for line in scriptor.stdout if line.startswith("<"))


if __name__ == "__main__":
    case.main()
