#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bugs of pcsc-lite 2.5, injected by tests/faults: none of them is visible on the bus."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.testbed.faults import Faults
from scdtest.testbed.testbed import simulated_reader


class PcscLiteBugs(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.faults = Faults(self.testbed)
        self.testbed.start_bus()
        self.start_pcscd()

    def start_pcscd(self):
        """Starts pcscd with cards that were inserted: pcsc-lite ignores event counts of 0."""
        self.testbed.start_pcscd([simulated_reader(name) for name in "ABC"])
        readers = self.simulator()
        for name in "ABC":
            readers.insert(name)

    def start_service(self, *options):
        self.testbed.start_service(*options, environment=self.faults.environment)

    def watch_swaps(self, fault, count=60):
        """Swaps cards during the bug; the service announces each swap, and nothing else."""
        self.faults.order(fault)
        client, readers = self.recorder(), self.simulator()
        self.start_service()
        client.wait_for_state(lambda c: len(c.cards()) == 3, "three cards are in")
        self.assertEqual(client.readers_that_came_or_went(), [])
        del client.signals[:]
        paths = {path for path, _ in client.readers().values()}
        for number in range(count):
            since = len(client.signals)
            readers.swap("ABC"[number % 3])
            client.wait_for_signal("CardInserted", since=since)
        self.assertNotIn("pcscd: ", self.testbed.service.output)
        self.assertEqual({path for path, _ in client.readers().values()}, paths)
        self.assertEqual(client.readers_that_came_or_went(), [])
        self.assertEqual(sum(s.member == "CardInserted" for s in client.signals), count)
        self.assertTrue(self.faults.happened(fault))

    def test_spurious_failure_of_a_wait(self):
        self.watch_swaps("wait-error")

    def test_spurious_unknown_reader(self):
        self.watch_swaps("wait-unknown")

    def test_garbage_in_the_reader_list(self):
        self.watch_swaps("list-garbage")

    def test_wrong_names_in_the_reader_list(self):
        self.watch_swaps("list-wrong")

    def test_state_that_is_read_twice_before_its_count(self):
        """The count that follows is not that of another card."""
        self.faults.order("count-late")
        client, readers = self.recorder(), self.simulator()
        self.start_service()
        client.wait_for_state(lambda c: len(c.cards()) == 3, "three cards are in")
        del client.signals[:]
        for name in "ABC":
            readers.remove(name)
            client.wait_for_state(lambda c: len(c.cards()) == 2, "a card has left")
            readers.insert(name)
            client.wait_for_state(lambda c: len(c.cards()) == 3, "a card has come")
        self.faults.wait_for("count-late")
        readers.remove("A")
        client.wait_for_state(lambda c: len(c.cards()) == 2, "a card has left")
        self.assertEqual([s.member for s in client.signals if s.member.startswith("Card")],
                         ["CardRemoved", "CardInserted"] * 3 + ["CardRemoved"])

    def test_library_out_of_sync(self):
        self.watch_swaps("out-of-step")

    def test_library_out_of_sync_again_and_again(self):
        """Each connection shows all readers before it is lost: they have not gone."""
        client, readers = self.recorder(), self.simulator()
        self.start_service()
        client.wait_for_state(lambda c: len(c.cards()) == 3, "three cards are in")
        del client.signals[:]
        self.faults.order("wait-breaks")
        readers.swap("A")
        self.faults.wait_for("wait-breaks")
        readers.swap("B")
        client.wait_for_state(lambda c: sum(s.member == "CardInserted" for s in c.signals) == 2,
                              "both swaps were announced")
        self.assertNotIn("pcscd: ", self.testbed.service.output)
        self.assertEqual(client.readers_that_came_or_went(), [])

    def test_pcscd_that_ends_after_each_connection(self):
        """Its socket, which systemd may have, does not change when it works again."""
        self.faults.order("list-gone")
        client = self.recorder()
        self.start_service()
        self.faults.wait_for("list-gone")
        self.assertFalse(client.manager("Available"))
        self.faults.cancel("list-gone")
        client.wait_for_state(lambda c: len(c.cards()) == 3, "three cards are in")

    def provoke_restart(self, fault, *options):
        """Makes the service restart; returns its output."""
        self.start_service(*options)
        client = self.recorder()
        cards, readers = set(client.cards()), set(client.readers())
        pid = self.testbed.service.pid
        self.faults.order(fault)
        self.testbed.stop_pcscd()
        self.start_pcscd()
        client.wait_for_state(
            lambda c: not self.faults.is_ordered(fault)
            and len(c.readers()) == 3 and len(c.cards()) == 3, "all is back")
        self.assertEqual(set(client.readers()), readers)
        self.assertFalse(set(client.cards()) & cards)
        self.assertEqual(self.testbed.service.pid, pid)
        with open(f"/proc/{pid}/environ", encoding="utf-8") as file:
            self.assertIn("SMARTCARDD_RESTART_AGE=10", file.read().split("\0"))
        return self.testbed.service.output

    def test_restart_when_the_library_lost_sync(self):
        self.assertIn("restarting", self.provoke_restart("list-stale"))

    def test_restart_when_a_call_does_not_return(self):
        self.assertIn("restarting", self.provoke_restart("list-hangs", "--call-limit=1"))


if __name__ == "__main__":
    case.main()
