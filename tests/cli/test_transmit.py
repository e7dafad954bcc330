#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl transmit: what it sends, and how it shows what comes back."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

from scdtest.cases import case
from scdtest.cases.cli import (ECHO, IN_USE, IS_VERIFIED, NOT_FOUND, NO_CARD, PATTERN, SELECT,
                               VERIFY, CardTest)

SELECT_BYTES = ["00", "a4", "04", "00"]
PROMISE, FETCH = "80160010", "00C0000010"


class Transmit(CardTest):
    def test_pipe(self):
        program = self.transmit(ECHO, "00:a4 04:00", NOT_FOUND)
        self.assertEqual(program.output, "0102039000\n9000\n6A82\n")
        self.assertEqual(program.errors, "")

    def test_terminal(self):
        self.assertEqual(self.transmit(NOT_FOUND, "8010000012" + "4142" * 9, "80149123", columns=80)
                         .screen,
                         ["6A82  file or application not found",
                          "9000  success",
                          "  " + " ".join(["41 42"] * 8) + '  "ABABABABABABABAB"',
                          "  41 42" + " " * 44 + '"AB"',
                          "9123", ""])

    def test_json(self):
        program = self.transmit("--json", ECHO, NOT_FOUND, "80149123")
        self.assertEqual([json.loads(line) for line in program.lines],
                         [{"response": "0102039000", "data": "010203", "status": "9000",
                           "meaning": "success"},
                          {"response": "6A82", "data": "", "status": "6A82",
                           "meaning": "file or application not found"},
                          {"response": "9123", "data": "", "status": "9123", "meaning": ""}])
        self.assertEqual(self.transmit("--json", ECHO, NOT_FOUND, "80149123", columns=80).lines,
                         [line + "\r" for line in program.lines])

    def test_meanings(self):
        for status, meaning in (("6110", "success, bytes that wait for GET RESPONSE: 16"),
                                ("6100", "success, bytes that wait for GET RESPONSE: 256"),
                                ("6C20", "wrong Le, the right one: 32"),
                                ("63C2", "warning, tries left or another counter: 2"),
                                ("63C0", "warning, tries left or another counter: 0"),
                                ("6281", "warning: part of the data may be corrupted"),
                                ("62F7", "warning, nothing was changed"),
                                ("6FFF", "error without a diagnosis")):
            self.assertEqual(json.loads(self.transmit("--json", "8014" + status).output)["meaning"],
                             meaning)

    def test_raw(self):
        program = self.transmit("--raw", ECHO, "80120003")
        self.assertEqual(program.raw_output, b"\1\2\3\x90\0" + PATTERN[:3] + b"\x90\0")
        program = self.transmit("--raw", ECHO, columns=200, status=2)
        self.assertRegex(program.screen[0], "^smartcardctl: --raw does not write to a terminal")

    def test_follow(self):
        command = "8018000300"
        self.assertEqual(self.transmit(command).output, "6C03\n")
        self.assertEqual(self.transmit("--follow", command).output, "030A119000\n")
        self.assertEqual(self.script(command, "--follow").output, "030A119000\n")

    def test_standard_input(self):
        program = self.transmit("-", text=f"{VERIFY}\n{IS_VERIFIED}")
        self.assertEqual(program.output, "9000\n9000\n")

    def test_typed(self):
        for command in (["transmit", "A 00 00", "-"], ["script", "-"]):
            program = self.start(*command, columns=80)
            program.wait_for("press Ctrl-D")
            program.type(IS_VERIFIED + "\n\x04")
            self.assertEqual(program.wait(), 0)
            program.wait_for("6982", "security state")

    def test_longest(self):
        data = bytes(range(256)) * 255 + bytes(255)
        program = self.transmit("-", text="80100000 00FFFF" + data.hex())
        self.assertEqual(program.output, data.hex().upper() + "9000\n")

    def test_mistake_is_found_before_anything_is_sent(self):
        before = self.sent()
        program = self.transmit(SELECT, "00200080081234567Z", status=2)
        self.assert_one_line(program.errors, "command 2", "position 18")
        self.assertNotIn("1234", program.errors)
        self.assertEqual(self.sent(), before)

    def test_apdu_without_quotes(self):
        before = self.sent()
        for columns in (None, 200):
            program = self.transmit(*SELECT_BYTES, columns=columns, status=2)
            self.assert_one_line(program.screen[0] if columns else program.errors,
                                 "command 1: an APDU has at least 4 bytes; put quotes")
        self.assertEqual(self.sent(), before)
        self.transmit("--raw-command", *SELECT_BYTES)
        self.assertEqual(self.sent(), before + len(SELECT_BYTES))
        self.script("00A4", "--raw-command")
        self.assertEqual(self.sent(), before + len(SELECT_BYTES) + 1)

    def test_failure_in_the_middle(self):
        self.readers.order("delay", "A", 1)
        self.readers.order("pull", "A")
        program = self.transmit(SELECT, SELECT, status=NO_CARD)
        self.assert_one_line(program.errors, "command 1: reader 'A 00 00'")

    def test_no_card(self):
        self.readers.remove("A")
        self.client.wait_for_signal("CardRemoved")
        for command in (["transmit", "A 00 00", SELECT], ["reset"]):
            program = self.run_to_end(*command, status=NO_CARD)
            self.assert_one_line(program.errors, "reader 'A 00 00': there is no card in the reader")

    def test_card_that_another_has(self):
        path = self.client.reader("A")
        self.client.call(path, "org.smartcardd1.Reader", "Connect",
                         GLib.Variant("(sasa{sv})", ("exclusive", [], {})))
        program = self.transmit(SELECT, status=IN_USE)
        self.assert_one_line(program.errors, "reader 'A 00 00': another program is using the card")

    def test_reader_by_its_path(self):
        self.assertEqual(self.run_to_end("transmit", self.client.reader("A"), SELECT).output,
                         "9000\n")

    def test_nobody_comes_between(self):
        """Any other command makes the card forget what it promised."""
        (card,) = self.client.cards()
        left = []

        def intrude():
            self.client.connection.call(
                "org.smartcardd1", card, "org.smartcardd1.Card", "TransmitHex",
                GLib.Variant("(s)", (SELECT,)), None, Gio.DBusCallFlags.NONE, -1, None, answered)

        def answered(bus, result):
            bus.call_finish(result)
            if program.ended:
                left.append(True)
            else:
                intrude()

        program = self.start("transmit", "A 00 00", *[PROMISE, FETCH] * 100)
        intrude()
        self.assertEqual(program.wait(), 0)
        self.assertEqual(program.lines, ["6110", PATTERN.hex().upper() + "9000"] * 100)
        self.client.wait(lambda: left, "the last answer")


if __name__ == "__main__":
    case.main()
