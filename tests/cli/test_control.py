#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl control: a word with the reader's driver."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio

from scdtest.cases import case
from scdtest.cases.cli import REFUSED, CliTest
from scdtest.fakes.fake_service import READER_PATH, FakeService

FEATURES = "42000D48"  # SCARD_CTL_CODE(3400)


class Control(CliTest):
    def setUp(self):
        super().setUp()
        self.start_testbed("A")
        self.readers.order("control", "A", FEATURES, "060442000DB2")

    def control(self, *arguments, **options):
        return self.run_to_end("control", "A 00 00", *arguments, **options)

    def test_forms_of_output(self):
        self.assertEqual(self.control("0x" + FEATURES).output, "060442000DB2\n")
        self.assertEqual(self.control(str(int(FEATURES, 16)), "").output, "060442000DB2\n")
        self.assertEqual(json.loads(self.control("--json", "0x" + FEATURES).output),
                         {"response": "060442000DB2"})
        self.assertEqual(self.control("--raw", "0x" + FEATURES).raw_output,
                         bytes.fromhex("060442000DB2"))
        self.assertEqual(self.control("0x" + FEATURES, columns=80).screen,
                         ["  06 04 42 00 0D B2" + " " * 32 + '"..B..."', ""])

    def test_no_data(self):
        self.readers.order("control", "A", FEATURES, "silent")
        self.assertEqual(self.control("0x" + FEATURES, "00 01:02").output, "\n")
        self.assertEqual(self.control("0x" + FEATURES, columns=80).screen, ["no data", ""])

    def test_data_from_the_standard_input(self):
        self.assertEqual(self.control("0x" + FEATURES, "-", text="00 01\n\t02:03\r\n").output,
                         "060442000DB2\n")
        self.assert_one_line(self.control("0x" + FEATURES, "-", text="0g", status=1).errors,
                             "position 2")

    def test_unsupported_code(self):
        self.assert_one_line(self.control("0x42000001", status=1).errors,
                             "reader 'A 00 00': the reader or its driver does not support this")

    def test_user_may_be_asked(self):
        """The service gets leave to ask for a password, and no terminal obeys what it says."""
        self.testbed.stop_service()
        service = FakeService.of_text("no\x1b[31m\n")
        self.addCleanup(service.close)
        self.assert_one_line(self.run_to_end("control", READER_PATH, "1", status=REFUSED).errors,
                             "no\\u001b[31m\\u000a")
        (flags,) = service.flags
        self.assertTrue(flags & Gio.DBusMessageFlags.ALLOW_INTERACTIVE_AUTHORIZATION)


if __name__ == "__main__":
    case.main()
