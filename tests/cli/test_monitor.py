#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl monitor: in a pipe and on a terminal, whatever goes away meanwhile."""

import json
import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import ATR, ATR_ON_SCREEN, HINT, NO_CARD, NO_SERVICE, CliTest
from scdtest.testbed.testbed import simulated_reader


class Monitor(CliTest):
    def start_with_signs_of_life(self, *arguments, **options):
        monitor = self.start(*arguments, "monitor", **options)
        monitor.wait_for("B 01 00")
        return monitor

    def finish(self, monitor, number=signal.SIGTERM):
        monitor.send_signal(number)
        self.assertEqual(monitor.wait(), 0)
        self.assertEqual(monitor.errors, "")

    def test_pipe(self):
        self.start_testbed("A", "B")
        first = self.insert("A", "3BFF")
        monitor = self.start_with_signs_of_life()
        self.readers.remove("A")
        monitor.wait_for("card-removed")
        second = self.insert("B")
        monitor.wait_for("card-inserted")
        self.finish(monitor, signal.SIGINT)
        for line in monitor.lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d\t")
        nonsense = "unknown card with an invalid ATR"
        self.assertEqual([line.split("\t")[1:] for line in monitor.lines],
                         [["reader-present", "A 00 00", "-", "-", "-"],
                          ["card-present", "A 00 00", "3BFF", nonsense, first],
                          ["reader-present", "B 01 00", "-", "-", "-"],
                          ["card-removed", "A 00 00", "3BFF", nonsense, first],
                          ["card-inserted", "B 01 00", ATR, "unknown card, T=0", second]])
        self.assertTrue(monitor.output.endswith("\n"))

    def test_json(self):
        self.start_testbed("A", "B")
        monitor = self.start_with_signs_of_life("--json")
        card_path = self.insert("A")
        monitor.wait_for("card-inserted")
        card = self.client.cards()[card_path]
        self.finish(monitor)
        events = [json.loads(line) for line in monitor.lines]
        self.assertEqual([event["event"] for event in events],
                         ["reader-present", "reader-present", "card-inserted"])
        event = events[-1]
        self.assertEqual((event["reader"], event["reader-path"], event["card-path"]),
                         ("A 00 00", card["Reader"], card_path))
        self.assertEqual((event["atr"], event["protocols"], event["names"]),
                         (ATR, card["Protocols"], card["Names"]))
        self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT")

    def test_json_on_a_terminal_has_nothing_else(self):
        self.start_testbed("A", "B")
        monitor = self.start_with_signs_of_life("--json", columns=80)
        self.finish(monitor)
        self.assertEqual([json.loads(line)["reader"] for line in monitor.lines],
                         ["A 00 00", "B 01 00"])

    def test_terminal(self):
        self.start_testbed("A", "B")
        monitor = self.start("monitor", columns=120)
        monitor.wait_for("Waiting for cards and readers.", HINT)
        self.insert("A")
        monitor.wait_for("card inserted", "A 00 00")
        events, status = monitor.screen[:-1], monitor.screen[-1]
        self.assertEqual(status, "Waiting for cards and readers. " + HINT)
        self.assertEqual([re.sub(r"^\d\d:\d\d:\d\d\.\d{3}  ", "", line) for line in events],
                         ["reader present    A 00 00", "reader present    B 01 00",
                          f"card inserted     A 00 00  {ATR_ON_SCREEN}  unknown card, T=0"])
        monitor.type("\x03")
        self.assertEqual(monitor.wait(), 0)
        self.assertEqual(monitor.screen, [*events, ""])

    def test_narrow_terminal(self):
        self.start_testbed("A", "B")
        monitor = self.start("monitor", columns=40)
        monitor.wait_for("Waiting for cards")
        self.insert("A")
        monitor.wait_for("unknown card")
        self.finish(monitor)
        first = next(number for number, line in enumerate(monitor.screen) if "inserted" in line)
        self.assertEqual([line.strip() for line in monitor.screen[first + 1:-1]],
                         [ATR_ON_SCREEN, "unknown card, T=0"])
        for status in re.findall(r"Waiting[^\r\n\x1b]*", monitor.output):
            self.assertLess(len(status), 40)

    def test_card_that_does_not_answer_any_more(self):
        self.start_testbed("A", "B")
        path = self.insert("A")
        in_pipe, on_terminal = (self.start_with_signs_of_life(),
                                self.start_with_signs_of_life(columns=120))
        self.readers.order("mute", "A", "on")
        self.run_to_end("reset", "A", status=NO_CARD)
        in_pipe.wait_for("card-mute")
        on_terminal.wait_for("the card no longer answers")
        self.finish(in_pipe)
        self.finish(on_terminal)
        self.assertEqual(in_pipe.lines[-1].split("\t")[1:],
                         ["card-mute", "A 00 00", ATR, "the card no longer answers", path])

    def test_terminal_that_cannot_erase(self):
        self.start_testbed("A", "B")
        monitor = self.start("monitor", columns=120, environment={"TERM": "dumb"})
        monitor.wait_for("Waiting for cards and readers.", HINT)
        self.finish(monitor)
        self.assertNotIn("\x1b", monitor.output)
        self.assertEqual(monitor.screen[-1], "")

    def test_reading_end_that_is_closed(self):
        """The end comes at once, not with the next event."""
        self.start_testbed("A", "B")
        for options in ([], ["--json"]):
            monitor = self.start_with_signs_of_life(*options)
            monitor.close_output()
            self.assertEqual((monitor.wait(), monitor.errors), (0, ""))

    def test_pcscd_that_comes_and_goes(self):
        self.testbed.start_bus()
        self.testbed.start_service()
        on_terminal, in_pipe = self.start("monitor", columns=200), self.start("monitor")
        on_terminal.wait_for("Waiting for pcscd.", HINT)
        in_pipe.wait_for("pcscd-gone", "pcscd.socket")
        for _ in range(2):
            self.testbed.start_pcscd([simulated_reader("A", card=ATR)])
            on_terminal.wait_for("Waiting for cards and readers.")
            self.testbed.stop_pcscd(signal.SIGKILL)
            on_terminal.wait_for("Waiting for pcscd.")
        self.testbed.start_pcscd()
        on_terminal.wait_for("Waiting for a reader to be connected.")
        self.finish(on_terminal)
        events = ["pcscd-gone", *["pcscd-back", "reader-connected", "card-inserted", "pcscd-gone",
                                  "card-removed", "reader-removed"] * 2, "pcscd-back"]
        in_pipe.wait_for_lines(len(events))
        self.finish(in_pipe)
        self.assertEqual([line.split("\t")[1] for line in in_pipe.lines], events)

    def test_service_that_comes_and_goes(self):
        self.start_testbed("A", "B")
        self.insert("A")
        on_terminal, in_pipe = (self.start_with_signs_of_life(columns=80),
                                self.start_with_signs_of_life())
        self.testbed.stop_service()
        on_terminal.wait_for("Waiting for smartcardd to come back.")
        in_pipe.wait_for("service-gone")
        self.testbed.start_service()
        on_terminal.wait_for("Waiting for cards and readers.")
        events = ["reader-present", "card-present", "reader-present"]
        in_pipe.wait_for_lines(2 * len(events) + 2)
        self.insert("B")
        in_pipe.wait_for("card-inserted")
        self.finish(on_terminal)
        self.finish(in_pipe)
        self.assertEqual([line.split("\t")[1] for line in in_pipe.lines],
                         [*events, "service-gone", "service-back", *events, "card-inserted"])

    def test_bus_that_goes(self):
        self.start_testbed("A", "B")
        in_pipe, on_terminal = (self.start_with_signs_of_life(),
                                self.start_with_signs_of_life(columns=80))
        self.testbed.bus.stop(expect=(0, -signal.SIGTERM))
        self.assertEqual((in_pipe.wait(), on_terminal.wait()), (NO_SERVICE, NO_SERVICE))
        self.assert_one_line(in_pipe.errors, "the connection to the system bus was lost")
        self.assertRegex(on_terminal.screen[-2], "^smartcardctl: .* was lost")
        self.assertEqual(self.testbed.service.wait(), 1)
        self.testbed.service = None


if __name__ == "__main__":
    case.main()
