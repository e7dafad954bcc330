#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library in several threads and main contexts: threads.c."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import SessionTest
from scdtest.testbed.testbed import built


PROGRAM = "tests/client/scd-client-threads"
VALGRIND = ("valgrind", "--quiet", "--error-exitcode=1", "--leak-check=full",
            "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite")


class Threads(SessionTest):
    maxDiff = None

    def run_program(self, *command, **environment):
        self.start()
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=250,
                                env={**os.environ, **environment})
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "ok\n", ""))

    def test_threads(self):
        self.run_program(built(PROGRAM))

    @unittest.skipUnless("SCD_VALGRIND" in os.environ, "SCD_VALGRIND=1 runs it")
    def test_valgrind(self):
        self.run_program(*VALGRIND, built(PROGRAM))

    @unittest.skipUnless("SCD_TSAN_BUILD" in os.environ,
                         "SCD_TSAN_BUILD=FOLDER, one of -Db_sanitize=thread, runs it")
    def test_thread_sanitizer(self):
        """GLib's own accesses are ignored: it is not built with the sanitizer."""
        build = os.path.abspath(os.environ["SCD_TSAN_BUILD"])
        self.run_program(os.path.join(build, PROGRAM),
                         LD_LIBRARY_PATH=os.path.join(build, "client"),
                         LD_PRELOAD=os.path.join(build, "tests/sanitizers/libscd-glib-locks.so"),
                         TSAN_OPTIONS="halt_on_error=1:ignore_noninstrumented_modules=1")


if __name__ == "__main__":
    case.main()
