#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl alias, and aliases in all commands."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import NO_READER, USB_PATH, CliTest


class Alias(CliTest):
    def setUp(self):
        super().setUp()
        self.start_testbed("A", "B", usb={"A": {"path": "1-1:1.0", "address": 3, "serial": "S1"},
                                        "B": {"path": "1-2:1.0", "address": 4}})

    def alias(self, *arguments, **options):
        return self.run_to_end("alias", *arguments, **options)

    def aliases(self):
        """By the bus."""
        return [properties["Alias"] for _, (_, properties) in sorted(self.client.readers().items())]

    def test_set_show_and_remove(self):
        program = self.alias("1-1")
        self.assertEqual((program.output, program.errors), ("", "The reader has no alias.\n"))
        self.assertEqual(self.alias("1-1", "login").output, "login\n")
        self.assertEqual(self.aliases(), ["login", ""])
        self.assertEqual(self.alias("login").output, "login\n")
        self.assertEqual(self.alias("login", "door").output, "door\n")
        self.assertEqual(self.aliases(), ["door", ""])
        self.assert_one_line(self.alias("login", status=NO_READER).errors, "there is no reader 'login'")
        program = self.alias("door", "--remove")
        self.assertEqual((program.output, program.errors), ("", "The reader has no alias.\n"))
        self.assertEqual(self.aliases(), ["", ""])

    def test_terminal_and_json(self):
        self.assertEqual(self.alias("1-1", "Büro 1", columns=80).screen, ["Büro 1", ""])
        self.assertEqual(json.loads(self.alias("--json", "1-1").output), {"alias": "Büro 1"})
        self.assertEqual(json.loads(self.alias("1-1", "--remove", "--json").output),
                         {"alias": ""})

    def test_it_stays_with_the_port_or_goes_with_the_serial_number(self):
        self.alias("1-1", "badge", "--serial")
        self.alias("1-2", "door")
        self.assertEqual(self.aliases(), ["badge", "door"])
        self.testbed.stop_service()
        self.readers.order("control", "B", USB_PATH, b"1-3:1.0\0".hex())
        self.sysfs.add("1-3", 5)
        self.readers.order("control", "A", USB_PATH, b"1-4:1.0\0".hex())
        self.sysfs.add("1-4", 6, serial="S1")
        self.start_service()
        self.client = self.recorder()
        self.assertEqual(self.aliases(), ["badge", ""])

    def test_refused(self):
        self.alias("1-1", "login")
        for name in ("login", "1-2", "a/b", "x" * 65, "a\tb", " "):
            program = self.alias("1-2", name, status=1)
            self.assertEqual(program.output, "")
            self.assert_one_line(program.errors)
        self.assertEqual(self.aliases(), ["login", ""])
        self.assert_one_line(self.alias("1-2", "1-3", status=1).errors,
                             "this name cannot be an alias")
        self.assert_one_line(self.alias("1-2", "badge", "--serial", status=1).errors,
                             "reader '1-2': it has no serial number")

    def test_list(self):
        self.alias("1-2", "login")
        self.assertEqual(self.run_to_end("list", columns=80).screen,
                         ["READER   ALIAS  PORT  STATE  CARD",
                          "A 00 00         1-1   empty",
                          "B 01 00  login  1-2   empty", ""])
        self.assertEqual([line.split("\t")[4] for line in self.run_to_end("list").lines],
                         ["-", "login"])

    def test_report_has_none(self):
        self.alias("1-2", "login")
        for options in ([], ["--json"]):
            self.assertNotIn('"login"', self.run_to_end("report", *options).output)
            self.assertNotIn("  login", self.run_to_end("report", *options).output)
            self.assertIn("login", self.run_to_end("report", "--serials", *options).output)


if __name__ == "__main__":
    case.main()
