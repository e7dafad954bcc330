#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl status: of one reader, and of all."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import CONTROL, KNOWN_ATR, KNOWN_NAMES, CliTest
from scdtest.clients.client import Client


class Status(CliTest):
    def test_status_of_all_and_of_one(self):
        self.start_testbed("A", "B")
        self.insert("A", KNOWN_ATR)
        program = self.run_to_end("status")
        self.assertEqual(self.run_to_end("status", columns=80).screen[:-1], program.lines)
        first, second = program.output.split("\n\n")
        self.assertEqual(self.run_to_end("status", "A 00 00").output, first + "\n")
        path = self.client.reader("B 01")
        self.assertEqual(self.run_to_end("status", path).output, second)
        for line in ("A 00 00", "  State             card present",
                     "  ATR               3B 02 14 50", '  Historical bytes  14 50  ".P"',
                     "  Protocols         T=0", "  Known as          " + KNOWN_NAMES[0],
                     "                    " + KNOWN_NAMES[1]):
            self.assertIn(line, first.split("\n"))
        self.assertIn("  State             empty", second.split("\n"))
        self.assertNotIn("ATR", second)
        self.assertNotIn("Convention", first)

    def test_atr_explained(self):
        self.start_testbed("A", "B", "C")
        self.insert("A", "3B8F8001804F0CA000000306030001000000006A")
        self.insert("C", "3BFF")
        program = self.run_to_end("status", "--verbose", "A 00 00")
        place = [line[:18].strip() for line in program.lines].index("ATR explained")
        explained = [line[20:] for line in program.lines[place:place + 9]]
        self.assertEqual(explained[:3], ["TS    3B  direct convention",
                                         "T0    8F  historical bytes: 15; next: TD1",
                                         "TD1   80  protocol T=0; next: TD2"])
        self.assertEqual(explained[6:], ["T10   00 01  card: MIFARE Classic 1K",
                                         "T12   00 00 00 00  reserved",
                                         "TCK   6A  the check byte is correct"])
        screen = self.run_to_end("status", "--verbose", "A 00 00", columns=200).screen
        self.assertEqual(screen[:-1], program.lines)
        everything = self.run_to_end("status", "--verbose").output
        self.assertIn("TA1       missing: the ATR ends here", everything)
        self.assertEqual(everything.count("ATR explained"), 2)
        for command in ("status", "show"):
            self.assertNotIn("ATR explained", self.run_to_end(command, "A 00 00").output)
        self.assertEqual(self.run_to_end("--json", "status", "--verbose").output,
                         self.run_to_end("--json", "status").output)

    def test_use(self):
        self.start_testbed("A", "B")
        for name in "AB":
            self.insert(name)
        program = Client()
        self.addCleanup(program.close)
        program.connect(self.client.reader("A 00"), "exclusive")
        program.connect(self.client.reader("B 01"))
        self.client.wait_for_state(
            lambda client: all(properties["InUse"] for _, properties in client.readers().values()),
            "both cards are in use")
        states = [line for line in self.run_to_end("status").lines if "State " in line]
        self.assertEqual(states, ["  State             card present, in exclusive use",
                                  "  State             card present, in use"])

    def expected_json(self):
        """From the tree on the bus, as the help promises it."""
        def key(name):
            return re.sub(r"(?<=.)([A-Z])", r"-\1", name).lower()

        in_hex = ("Atr", "HistoricalBytes", "PcscName")

        def plain(properties, *left_out):
            return {key(name): bytes(value).hex().upper() if name in in_hex else value
                    for name, value in properties.items() if name not in left_out}

        cards = {path: {"path": path, **plain(card, "AtrHex", "Reader")}
                 for path, card in self.client.cards().items()}
        return [{"path": path, **plain(reader, "Card"), "card": cards.get(reader["Card"])}
                for _, (path, reader) in sorted(self.client.readers().items())]

    def test_json_agrees_with_the_tree(self):
        self.start_testbed("A", "Br\u202eetae", "日本")
        self.insert("A", KNOWN_ATR)
        self.insert("C", "3BFF")
        expected = self.expected_json()
        self.assertEqual(expected[0]["card"]["atr"], KNOWN_ATR)
        for arguments in (["--json", "list"], ["list", "--json"], ["status", "--json"]):
            program = self.run_to_end(*arguments)
            self.assertEqual(json.loads(program.output), expected)
            self.assertNotRegex(program.output, CONTROL)
        for reader in expected:
            program = self.run_to_end("--json", "status", reader["name"])
            self.assertEqual(json.loads(program.output), reader)


if __name__ == "__main__":
    case.main()
