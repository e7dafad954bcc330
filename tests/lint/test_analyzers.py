#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Static analysis of the C code that is shipped: clang-tidy, cppcheck, and the analyzer of gcc.

It takes minutes, so only ./check --all does it, which sets SCD_ANALYZE. A finding is a failure. The
checks that are left out, and why, are in the files of CONFIGURATION.
"""

import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from source import SOURCE

CONFIGURATION = {"clang-tidy": ".clang-tidy", "cppcheck": "tests/setup/cppcheck-suppressions",
                 "gcc": "tests/setup/gcc-analyzer"}
SHIPPED = re.compile(r"(service|libpcsclite-dbus|cli|client|login)/.*\.c$")
BUILD = os.environ.get("SCD_BUILD", os.path.join(SOURCE, "build"))


def commands():
    """By source file: the compiler command, and the folder in which it runs."""
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    found = {}
    for entry in entries:
        name = os.path.relpath(os.path.join(entry["directory"], entry["file"]), SOURCE)
        if SHIPPED.match(name):
            found[name] = shlex.split(entry["command"]), entry["directory"]
    return found


def configuration(program):
    """The lines of the file, without comments."""
    with open(os.path.join(SOURCE, CONFIGURATION[program]), encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def run(command, folder=SOURCE):
    """Returns the output of a program that fails, else nothing."""
    result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, check=False)
    return result.stdout if result.returncode else ""


def run_for_each(function, items):
    """Returns the outputs of the failures, joined."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return "".join(pool.map(function, items))


@unittest.skipUnless(os.environ.get("SCD_ANALYZE"), "SCD_ANALYZE is not set: ./check --all does it")
class Analyzers(unittest.TestCase):
    def setUp(self):
        self.commands = commands()
        self.assertGreater(len(self.commands), 150)

    def test_clang_tidy(self):
        def check(name):
            return run(["clang-tidy", "--quiet", "-p", BUILD, "--extra-arg=-w", name])

        self.assertEqual(run_for_each(check, sorted(self.commands)), "")

    def test_cppcheck(self):
        suppressed = ["--suppress=" + line for line in configuration("cppcheck")]

        def check(name):
            return run(["cppcheck", "--quiet", "--error-exitcode=1", "--std=c11",
                        "--enable=warning,performance,portability", "--library=gtk",
                        "--library=posix", "-D_GNU_SOURCE", *suppressed, name])

        self.assertEqual(run_for_each(check, sorted(self.commands)), "")

    def test_gcc_analyzer(self):
        flags = configuration("gcc")

        def check(name):
            command, folder = self.commands[name]
            kept = [word for word in command if word not in ("ccache", "-MD")]
            for option in ("-MF", "-MQ"):
                if option in kept:
                    del kept[kept.index(option):kept.index(option) + 2]
            kept[kept.index("-o") + 1] = "/dev/null"
            return run([*kept, "-O0", "-Werror", "-fanalyzer", *flags], folder)

        self.assertEqual(run_for_each(check, sorted(self.commands)), "")


if __name__ == "__main__":
    case.main()
