#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl wait: the options that select cards."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import ATR, HINT, KNOWN_ATR, TIMEOUT, USAGE, CliTest


class WaitOptions(CliTest):
    def setUp(self):
        super().setUp()
        self.start_testbed("A", "B", "C")

    def start_waiting(self, *arguments, status="Waiting for a card."):
        program = self.start("wait", *arguments, columns=160)
        program.wait_for(status, HINT)
        return program

    def fields(self, *arguments, status=0):
        program = self.run_to_end("wait", *arguments, status=status)
        return [line.split("\t")[1:4] for line in program.lines]

    def assert_nothing_fits(self, *arguments):
        self.assert_one_line(self.run_to_end("wait", "--timeout", "0", *arguments,
                                             status=TIMEOUT).errors,
                             "no card was inserted within 0 s")

    def test_new(self):
        """Also a card like the old one, in its reader, is new."""
        self.insert("A")
        self.assert_nothing_fits("--new")
        waiting = self.start_waiting("--new", status="Waiting for a new card.")
        self.readers.remove("A")
        self.insert("A")
        self.assertEqual(waiting.wait(), 0)
        self.assertRegex(waiting.screen[0], "card present +A 00 00")

    def test_new_in_a_reader(self):
        self.insert("B")
        waiting = self.start_waiting("--new", "b", status="Waiting for a new card in 'b'.")
        self.insert("A")
        self.readers.swap("B", KNOWN_ATR)
        self.assertEqual(waiting.wait(), 0)
        self.assertRegex(waiting.screen[0], "card present +B 01 00  3B 02 14 50")

    def test_atr(self):
        self.insert("A")
        for atr in (ATR, "3b 02 88 99", "3B029999/FFFF00FF", "00000000/00000000"):
            self.assertEqual(self.fields("--atr", atr), [["card-present", "A 00 00", ATR]])
        for atr in ("3B0288", "3B02889900", KNOWN_ATR, "3B02889B/FFFFFFFE"):
            self.assert_nothing_fits("--atr", atr)
        waiting = self.start_waiting("--atr", "3B020050/FFFF00FF",
                                     status="Waiting for a card with this ATR.")
        self.insert("B")
        self.insert("C", KNOWN_ATR)
        self.assertEqual(waiting.wait(), 0)
        self.assertIn("C 02 00", waiting.screen[0])

    def test_status_with_an_atr(self):
        """A card may be present already: the status says that it is another one that is wanted."""
        self.insert("A")
        for arguments, status in ((["a"], "Waiting for a card with this ATR in 'a'."),
                                  (["--new"], "Waiting for a new card with this ATR."),
                                  (["--new", "a"], "Waiting for a new card with this ATR in 'a'.")):
            self.stop(self.start_waiting("--atr", KNOWN_ATR, *arguments, status=status),
                      signal.SIGINT)
        self.stop(self.start_waiting("--atr", ATR, "--removal",
                                     status="Waiting for the cards with this ATR to be removed."),
                  signal.SIGTERM)

    def test_not(self):
        self.insert("A")
        self.assert_nothing_fits("--not", "A 00 00")
        self.assert_nothing_fits("--not", "A 00 00", "A 00 00")
        waiting = self.start_waiting("--not", "a", "--not", "C 02")
        self.insert("C")
        self.insert("B")
        self.assertEqual(waiting.wait(), 0)
        self.assertIn("B 01 00", waiting.screen[0])

    def test_mute(self):
        self.readers.order("mute", "A", "on")
        self.insert("A")
        self.assert_nothing_fits()
        self.assertEqual(self.fields("--mute"), [["card-present", "A 00 00", "-"]])

    def test_count(self):
        self.insert("A")
        in_pipe = self.start("wait", "--count", "3")
        in_pipe.wait_for("A 00 00")
        on_terminal = self.start_waiting("--count=3")
        for reader in "BC":
            self.assertFalse(in_pipe.ended)
            self.insert(reader)
        self.assertEqual((in_pipe.wait(), on_terminal.wait()), (0, 0))
        self.assertEqual([line.split("\t")[2] for line in in_pipe.lines],
                         ["A 00 00", "B 01 00", "C 02 00"])
        self.assertEqual(len(on_terminal.screen), 4)

    def test_count_that_is_not_reached(self):
        self.insert("A")
        for columns in (None, 160):
            program = self.run_to_end("wait", "--count", "3", "--timeout", "0", columns=columns,
                                      status=TIMEOUT)
            self.assertIn("A 00 00", program.output)
            self.assert_one_line(program.screen[1] if columns else program.errors,
                                 "only 1 of 3 cards were inserted within 0 s")
        self.assert_one_line(self.run_to_end("wait", "B", "--count", "2", "--timeout", "0",
                                             status=TIMEOUT).errors,
                             "no card was inserted within 0 s")

    def test_card_that_is_removed(self):
        card = self.insert("A")
        self.insert("B")
        waiting = self.start_waiting("--removal", "--card", card,
                                     status="Waiting for the card to be removed.")
        self.readers.remove("B")
        self.readers.remove("A")
        self.assertEqual(waiting.wait(), 0)
        self.assertRegex(waiting.screen[0], "card removed +A 00 00")
        self.insert("A")
        self.assertEqual(self.fields("--removal", "--card", card), [])

    def test_count_of_removals(self):
        for reader in "ABC":
            self.insert(reader)
        waiting = self.start_waiting("--removal", "--count", "2",
                                     status="Waiting for all cards to be removed.")
        self.readers.remove("C")
        waiting.wait_for("card removed", "C 02 00")
        self.assertFalse(waiting.ended)
        self.readers.remove("A")
        self.assertEqual(waiting.wait(), 0)

    def test_wrong_options(self):
        for arguments, word in ((["--atr", "3B0"], "--atr takes"), (["--atr="], "--atr takes"),
                                (["--atr", "3B02/FF"], "--atr takes"),
                                (["--count", "0"], "--count takes"),
                                (["--count", "-1"], "--count takes"),
                                (["--not", ""], "--not takes"),
                                (["--not=B", "--not="], "--not takes"),
                                (["--card", "/x"], "--card needs --removal"),
                                (["--removal", "--card", "x"], "--card takes"),
                                (["--removal", "--new"], "cannot be used together")):
            self.assert_one_line(self.run_to_end("wait", *arguments, status=USAGE).errors, word)


if __name__ == "__main__":
    case.main()
