#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library in several threads and main contexts: threads.c."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import SessionTest
from scdtest.testbed.testbed import built


class Threads(SessionTest):
    maxDiff = None

    def test_threads(self):
        self.start()
        result = subprocess.run([built("tests/client/scd-client-threads")], capture_output=True,
                                text=True, check=False, timeout=250)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "ok\n", ""))


if __name__ == "__main__":
    case.main()
