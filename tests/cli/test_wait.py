#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl wait: for a card that is there, that comes, and that goes."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import ATR, HINT, NO_READER, NO_SERVICE, TIMEOUT, CliTest
from scdtest.testbed.testbed import simulated_reader


class Wait(CliTest):
    def setUp(self):
        super().setUp()
        self.start_testbed("A", "B")

    def start_waiting(self, *arguments):
        """On a terminal, which tells what is waited for."""
        program = self.start("wait", *arguments, columns=120)
        program.wait_for("Waiting", HINT)
        return program

    def fields(self, *arguments):
        return [line.split("\t")[1:3] for line in self.run_to_end("wait", *arguments).lines]

    def test_card_that_is_there(self):
        self.insert("B")
        self.assertEqual(self.fields(), [["card-present", "B 01 00"]])
        self.assertEqual(self.fields("B 01 00", "--timeout", "0"), [["card-present", "B 01 00"]])
        event = json.loads(self.run_to_end("wait", "--json").output)
        self.assertEqual((event["event"], event["reader"], event["atr"]),
                         ("card-present", "B 01 00", ATR))

    def test_card_that_comes(self):
        first, second = self.start_waiting(), self.start_waiting("B 01 00")
        self.assertEqual(first.screen, ["Waiting for a card. " + HINT])
        self.assertEqual(second.screen, ["Waiting for a card in 'B 01 00'. " + HINT])
        self.insert("A")
        self.assertEqual(first.wait(), 0)
        self.assertRegex(first.screen[0], r"card present +A 00 00  3B 02 88 99  unknown card")
        self.assertEqual(first.screen[1:], [""])
        self.assertFalse(second.ended)
        self.insert("B")
        self.assertEqual(second.wait(), 0)
        self.assertIn("B 01 00", second.screen[0])

    def test_reader_that_comes(self):
        waiting = self.start_waiting("C 02 00")
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.client.wait_for_state(lambda client: not client.manager("Available"), "pcscd is away")
        self.testbed.start_pcscd([simulated_reader(name, name) for name in "AB"]
                               + [simulated_reader("C", "C", card=ATR)])
        self.assertEqual(waiting.wait(), 0)
        self.assertIn("C 02 00", waiting.screen[-2])

    def test_removal(self):
        self.insert("A")
        self.insert("B")
        one, every = self.start_waiting("--removal", "A 00 00"), self.start_waiting("--removal")
        self.assertEqual(one.screen, ["Waiting for the card in 'A 00 00' to be removed. " + HINT])
        self.assertEqual(every.screen, ["Waiting for all cards to be removed. " + HINT])
        self.readers.remove("A")
        self.assertEqual(one.wait(), 0)
        self.assertRegex(one.screen[0], "card removed +A 00 00  3B 02 88 99")
        every.wait_for("card removed", "A 00 00")
        self.assertFalse(every.ended)
        self.readers.remove("B")
        self.assertEqual(every.wait(), 0)
        self.assertRegex(every.screen[1], "card removed +B 01 00")
        self.assertEqual(self.fields("--removal"), [])
        self.assertEqual(self.fields("--removal", "A 00 00"), [])

    def test_swapped_card_is_a_removal(self):
        self.insert("A")
        waiting = self.start_waiting("--removal", "A 00 00")
        self.readers.swap("A", "3BFF")
        self.assertEqual(waiting.wait(), 0)
        self.assertIn("3B 02 88 99", waiting.screen[0])

    def test_time_that_is_over(self):
        self.assert_one_line(self.run_to_end("wait", "--timeout=0", status=TIMEOUT).errors,
                             "no card was inserted within 0 s")
        self.insert("A")
        program = self.run_to_end("wait", "--removal", "--timeout", "0.5", columns=80, status=TIMEOUT)
        self.assertEqual(program.screen,
                         ["smartcardctl: the card was not removed within 0.5 s", ""])

    def test_stop(self):
        """Nobody takes it for a card."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self.stop(self.start_waiting(), number)

    def test_trouble(self):
        self.assert_one_line(self.run_to_end("wait", "--removal", "C", status=NO_READER).errors,
                             "there is no reader 'C'")
        screen = self.run_to_end("wait", "--removal", "C", status=NO_READER, columns=200).screen
        self.assertRegex(screen[0], "^smartcardctl: there is no reader 'C'")
        self.assertEqual(len(screen), 2)
        waiting = self.start_waiting()
        self.testbed.stop_service()
        self.testbed.bus.stop(expect=(0, -signal.SIGTERM))
        self.assertEqual(waiting.wait(), NO_SERVICE)
        self.assertRegex(waiting.screen[-2], "^smartcardctl: .*was lost")


if __name__ == "__main__":
    case.main()
