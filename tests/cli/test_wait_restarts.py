#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl wait: goes on when pcscd or the service restarts."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import ATR, HINT, KNOWN_ATR, CliTest
from scdtest.clients.raw_client import RawClient
from scdtest.testbed.testbed import simulated_reader

REMOVAL = "Waiting for all cards to be removed."


class Restarts(CliTest):
    def setUp(self):
        super().setUp()
        self.start_testbed("A", "B")

    def start_in_pipe(self, *arguments):
        """Returns when the bus has the objects for it: later events reach it as changes."""
        monitor = RawClient("root")
        self.addCleanup(monitor.close)
        monitor.monitor("type='method_return',sender='org.smartcardd1'")
        program = self.start("wait", *arguments)
        while b"org.smartcardd1.Reader" not in monitor.receive()[2]:
            pass
        return program

    def start_waiting(self, *arguments, status="Waiting for a card."):
        """On a terminal and in a pipe."""
        in_pipe = self.start_in_pipe(*arguments)
        on_terminal = self.start("wait", *arguments, columns=160)
        on_terminal.wait_for(status, HINT)
        return on_terminal, in_pipe

    def restart_pcscd(self, programs, **cards):
        """Starts it with these cards, by readers; waits until the programs have noticed its end."""
        self.testbed.stop_pcscd(signal.SIGKILL)
        for program in programs:
            program.wait_for("Waiting for pcscd.", HINT)
        self.testbed.start_pcscd([simulated_reader(name, name, card=cards.get(name))
                                  for name in "AB"])
        self.readers = self.simulator()

    def restart_service(self, programs):
        self.testbed.stop_service()
        for program in programs:
            program.wait_for("Waiting for smartcardd to come back.", HINT)
        self.start_service()

    def assert_notes(self, program, *notes):
        self.assertEqual(program.errors.splitlines(), list(notes))

    def test_card_after_a_restart_of_pcscd(self):
        on_terminal, in_pipe = self.start_waiting()
        self.restart_pcscd([on_terminal], B=ATR)
        self.assertEqual((on_terminal.wait(), in_pipe.wait()), (0, 0))
        self.assertEqual(on_terminal.screen[:2], ["pcscd has stopped; waiting for it to come back.",
                                                  "pcscd is back."])
        self.assertRegex(on_terminal.screen[2], "card present +B 01 00")
        self.assertEqual(in_pipe.lines[0].split("\t")[1:3], ["card-present", "B 01 00"])

    def test_card_after_a_restart_of_the_service(self):
        on_terminal, _ = self.start_waiting()
        self.restart_service([on_terminal])
        on_terminal.wait_for("Waiting for a card.", HINT)
        self.readers.insert("A", ATR)
        self.assertEqual(on_terminal.wait(), 0)
        self.assertEqual(on_terminal.screen[:2],
                         ["smartcardd has stopped; waiting for it to come back.",
                          "smartcardd is back."])
        self.assertRegex(on_terminal.screen[2], "card present +A 00 00")

    def test_same_card_is_not_new(self):
        self.insert("A")
        for restart in (lambda programs: self.restart_pcscd(programs, A=ATR), self.restart_service):
            waiting = self.start("wait", "--new", columns=160)
            waiting.wait_for("Waiting for a new card.")
            restart([waiting])
            waiting.wait_for("The same card is still in 'A 00 00'.")
            self.assertFalse(waiting.ended)
            self.readers.insert("B", ATR)
            self.assertEqual(waiting.wait(), 0)
            self.assertRegex(waiting.screen[-2], "card present +B 01 00")
            self.readers.remove("B")
            self.client.wait_for_state(lambda client: len(client.cards()) == 1, "one card is left")

    def test_other_card_is_new(self):
        self.insert("A")
        waiting = self.start("wait", "--new", columns=160)
        waiting.wait_for("Waiting for a new card.")
        self.restart_pcscd([waiting], A=KNOWN_ATR)
        self.assertEqual(waiting.wait(), 0)
        self.assertRegex(waiting.screen[-2], "card present +A 00 00  3B 02 14 50")

    def test_removal_of_a_card_that_stays(self):
        self.insert("A")
        for restart in (lambda programs: self.restart_pcscd(programs, A=ATR), self.restart_service):
            waiting, _ = self.start_waiting("--removal", status=REMOVAL)
            restart([waiting])
            waiting.wait_for("The same card is still in 'A 00 00'.")
            waiting.wait_for(REMOVAL, HINT)
            self.assertFalse(waiting.ended)
            self.readers.remove("A")
            self.assertEqual(waiting.wait(), 0)
            self.assertRegex(waiting.screen[-2], "card removed +A 00 00  3B 02 88 99")
            self.client.wait_for_state(lambda client: not client.cards(), "the card has gone")
            self.readers.insert("A", ATR)
            self.client.wait_for_state(lambda client: client.cards(), "a card is there")

    def test_removal_of_a_card_that_has_gone(self):
        """Its reader is empty, has another card, or is not there any more."""
        for cards, readers in (({}, "AB"), ({"A": KNOWN_ATR}, "AB"), ({}, "B")):
            self.readers.insert("A", ATR)
            self.client.wait_for_state(lambda client: client.cards(), "a card is there")
            waiting, in_pipe = self.start_waiting("--removal", "A 00 00",
                                                  status="Waiting for the card in 'A 00 00'")
            self.testbed.stop_pcscd(signal.SIGKILL)
            waiting.wait_for("Waiting for pcscd.", HINT)
            self.testbed.start_pcscd([simulated_reader(name, name, card=cards.get(name))
                                      for name in readers])
            self.assertEqual((waiting.wait(), in_pipe.wait()), (0, 0))
            self.assertRegex(waiting.screen[-2], "card removed +A 00 00  3B 02 88 99")
            self.assert_notes(in_pipe, "pcscd has stopped; waiting for it to come back.",
                              "pcscd is back.")
            self.testbed.stop_pcscd(signal.SIGKILL)
            self.testbed.start_pcscd([simulated_reader(name, name) for name in "AB"])
            self.readers = self.simulator()
            self.client.wait_for_state(lambda client: client.manager("Available")
                                       and len(client.readers()) == 2, "two readers are there")

    def test_notes_do_not_disturb_json(self):
        self.insert("A")
        waiting = self.start("wait", "--json", "--count", "2", columns=160)
        waiting.wait_for("card-present")
        self.testbed.stop_pcscd(signal.SIGKILL)
        waiting.wait_for("pcscd has stopped")
        waiting.type("\x03")
        self.assertEqual(waiting.wait(), -signal.SIGINT)
        in_pipe = self.start("wait", "--json", "--count", "2")
        in_pipe.send_signal(signal.SIGTERM)
        self.assertEqual(in_pipe.wait(), -signal.SIGTERM)
        self.assertEqual(in_pipe.output, "")


if __name__ == "__main__":
    case.main()
