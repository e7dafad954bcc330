#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ways to name a reader, in every command that takes one."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import NO_READER, SELECT, CliTest

FEATURES = "42000D48"  # SCARD_CTL_CODE(3400)


class Selectors(CliTest):
    def setUp(self):
        super().setUp()
        self.start_testbed("A", "B", usb={
            "A": {"path": "1-1:1.0", "address": 3, "serial": "S1"},
            "B": {"path": "1-2:1.1", "address": 4, "serial": "S2"}})
        self.readers.order("control", "B", FEATURES, "0A0B")
        self.insert("B")
        self.run_to_end("alias", "1-2", "login")

    def test_each_way_in_each_command(self):
        for reader in ("login", "B 01 00", "1-2", "1-2:1.1", "S2", self.client.reader("B 01")):
            for command, result in ((["status", reader], "B 01 00"), (["show", reader], "B 01 00"),
                                    (["wait", reader], "B 01 00"), (["reset", reader], "T=0"),
                                    (["transmit", reader, SELECT], "9000"),
                                    (["script", reader, "-"], "9000"),
                                    (["control", reader, "0x" + FEATURES], "0A0B"),
                                    (["attributes", reader], "atr-string"),
                                    (["alias", reader], "login")):
                self.assertIn(result, self.run_to_end(*command, text=SELECT).output)

    def test_what_fits_none(self):
        for command in (["status"], ["show"], ["alias"], ["wait", "--removal"], ["reset"],
                        ["attributes"]):
            for reader in ("1-3", "1-2:1.0", "S", "/org/smartcardd1", "a b"):
                self.assert_one_line(self.run_to_end(*command, reader, status=NO_READER).errors,
                                     f"there is no reader '{reader}'")

    def test_part_of_the_name(self):
        for part in ("B", "b 0", "01 "):
            self.assertIn("B 01 00", self.run_to_end("status", part).output)
        self.assertEqual(self.run_to_end("transmit", "b", SELECT).output, "9000\n")
        for part in ("0", " 0", "00"):
            self.assert_one_line(self.run_to_end("status", part, status=NO_READER).errors,
                                 f"'{part}' names 2 readers")

    def test_name_precedes_part(self):
        """An alias is meant, not the name of another reader that contains it."""
        self.run_to_end("alias", "1-2", "A")
        self.assertIn("B 01 00", self.run_to_end("status", "A").output)
        self.assertIn("A 00 00", self.run_to_end("status", "a").output)


if __name__ == "__main__":
    case.main()
