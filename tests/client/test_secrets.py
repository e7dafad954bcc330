#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library: its own copies of commands are wiped, and the trace is opt-in."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import SessionTest
from scdtest.testbed.testbed import built

PIN = "3132333435363738"
VERIFY = "0020008008" + PIN


class Secrets(SessionTest):
    def setUp(self):
        super().setUp()
        self.start()

    def run_program(self, **environment):
        result = subprocess.run([built("tests/client/scd-client-wipe")], capture_output=True,
                                text=True, check=False, env={**os.environ, **environment})
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.split(), result.stderr

    def test_copies_are_wiped(self):
        (count, way), errors = self.run_program()
        self.assertEqual((way, errors), ("channel", ""))
        if not self.is_sanitized():  # which keeps freed memory
            self.assertEqual(count, "0")

    def test_trace(self):
        path = os.path.join(self.testbed.folder, "trace")
        _, errors = self.run_program(SMARTCARDD_TRACE=path)
        self.assertEqual(errors, "")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, encoding="ascii") as file:
            lines = file.read().splitlines()
        self.assertEqual(sum(line.endswith("> transmit " + VERIFY) for line in lines), 4)
        self.assertEqual(sum(line.endswith("< 9000") for line in lines), 4)
        self.assertRegex(lines[0], r"^\d+\.\d{6} \d+ > transmit ")
        _, errors = self.run_program(SMARTCARDD_TRACE="1")
        self.assertEqual(errors.count(VERIFY), 4)
        self.assertNotIn(PIN, self.testbed.service.output)

    def test_trace_that_cannot_be_written(self):
        """A warning says it, and the commands are sent all the same."""
        _, errors = self.run_program(SMARTCARDD_TRACE="/nonexistent/trace")
        self.assertEqual(errors.count("Cannot open the trace file of SMARTCARDD_TRACE"), 1)
        self.assertIn("'/nonexistent/trace'", errors)
        _, errors = self.run_program(SMARTCARDD_TRACE="/dev/full")
        self.assertEqual(errors, "")

    def test_no_trace(self):
        for value in ("", "0"):
            self.assertEqual(self.run_program(SMARTCARDD_TRACE=value)[1], "")


if __name__ == "__main__":
    case.main()
