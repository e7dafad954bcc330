#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl script: what a file may hold, and where it stops."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import (CONTROL, ECHO, IS_VERIFIED, NOT_FOUND, NO_CARD, SELECT, UNEXPECTED,
                               VERIFY, CardTest)


class Script(CardTest):
    def test_all_that_a_line_can_be(self):
        text = (f"# comment\n\n  {SELECT} = 9000 # behind\n{VERIFY}\t=\t61xx  9000\r\n"
                f"{IS_VERIFIED}=9000\n\treset # now\n{IS_VERIFIED} = 6982\n{ECHO}")
        expected = ["9000", "9000", "9000", "6982", "0102039000"]
        self.assertEqual(self.script(text).lines, expected)
        path = os.path.join(self.testbed.folder, "script")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        for arguments in ([path], ["A 00 00", path]):
            program = self.run_to_end("script", *arguments)
            self.assertEqual((program.lines, program.errors), (expected, ""))
        lines = [3, 4, 5, 7, 8]
        self.assertEqual([json.loads(line)["line"] for line in self.script(text, "--json").lines],
                         lines)
        program = self.run_to_end("script", path, columns=80)
        self.assertEqual([line.split("  ")[:2] for line in program.screen if "line" in line],
                         [[f"line {line}", response[-4:]]
                          for line, response in zip(lines, expected)])

    def test_stop(self):
        before = self.sent()
        program = self.script(f"{SELECT}\n\n{NOT_FOUND} = 9000 6282\n{SELECT}\n", status=UNEXPECTED)
        self.assertEqual(program.output, "9000\n6A82\n")
        self.assert_one_line(program.errors, "line 3: stopped at unexpected status word 6A82 (file")
        self.assertEqual(self.sent(), before + 2)
        self.assertIn("line 1: stopped at unexpected status word 9123",
                      self.script("80149123 = 9000", status=UNEXPECTED).errors)

    def test_reset_starts_afresh(self):
        self.assertEqual(self.script(f"{VERIFY} = 9000\nreset\n{IS_VERIFIED} = 6982").lines,
                         ["9000", "6982"])

    def test_mistakes_are_found_before_anything_is_sent(self):
        before = self.sent()
        for line, word in (("00A4040", "position 7"), ("00200080 = 90", "status words"),
                           ("00A40400 =", "no status word after '='"), ("= 9000", "1 to 65544 bytes"),
                           ("reset = 9000", "nothing may follow"), ("restart", "position 1"),
                           ("00A4\u00a00400", "position 5"),
                           ("00A4", "an APDU has at least 4 bytes"),
                           ("00A40400 = " + "9000 " * 33, "more than 32")):
            program = self.script(f"{SELECT}\n{line}", status=1)
            self.assertEqual(program.output, "")
            self.assert_one_line(program.errors, "line 2: ", word)
        self.assertEqual(self.sent(), before)

    def test_nothing_to_read(self):
        for text in ("", "\n", "# only\n"):
            self.assert_one_line(self.script(text, status=1).errors, "no commands")
        self.assert_one_line(self.script("00\0", status=1).errors, "'-'", "not text")
        for name, word in (("/nowhere", "No such file"), ("/tmp", "directory"),
                           ("/a\x1b[31m\nb", "No such file")):
            program = self.run_to_end("script", name, status=1)
            self.assert_one_line(program.errors, word)

    def test_raw(self):
        self.assertEqual(self.script(f"{ECHO}\n{SELECT}", "--raw").raw_output,
                         b"\1\2\3\x90\0\x90\0")

    def test_failure_of_a_reset(self):
        self.readers.order("mute", "A", "on")
        program = self.script(f"{SELECT}\nreset\n", status=NO_CARD)
        self.assertNotRegex(program.errors, CONTROL)
        self.assert_one_line(program.errors, "the card does not answer")


if __name__ == "__main__":
    case.main()
