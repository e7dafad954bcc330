#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands of smartcardctl that wait for their input."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import HINT, SELECT, TIMEOUT, CardTest
from scdtest.clients.program import Program
from scdtest.testbed.testbed import built

WAITING = "Waiting for the input."
LATE = "the time ran out while waiting for the input"


class EmptyPipe(CardTest):
    def setUp(self):
        super().setUp()
        self.pipe = os.path.join(self.testbed.folder, "pipe")
        os.mkfifo(self.pipe)

    def start_reading(self, *arguments, **options):
        """Its standard input is a pipe that has no end."""
        program = Program(["sh", "-c", 'pipe=$1; shift; exec "$@" 0<>"$pipe"', "sh", self.pipe,
                           built("cli/smartcardctl"), *arguments], **options)
        self.addCleanup(program.close)
        return program

    def test_named_pipe(self):
        on_terminal = self.start("script", self.pipe, columns=80)
        on_terminal.wait_for(WAITING, HINT)
        with open(self.pipe, "w", encoding="ascii") as file:
            file.write(SELECT)
        self.assertEqual(on_terminal.wait(), 0)
        self.assertEqual(on_terminal.screen, ["line 1  9000  success", ""])
        in_pipe = self.start("script", self.pipe)
        with open(self.pipe, "w", encoding="ascii") as file:
            file.write(SELECT)
        self.assertEqual((in_pipe.wait(), in_pipe.output, in_pipe.errors), (0, "9000\n", ""))

    def test_standard_input(self):
        for arguments in (["transmit", "A", "-"], ["script", "-"], ["control", "A", "1", "-"]):
            program = self.start_reading(*arguments, columns=80)
            program.wait_for(WAITING, HINT)
            self.stop(program, signal.SIGINT)

    def test_time_limit(self):
        for arguments in (["transmit", "A", "-"], ["script", "-"], ["control", "A", "1", "-"]):
            for columns in (None, 80):
                program = self.start_reading(*arguments, "--timeout", "0.2", columns=columns)
                self.assertEqual(program.wait(), TIMEOUT, program.output)
                self.assert_one_line(program.screen[0] if columns else program.errors, LATE)


class LongFile(CardTest):
    def test_length(self):
        path = os.path.join(self.testbed.folder, "script")
        with open(path, "w", encoding="ascii") as file:
            file.write(SELECT + "\n")
            file.truncate(32 << 20)
        before = self.sent()
        self.assert_one_line(self.run_to_end("script", path, status=1).errors,
                             f"'{path}'", "the input is too long")
        self.assertEqual(self.sent(), before)


if __name__ == "__main__":
    case.main()
