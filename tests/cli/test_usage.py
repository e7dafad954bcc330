#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all commands of smartcardctl share: help, and arguments that are wrong."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import COMMANDS, USAGE, CliTest


class Usage(CliTest):
    """Needs no bus at all."""

    def test_version(self):
        program = self.run_to_end("--version")
        self.assertRegex(program.output, r"\Asmartcardctl \d+\.\d+\.\d+\n\Z")
        self.assertEqual(program.errors, "")

    def test_help(self):
        for option in ("--help", "-h"):
            program = self.run_to_end(option)
            for command in (*COMMANDS, "report"):
                self.assertRegex(program.output, rf"(?m)^  {command}\b")
            self.assertEqual(program.errors, "")

    def test_help_of_each_command(self):
        for command in (*COMMANDS, "report"):
            program = self.run_to_end(command, "--help")
            self.assertIn("smartcardctl " + command, program.lines[1])
            self.assertIn("--json", program.output)
            self.assertLessEqual(max(map(len, program.lines)), 80)

    def test_help_in_c_locale_is_ascii_on_a_terminal(self):
        self.assertTrue(self.run_to_end("--help", columns=80, environment={"LC_ALL": "C"})
                        .raw_output.isascii())

    def test_no_command(self):
        program = self.run_to_end(status=USAGE)
        self.assertEqual(program.output, "")
        self.assertIn("Usage:", program.errors)

    def test_bad_arguments(self):
        for arguments, word in ((["--frobnicate"], "--frobnicate"), (["-x"], "-x"),
                                (["--frob\x1b[31m"], "frob"), (["--json=1", "list"], "--json=1"),
                                (["frobnicate"], "frobnicate"), (["lis"], "lis"), ([""], "''"),
                                (["list", "--frobnicate"], "--frobnicate"),
                                (["list", "surplus"], "surplus"), (["report", "a b"], "a b"),
                                (["transmit", "A"], "READER APDU"), (["script"], "FILE"),
                                (["script", "A", "B", "C"], "quotes"), (["control", "A"], "CODE"),
                                (["control", "A", "0x100000000"], "control code"),
                                (["control", "A", "-1"], "-1"), (["control", "A", "1", "0"], "digit"),
                                (["transmit", "A", "00a40400", "0x00"], "command 2"),
                                (["transmit", "A", ""], "command"), (["transmit", "", "00"], "empty"),
                                (["transmit", "A", "00", "a4", "04", "00"], "command 1: an APDU"),
                                (["transmit", "A", "00a404"], "quotes"),
                                (["transmit", "A", "00a40400", "-"], "command 2"),
                                (["transmit", "--raw", "--json", "A", "00"], "--raw"),
                                (["wait", "--timeout", "x"], "seconds"),
                                (["wait", "--timeout=-1"], "seconds"),
                                (["wait", "--timeout=9999999"], "seconds"),
                                (["wait", "--timeout=1e3"], "seconds"),
                                (["wait", "--timeout=1.2.3"], "seconds"),
                                (["wait", "--timeout=."], "seconds"),
                                (["reset", "--timeout=1,5"], "seconds"),
                                (["list", "--timeout=1,5"], "seconds"),
                                (["list", "--raw"], "--raw"), (["list", "--serials"], "--serials"),
                                (["report", "A"], "A"), (["show", "A", "B"], "quotes"),
                                (["alias"], "READER"), (["alias", "A", ""], "empty"),
                                (["alias", "A", "--serial"], "--serial"),
                                (["alias", "A", "x", "--remove"], "--remove"),
                                (["alias", "A", b"\xff"], "not valid text"),
                                (["alias", "A", "b", "c"], "quotes"),
                                (["status", "Office", "00", "00"], "quotes"),
                                (["status", ""], "empty"), (["status", "a\nb", "c"], "quotes")):
            program = self.run_to_end(*arguments, status=USAGE)
            self.assertEqual(program.output, "", arguments)
            self.assert_one_line(program.errors, word, "--help")

    def test_argument_that_is_no_text(self):
        program = self.run_to_end("status", b"\xff\xfe", status=USAGE)
        self.assert_one_line(program.errors, "not valid text")


if __name__ == "__main__":
    case.main()
