#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl attributes: what the reader's driver knows."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import ATR, CONTROL, NO_READER, CliTest
from scdtest.testbed.testbed import simulated_reader


class Attributes(CliTest):
    def setUp(self):
        super().setUp()
        self.start_testbed("A")
        for tag, value in (("10100", b"Br\xc3\xbccke \xff\x1b\0".hex()), ("10102", "34120201"),
                           ("20110", "03012000"), ("30121", "a00f0000"),
                           ("30123", "0a000000"), ("30125", "fe00"), ("40131", "01"),
                           ("60150", "010203"),
                           ("7fff0001", "0100000000000000")):
            self.readers.order("attribute", "A", tag, value)

    def test_json(self):
        attributes = json.loads(self.run_to_end("--json", "attributes", "A 00 00").output)
        expected = {"vendor-name": "Br\u00fccke \ufffd\x1b", "vendor-ifd-version": "1.2.4660",
                    "channel-id": 0x200103, "default-clk": 4000, "default-data-rate": 10,
                    "max-ifsd": 254, "power-mgmt-support": 1, "characteristics": "010203",
                    "device-unit": 1}
        self.assertEqual({name: attributes[name] for name in expected}, expected)
        self.assertNotIn("vendor-ifd-serial-no", attributes)

    def test_atr(self):
        self.insert("A")
        self.assertEqual(json.loads(self.run_to_end("--json", "attributes").output)["atr-string"],
                         ATR)

    def test_pipe(self):
        program = self.run_to_end("attributes")
        self.assertNotRegex(program.output.replace("\t", ""), CONTROL)
        rows = {line.split("\t")[0]: line.split("\t")[1:] for line in program.lines}
        self.assertEqual(rows["vendor-name"], ["4272C3BC636B6520FF1B00", "Br\u00fccke \ufffd\\u001b"])
        self.assertEqual(rows["channel-id"], ["03012000", "0x200103"])
        self.assertEqual(rows["default-clk"], ["A00F0000", "4000 kHz"])
        self.assertEqual(rows["default-data-rate"], ["0A000000", "10 bit/s"])
        self.assertEqual(rows["characteristics"], ["010203", "01 02 03"])
        self.assertNotIn("vendor-ifd-serial-no", rows)

    def test_terminal(self):
        screen = self.run_to_end("attributes", columns=80).screen
        for row in ("vendor-ifd-version 1.2.4660", "max-ifsd 254"):
            self.assertIn(row, [re.sub(" {2,}", " ", line) for line in screen])

    def test_several_readers(self):
        self.testbed.stop_service()
        self.testbed.stop_pcscd()
        self.testbed.start_pcscd([simulated_reader("A"), simulated_reader("B")])
        self.testbed.start_service()
        for command in (["attributes"], ["reset"]):
            self.assert_one_line(self.run_to_end(*command, status=NO_READER).errors,
                                 "there are 2 readers; name one")


class NoReader(CliTest):
    def test_none_to_choose(self):
        self.start_testbed()
        for command in (["attributes"], ["reset"]):
            self.assert_one_line(self.run_to_end(*command, status=NO_READER).errors,
                                 "no reader is connected")


if __name__ == "__main__":
    case.main()
