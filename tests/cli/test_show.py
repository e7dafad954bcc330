#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl show: all there is about one reader."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import KNOWN_ATR, KNOWN_NAMES, NO_READER, CliTest


FEATURES = "42000d48"  # SCARD_CTL_CODE(3400)


class Show(CliTest):
    def rows(self, *arguments, **options):
        """Label → values; a line without a label goes on with the one above it."""
        rows, label = {}, None
        for line in self.run_to_end("show", *arguments, **options).lines[1:]:
            label = line[2:20].strip() or label
            rows.setdefault(label, []).append(line[20:].rstrip("\r"))
        return rows

    def assert_has(self, rows, **expected):
        """A text for one value, a list for several, None for no such row."""
        found = {label: rows.get(label.replace("_", " ")) for label in expected}
        self.assertEqual({label: values and (values if len(values) > 1 else values[0])
                          for label, values in found.items()}, expected)

    def test_what_is_known(self):
        self.start_testbed("A", usb={"A": {"path": "1-6:1.0", "address": 5, "idVendor": "04e6",
                                         "idProduct": "5116", "removable": "fixed",
                                         "manufacturer": "Maker", "serial": "S1"}})
        self.readers.order("control", "A", FEATURES, "060442000DB2070442000DB3")
        self.insert("A", KNOWN_ATR)
        rows = self.rows()
        self.assert_has(rows, Object="/org/smartcardd1/readers/usb_1_6", Vendor="Maker",
                        Serial_number="S1", USB_path="1-6:1.0", Built_in="yes", For_login="yes",
                        Login_card="no",
                        USB_device="04e6:5116, bus 1, address 5", State="card present",
                        Known_as=list(KNOWN_NAMES), ATR="3B 02 14 50")
        self.assertEqual(self.rows("1-6", columns=80), rows)

    def test_what_is_not_known(self):
        self.start_testbed("A")
        self.assert_has(self.rows(), Alias="none", Vendor="not known", Serial_number="not known",
                        USB_path="not known", USB_device="not known", Built_in="no",
                        Driver_version="not known", Features="none", For_login="yes",
                        State="empty", ATR=None)

    def test_atr_in_pieces(self):
        self.start_testbed("A")
        self.insert("A", "3BDA18FF81B1FE751F030031C573C001400090000C")
        self.assert_has(self.rows(), Convention="direct", Protocols="T=1", Check_byte="correct",
                        Interface_bytes=["TA1 18, TC1 FF, TD1 81", "TD2 B1",
                                         "TA3 FE, TB3 75, TD3 1F", "TA4 03"],
                        Mode="negotiable: the protocol can be selected",
                        Historical_bytes='00 31 C5 73 C0 01 40 00 90 00  ".1.s..@..."')
        for atr, parts in (("3F028899", {"Convention": "inverse", "Check_byte": "not required",
                                         "Interface_bytes": None, "Known_as": "not known"}),
                           ("3B90111000", {"Mode": "specific: T=0 and no other protocol"}),
                           ("3B8101FF00", {"Check_byte": "wrong"}),
                           ("3B8101FF", {"Check_byte": "missing"}),
                           ("3BFF", {"ATR": "3B FF", "Protocols": "none", "Mode": None,
                                     "Historical_bytes": "none", "Check_byte": None})):
            self.readers.swap("A", atr)
            self.client.wait_for_state(
                lambda c, atr=atr: [card["AtrHex"] for card in c.cards().values()] == [atr], atr)
            self.assert_has(self.rows(), **parts)

    def test_mute_card(self):
        self.start_testbed("A")
        self.readers.order("mute", "A", "on")
        self.insert("A")
        self.assert_has(self.rows(), State="mute card", ATR="none", Known_as="not known")

    def test_json_is_that_of_status(self):
        self.start_testbed("A", "B")
        self.insert("B", KNOWN_ATR)
        program = self.run_to_end("--json", "show", "B 01 00")
        self.assertEqual(json.loads(program.output)["card"]["atr"], KNOWN_ATR)
        self.assertEqual(program.output, self.run_to_end("--json", "status", "B 01 00").output)

    def test_which_reader(self):
        self.start_testbed("A", "B", usb={"B": {"path": "1-3.1:1.0", "address": 4,
                                              "serial": "S1"}})
        for selector in ("B 01 00", "1-3.1", "1-3.1:1.0", "S1", self.client.reader("B 01")):
            self.assertEqual(self.run_to_end("show", selector).lines[0], "B 01 00")
        self.assert_one_line(self.run_to_end("show", "C", status=NO_READER).errors,
                             "there is no reader 'C'")
        self.assert_one_line(self.run_to_end("show", status=NO_READER).errors, "there are 2 readers")


if __name__ == "__main__":
    case.main()
