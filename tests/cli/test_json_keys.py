#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys of JSON and numbers of fields: those that the manual page of smartcardctl has."""

import json
import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import SELECT, CardTest
from scdtest.clients.pcsc_client import PcscClient
from scdtest.testbed.testbed import SOURCE

# The names of attributes and versions are those of drivers and programs.
COMMANDS = (["list"], ["show"], ["who"], ["reset"], ["alias", "A"], ["wait"],
            ["monitor", "--timeout", "0"], ["transmit", "A", SELECT], ["script", "-"],
            ["hold", "--timeout", "0"], ["report", "--serials"])
FREE = ("versions",)

FIELDS = {"list": 7, "monitor --timeout 0": 6, "wait": 6, "attributes": 3, "who": 9, "reset": 1,
          "hold --timeout 0": 1, "transmit A " + SELECT: 1}


def keys_of(value):
    """Returns all keys in a value of JSON, without those of FREE."""
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    if not isinstance(value, dict):
        return set()
    inner = (keys_of(part) for key, part in value.items() if key not in FREE)
    return set(value).union(*inner)


class Output(CardTest):
    def setUp(self):
        super().setUp()
        with open(os.path.join(SOURCE, "data", "smartcardctl.1"), encoding="utf-8") as file:
            page = file.read().replace("\\-", "-")
        self.page = page.partition(".SH OUTPUT")[2].partition(".SH")[0]
        holder = PcscClient()
        self.addCleanup(holder.close)
        holder.do("connect", "shared", "A 00 00")
        self.holding = self.start("hold")
        self.holding.wait_for_lines(1)

    def test_keys(self):
        words = set(re.findall(r"[a-z]+(?:-[a-z]+)*", self.page.partition(".BR --json")[2]))
        for command in COMMANDS:
            program = self.run_to_end("--json", *command, text=SELECT)
            text = program.output
            parts = ([json.loads(line) for line in program.lines] if command[0] in
                     ("wait", "monitor", "transmit", "script") else json.loads(text))
            self.assertEqual(keys_of(parts) - words, set(), command)
            self.assertTrue(keys_of(parts), command)

    def test_fields(self):
        """None is empty."""
        for command, count in FIELDS.items():
            lines = self.run_to_end(*command.split()).lines
            self.assertTrue(lines, command)
            for line in lines:
                fields = line.split("\t")
                self.assertEqual(len(fields), count, line)
                self.assertNotIn("", fields)
        self.holding.send_signal(signal.SIGTERM)
        self.assertEqual(self.holding.wait(), 0)


if __name__ == "__main__":
    case.main()
