#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""C code that gdbus-codegen generates from the interfaces passes bytes on, zero bytes too."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import ATR, SELECT, SessionTest
from scdtest.testbed.testbed import built

# The card returns the data of this command, of which many bytes are zero.
DATA = "00FF000041000000"
ECHO = f"80100000{len(DATA) // 2:02X}{DATA}"


class GeneratedCode(SessionTest):
    def test_bytes(self):
        self.start()
        path = self.client().reader("Reader A")
        program = subprocess.run([built("tests/generators/scd-generated-client"), path, SELECT,
                                  ECHO], capture_output=True, text=True, check=False)
        self.assertEqual((program.returncode, program.stderr), (0, ""))
        lines = program.stdout.splitlines()
        self.assertRegex(lines[0], "^protocol T=[01]$")
        self.assertEqual(lines[1:], ["response 9000", f"response {DATA}9000",
                                     "one-of-many 9000", f"one-of-many {DATA}9000", "stopped ''",
                                     f"atr {ATR}", "descriptors 1"])


if __name__ == "__main__":
    case.main()
