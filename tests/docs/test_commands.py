#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command in README.md and docs/ runs as written, in the shell of ./demo --shell.

The commands of a page run one after the other in one shell, and each must succeed. The file not-run
lists those that cannot run there.
"""

import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import demo_shell
import pages
from scdtest.cases import case

MARK = "@@@"
LOADS_LIBRARY = re.compile(r"smartcardctl run |LIBPCSCLITE_DELEGATE=")


def not_run():
    """The commands in the file not-run."""
    lines = pages.read("tests/docs/not-run").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def run_all(commands):
    """Returns a list of (command, status, output) of the commands that were started."""
    script = "".join(f"printf '\\n{MARK}\\n'\n{command}\nprintf '\\n{MARK}%d\\n' $?\n"
                     for command in commands)
    status, output = demo_shell.run(script)
    results = re.findall(rf"^{MARK}\n(.*?)\n{MARK}(\d+)$", output, re.M | re.S)
    assert len(results) == len(commands) and status == 0, f"status {status}:\n{output}"
    return [(command, int(status), text)
            for command, (text, status) in zip(commands, results)]


def is_sanitized():
    """Other programs cannot load the PC/SC library of a build with sanitizers."""
    program = os.path.join(os.environ["SCD_BUILD"], "cli", "smartcardctl")
    return "libasan" in subprocess.run(["ldd", program], capture_output=True, text=True,
                                       check=True).stdout


def commands_to_run(name):
    """The commands of a page that can run here."""
    skipped = not_run()
    return [command for command in pages.commands(pages.read(name))
            if pages.in_one_line(command) not in skipped
            and not (LOADS_LIBRARY.match(command) and is_sanitized())]


class Commands(unittest.TestCase):
    def test_each_page(self):
        failures = []
        for name in pages.names():
            commands = commands_to_run(name)
            if commands:
                failures += [f"{name}: $ {command}\n{output}"
                             for command, status, output in run_all(commands) if status]
        self.assertEqual(failures, [], "\n".join(failures))

    def test_quick_start_has_ten_commands(self):
        start = pages.read("README.md").partition("## Quick start")[2].partition("\n## ")[0]
        self.assertEqual(len(pages.console_commands(pages.blocks(start)[0].text)), 10)

    def test_list_of_commands_that_are_not_run_is_up_to_date(self):
        known = {pages.in_one_line(command) for name in pages.names()
                 for command in pages.commands(pages.read(name))}
        self.assertEqual(not_run() - known, set())

    def test_failure_is_noticed(self):
        results = run_all(["smartcardctl status 9-9", "smartcardctl list"])
        self.assertEqual([status for _, status, _ in results], [4, 0])


if __name__ == "__main__":
    case.main(private=False)
