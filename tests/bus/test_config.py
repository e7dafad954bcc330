#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardd.conf: the service starts with any file and logs what it ignores."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.testbed.testbed import SOURCE


class Config(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.testbed.start_bus()

    def warnings_of(self, path):
        """Starts the service with that file and returns its warnings."""
        self.testbed.start_service("--config", path)
        output = self.testbed.service.output
        self.testbed.stop_service()
        return [line for line in output.splitlines() if path in line]

    def file(self, content):
        path = os.path.join(self.testbed.folder, "settings.conf")
        with open(path, "wb") as file:
            file.write(content)
        return path

    def test_shipped_example(self):
        self.assertEqual(self.warnings_of(os.path.join(SOURCE, "data", "smartcardd.conf")), [])

    def test_shipped_example_with_all_settings(self):
        with open(os.path.join(SOURCE, "data", "smartcardd.conf"), "rb") as file:
            content = file.read()
        path = self.file(b"\n".join(line[1:] if line.startswith(b"#") and b"=" in line else line
                                    for line in content.splitlines()))
        self.assertEqual(self.warnings_of(path), [])

    def test_missing_file(self):
        self.assertEqual(self.warnings_of(os.path.join(self.testbed.folder, "nothing")), [])

    def test_unreadable_file(self):
        warning, = self.warnings_of(self.testbed.folder)
        self.assertIn("The settings of a file are the defaults", warning)

    def test_invalid_lines(self):
        path = self.file(b"[Limits]\nSessions=0\nsessions\nWaiters=7\n[Limit]\n\xff=1\n")
        warnings = self.warnings_of(path)
        self.assertEqual(len(warnings), 3)
        for line, warning in zip((2, 3, 5), warnings):
            self.assertIn(f"{path}: line {line}: ", warning)


if __name__ == "__main__":
    case.main()
