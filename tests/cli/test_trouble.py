#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl where something is missing: the bus, the service, pcscd, or room to write."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import COMMANDS, NO_READER, NO_SERVICE, CliTest
from scdtest.testbed.testbed import built


class Trouble(CliTest):
    def test_no_bus(self):
        for command, arguments in COMMANDS.items():
            program = self.run_to_end(command, *arguments, status=NO_SERVICE, text="00A40400")
            self.assertEqual(program.output, "")
            self.assert_one_line(program.errors, "cannot connect to the system bus")

    def test_no_service(self):
        self.testbed.start_bus()
        for command, arguments in COMMANDS.items():
            program = self.run_to_end(command, *arguments, status=NO_SERVICE, text="00A40400")
            self.assertEqual(program.output, "")
            self.assert_one_line(program.errors, "smartcardd is not running")

    def test_monitor_without_service_leaves_a_clean_terminal(self):
        self.testbed.start_bus()
        screen = self.run_to_end("monitor", status=NO_SERVICE, columns=200).screen
        self.assertEqual(len(screen), 2, screen)
        self.assertRegex(screen[0], "^smartcardctl: smartcardd is not running")
        self.assertEqual(screen[1], "")

    def test_no_pcscd(self):
        self.testbed.start_bus()
        self.testbed.start_service()
        for arguments in (["list"], ["status"], ["--json", "list"], ["status", "Reader"]):
            program = self.run_to_end(*arguments, status=NO_SERVICE)
            self.assertEqual(program.output, "")
            self.assert_one_line(program.errors, "smartcardd cannot reach pcscd", "pcscd.socket")

    def test_no_readers(self):
        self.start_testbed()
        for command in ("list", "status"):
            program = self.run_to_end(command)
            self.assertEqual((program.output, program.errors), ("", "No readers are connected.\n"))
            self.assertEqual(self.run_to_end(command, columns=80).screen,
                             ["No readers are connected.", ""])
            self.assertEqual(json.loads(self.run_to_end("--json", command).output), [])

    def test_unknown_reader(self):
        self.start_testbed("A", "B")
        for name in ("nowhere", "AB", "a\x1b[31m\nb", "/org/smartcardd1", "--"):
            program = self.run_to_end("status", "--", name, status=NO_READER)
            self.assertEqual(program.output, "")
            self.assert_one_line(program.errors, "there is no reader", "smartcardctl list")

    def redirected(self, command, redirection):
        return subprocess.run(["sh", "-c", f"exec {built('cli/smartcardctl')} {command} "
                               + redirection], capture_output=True, text=True, check=False)

    def test_output_that_cannot_be_written(self):
        self.start_testbed("A")
        for command in ("--help", "list", "status"):
            for redirection, word in (("> /dev/full", "No space left"), (">&-", "Bad file")):
                result = self.redirected(command, redirection)
                self.assertEqual(result.returncode, 1)
                self.assert_one_line(result.stderr, word)

    def test_reading_end_that_is_closed(self):
        self.start_testbed("A")
        for command in ("--help", "list", "status"):
            reading_end, writing_end = os.pipe()
            os.close(reading_end)
            result = subprocess.run([built("cli/smartcardctl"), command], stdout=writing_end,
                                    stderr=subprocess.PIPE, check=False)
            os.close(writing_end)
            self.assertEqual((result.returncode, result.stderr), (0, b""))


if __name__ == "__main__":
    case.main()
