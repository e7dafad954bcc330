#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl in each language that it speaks: on a terminal nothing is out of place."""

import os
import sys
import unicodedata

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import COMMANDS, CliTest
from scdtest.testbed import translation

TERMINAL = 80


def columns(text):
    """That it takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def split(text, place):
    """In two, the first of which takes so many columns."""
    for length in range(len(text)):
        if columns(text[:length]) >= place:
            break
    return text[:length], text[length:]


class Languages(CliTest):
    def in_each_language(self):
        """What a program needs to speak it."""
        for language in translation.languages():
            if translation.why_not(language):
                self.skipTest(translation.why_not(language))
            yield translation.environment(language)

    def test_help_is_no_wider_than_a_terminal(self):
        english = self.run_to_end("--help").lines
        for environment in self.in_each_language():
            for arguments in ([], ["report"], ["run"], *([command] for command in COMMANDS)):
                program = self.run_to_end(*arguments, "--help", environment=environment)
                self.assertLessEqual(max(map(columns, program.lines)), TERMINAL, program.output)
            own = self.run_to_end("--help", environment=environment).lines
            self.assertEqual(len(own), len(english))
            self.assertLess(len(set(own) & set(english)), 6)  # empty, usage, options

    def test_tables_are_straight(self):
        names = ["A", "A longer name"]
        place = len(names[1] + " 01 00")
        self.start_testbed(*names)
        self.insert("A")
        for environment in self.in_each_language():
            table = self.run_to_end("list", columns=TERMINAL, environment=environment).screen[:-1]
            self.assertEqual(len(table), 3)
            for line in table:
                name, state = split(line, place)
                self.assertEqual(columns(name), place, table)
                self.assertRegex(state, r"^  \S", table)

    def test_json_is_not_translated(self):
        self.start_testbed("A", "B")
        self.insert("A")
        for command in ("list", "status"):
            english = self.run_to_end("--json", command).output
            for environment in self.in_each_language():
                self.assertEqual(self.run_to_end("--json", command, environment=environment).output,
                                 english)


if __name__ == "__main__":
    case.main()
