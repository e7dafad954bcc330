#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl monitor: of named readers, to a number of events, and with a command for each."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import ATR, HINT, KNOWN_ATR, USAGE, CliTest

VARIABLES = "$SMARTCARDCTL_EVENT|$SMARTCARDCTL_READER|$SMARTCARDCTL_PORT|$SMARTCARDCTL_ALIAS|" \
            "$SMARTCARDCTL_ATR|$SMARTCARDCTL_CARD|$SMARTCARDCTL_REASON"


class MonitorOptions(CliTest):
    def setUp(self):
        super().setUp()
        self.start_testbed("A", "B", "C", usb={"A": {"path": "1-3.1:1.0", "address": 4}})

    def events(self, program):
        return [line.split("\t")[1:3] for line in program.lines]

    def test_readers(self):
        """Also one that has gone already."""
        monitor = self.start("monitor", "c 02", "1-3.1")
        monitor.wait_for_lines(2)
        self.insert("B")
        self.insert("A")
        monitor.wait_for("card-inserted")
        self.testbed.stop_pcscd(signal.SIGKILL)
        monitor.wait_for("reader-removed", "C 02 00")
        monitor.wait_for("reader-removed", "A 00 00")
        monitor.send_signal(signal.SIGTERM)
        self.assertEqual(monitor.wait(), 0)
        self.assertEqual(self.events(monitor)[:4],
                         [["reader-present", "A 00 00"], ["reader-present", "C 02 00"],
                          ["card-inserted", "A 00 00"], ["pcscd-gone", "-"]])
        self.assertNotIn("B 01 00", monitor.output)

    def test_reader_that_is_not_there(self):
        """A terminal shows for which reader the command waits."""
        monitor = self.start("monitor", "nowhere", "c 02", columns=120)
        monitor.wait_for("Waiting for readers and their cards: nowhere, c 02.", HINT)
        monitor.type("\x03")
        self.assertEqual(monitor.wait(), 0)

    def test_count(self):
        self.insert("B")
        in_pipe = self.start("monitor", "--count", "2")
        in_pipe.wait_for_lines(4)
        on_terminal = self.start("monitor", "--count", "2", columns=120)
        on_terminal.wait_for("Waiting for cards and readers.", HINT)
        self.insert("A")
        self.readers.remove("B")
        self.assertEqual((in_pipe.wait(), on_terminal.wait()), (0, 0))
        self.assertEqual(self.events(in_pipe)[-2:],
                         [["card-inserted", "A 00 00"], ["card-removed", "B 01 00"]])
        self.assertEqual(on_terminal.screen[-1], "")

    def test_path_of_the_card(self):
        path = self.insert("B")
        line, = self.run_to_end("wait").lines
        self.assertEqual(line.split("\t")[5], path)

    def start_commands(self, command, *arguments, **options):
        return self.start("monitor", "--exec", command, *arguments, **options)

    def test_environment_of_a_command(self):
        self.run_to_end("alias", "1-3.1", "login")
        path = self.insert("A")
        monitor = self.start_commands(f'echo "{VARIABLES}"', "login")
        monitor.wait_for_lines(2)
        self.testbed.stop_pcscd(signal.SIGKILL)
        monitor.wait_for("reader-removed")
        monitor.send_signal(signal.SIGTERM)
        self.assertEqual(monitor.wait(), 0)
        self.assertEqual(monitor.lines[:2], ["reader-present|A 00 00|1-3.1:1.0|login|||",
                                             f"card-present|A 00 00|1-3.1:1.0|login|{ATR}|{path}|"])
        self.assertRegex(monitor.lines[2], r"^pcscd-gone\|\|\|\|\|\|.*pcscd")

    def test_no_event_is_missed_while_a_command_runs(self):
        go = os.path.join(self.testbed.folder, "go")
        os.mkfifo(go)
        monitor = self.start_commands(
            f'echo "$SMARTCARDCTL_EVENT $SMARTCARDCTL_ATR"; '
            f'[ $SMARTCARDCTL_EVENT != card-inserted ] || read line < {go}', "A", "--count", "4")
        monitor.wait_for("reader-present")
        for atr in (ATR, KNOWN_ATR):
            self.insert("A", atr)
            self.readers.remove("A")
            self.client.wait_for_state(lambda client: not client.cards(), "no card is left")
        for atr in (ATR, KNOWN_ATR):
            monitor.wait_for("card-inserted " + atr)
            self.assertFalse(monitor.ended)
            with open(go, "w", encoding="ascii") as file:
                file.write("\n")
            monitor.wait_for("card-removed " + atr)
        self.assertEqual(monitor.wait(), 0)
        self.assertEqual(monitor.lines[1:], ["card-inserted " + ATR, "card-removed " + ATR,
                                             "card-inserted " + KNOWN_ATR,
                                             "card-removed " + KNOWN_ATR])

    def test_command_on_a_terminal(self):
        """The status does not mix with what it prints."""
        monitor = self.start_commands("echo $SMARTCARDCTL_EVENT", "B", columns=80)
        monitor.wait_for("Waiting for readers and their cards: B.", HINT)
        self.insert("B")
        monitor.wait_for("card-inserted")
        monitor.type("\x03")
        self.assertEqual(monitor.wait(), 0)
        self.assertEqual(monitor.screen, ["reader-present", "card-inserted", ""])

    def test_command_that_fails(self):
        monitor = self.start_commands("[ $SMARTCARDCTL_EVENT = reader-present ] && exit 3; kill $$",
                                      "B", "--count", "1", columns=80)
        monitor.wait_for("smartcardctl: the command failed with exit status 3")
        self.insert("B")
        self.assertEqual(monitor.wait(), 0)
        self.assertEqual(monitor.screen, ["smartcardctl: the command failed with exit status 3",
                                          "smartcardctl: the command was ended by signal 15", ""])

    def test_command_that_is_interrupted(self):
        """Ctrl-C may end the command before smartcardctl receives it."""
        monitor = self.start_commands("echo $SMARTCARDCTL_EVENT; kill -INT $$", "B", columns=80)
        self.assertEqual(monitor.wait(), 0)
        self.assertEqual(monitor.screen, ["reader-present", ""])

    def test_time_limit_waits_for_the_command(self):
        monitor = self.run_to_end("monitor", "--timeout", "0", "--exec", "sleep 0.1; echo done", "A")
        self.assertEqual(monitor.lines, ["done"])

    def test_wrong_options(self):
        for arguments, word in ((["--json", "--exec", "true"], "cannot be used together"),
                                ([""], "the name of the reader is empty")):
            self.assert_one_line(self.run_to_end("monitor", *arguments, status=USAGE).errors, word)


if __name__ == "__main__":
    case.main()
