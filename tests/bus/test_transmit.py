#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Transmit, TransmitMany, Control and attributes: lengths, options, errors."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import (ATR, IS_VERIFIED, NOT_VERIFIED, SELECT, VERIFIED, VERIFY,
                                    SessionTest)
from scdtest.clients.client import Refused, hex_data, options
from scdtest.clients.recorder import READER

ATR_STRING = 0x90303
INTERNAL_TAG = 0x0FAE  # TAG_IFD_SLOTS_NUMBER
CONTROL = 0x42000E11


def pattern(count):
    """Returns the response of the card for that length."""
    return bytes((7 * i + 3) % 256 for i in range(count)).hex().upper()


def echo(length):
    """Returns a command of that length, and its response."""
    body = pattern(length - (5 if length <= 260 else 7))
    count = len(body) // 2
    header = "80100000" + (f"{count:02X}" if length <= 260 else f"00{count:04X}")
    return header + body, body + "9000"


class Transmit(SessionTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.card = self.session()

    def test_lengths(self):
        for length, command, response in ((1, "80", "6700"), (5, "8012000005", None),
                                          (261, None, None), (4096, None, None),
                                          (65542, None, None)):
            if not command:
                command, response = echo(length)
            self.assertEqual(len(command) // 2, length)
            self.assertEqual(self.card.transmit(command), response or pattern(65536) + "9000")

    def test_longest_command(self):
        """Data of 65,535 bytes between a header, a length, and an Le of two bytes."""
        command, response = echo(65542)
        self.assertEqual(len(command + "0000") // 2, 65544)
        self.assertEqual(self.card.transmit(command + "0000"), response)

    def test_lengths_of_responses(self):
        for count in (1, 2, 255, 256, 257, 4096, 65535, 65536):
            self.assertEqual(self.card.transmit(f"8012{count & 0xFFFF:04X}"),
                             pattern(count) + "9000")

    def test_malformed_commands(self):
        self.assert_refused("InvalidArgs", self.card.send_transmit(""))
        self.assert_refused("InvalidArgs", self.card.send_transmit("80" * 65545))
        self.assert_refused("InvalidArgs", self.card.send_many([]))
        self.assert_refused("InvalidArgs", self.card.send_many([SELECT, ""]))
        self.assert_refused("InvalidArgs", self.card.send_many([SELECT] * 1025))
        self.assert_refused("InvalidArgs", self.card.send_many(["80" * 65544] * 65))
        self.assertEqual(self.cards.status("A")["commands"], "0")

    def test_follow(self):
        for count in (1, 255, 256, 257, 700, 10000):
            command = f"8016{count:04X}"
            self.assertEqual(self.card.transmit(command, follow=True), pattern(count) + "9000")
            self.assertEqual(self.card.transmit(command),
                             "61" + (f"{count:02X}" if count < 256 else "00"))
        self.assertEqual(self.card.transmit("8018002000"), "6C20")
        self.assertEqual(self.card.transmit("8018002000", follow=True), pattern(32) + "9000")
        self.assertEqual(self.card.transmit("80180020", follow=True), pattern(32) + "9000")
        self.assertEqual(self.card.transmit(SELECT, follow=True), "9000")

    def test_options(self):
        for more in (options(folow=True), options(follow="yes"), options(expect=["9000"]),
                     options(protocol="T=1"), options(disposition="reset")):
            self.assert_refused("InvalidArgs",
                                self.card.send("Transmit", hex_data(SELECT), more))
        for patterns in (["90"], ["900g"], ["90000"], [""]):
            self.assert_refused("InvalidArgs", self.card.send_many([SELECT], expect=patterns))

    def test_script(self):
        self.assertEqual(self.card.many([SELECT, IS_VERIFIED, VERIFY, IS_VERIFIED]),
                         ["9000", NOT_VERIFIED, "9000", VERIFIED])
        self.assertEqual(self.card.many(["80160100", SELECT], follow=True),
                         [pattern(256) + "9000", "9000"])

    def test_script_stops_at_unexpected_response(self):
        script = [SELECT, "80146A82", SELECT]
        self.assertEqual(self.card.many(script), ["9000", "6A82", "9000"])
        self.assertEqual(self.card.many(script, expect=["9000"]), ["9000", "6A82"])
        self.assertEqual(self.card.many(script, expect=["9xxx", "6aXx"]),
                         ["9000", "6A82", "9000"])
        self.assertEqual(self.card.many(["80160010", "80180002"], expect=["61xx"]),
                         ["6110", "6C02"])
        self.assertEqual(self.cards.status("A")["commands"], "10")

    def test_script_with_an_invalid_command(self):
        self.cards.order("delay", "A", 20)
        call = self.card.send_many([SELECT] * 1024)
        self.wait_until_running()
        self.cards.order("fail", "A", 1)
        with self.assertRaises(Refused) as caught:
            call.wait()
        self.assertEqual(caught.exception.name, "NotTransacted")
        self.assertRegex(caught.exception.message, r"command \d+ of 1024")
        self.assertEqual(self.card.transmit(SELECT), "9000")

    def test_failing_reader(self):
        self.cards.order("fail", "A", 1)
        self.assert_refused("NotTransacted", self.card.send_transmit(SELECT))
        self.assertEqual(self.card.transmit(SELECT), "9000")

    def test_both_protocols(self):
        self.card.close("reset")
        for protocol in ("T=0", "T=1"):
            session = self.session(protocols=[protocol])
            self.assertEqual(session.transmit(VERIFY), "9000")
            session.close("reset")

    def test_direct_session_with_unpowered_card(self):
        self.card.close("unpower")
        direct = self.session(share_mode="direct")
        self.assert_refused("NotTransacted", direct.send_transmit(SELECT))


class DriverCommands(SessionTest):
    """Commands for the reader's driver, not for the card."""

    def setUp(self):
        super().setUp()
        self.start()
        self.card = self.session()
        self.reader = self.card.client.reader("Reader A")

    def one_shot(self, method, *arguments):
        return self.card.client.send(self.reader, READER, method, *arguments)

    def test_control(self):
        self.assert_refused("UnsupportedFeature",
                            self.card.send("Control", CONTROL, hex_data("")))
        self.cards.order("control", "A", f"{CONTROL:x}", "0102030405")
        self.assertEqual(self.card.call("Control", CONTROL, hex_data("")).hex(), "0102030405")
        self.assertEqual(self.card.call("Control", CONTROL, hex_data("00" * 65548)).hex(),
                         "0102030405")
        self.assertEqual(
            self.one_shot("Control", CONTROL, hex_data(""), options()).wait().hex(), "0102030405")
        self.cards.order("control", "A", f"{CONTROL:x}", "silent")
        self.assertEqual(self.card.call("Control", CONTROL, hex_data("")), b"")
        self.assert_refused("InvalidArgs",
                            self.one_shot("Control", CONTROL, hex_data(""), options(follow=True)))

    def test_control_data_too_long(self):
        call = self.card.send("Control", CONTROL, hex_data("00" * 65549))
        self.assertIn(call.error(), ("InsufficientBuffer", "InvalidArgs"))
        self.assertEqual(self.card.transmit(SELECT), "9000")

    def test_attributes(self):
        self.assertEqual(self.card.call("GetAttribute", ATR_STRING).hex().upper(), ATR)
        self.assertEqual(self.one_shot("GetAttribute", ATR_STRING).wait().hex().upper(), ATR)
        for unknown in (0x10199, INTERNAL_TAG, 0, 0xFFFFFFFF):
            self.assert_refused("UnsupportedFeature", self.card.send("GetAttribute", unknown))
            self.assert_refused("UnsupportedFeature", self.one_shot("GetAttribute", unknown))
        for tag in (INTERNAL_TAG, 0x0FB4):  # the latter is TAG_IFD_DEVICE_REMOVED
            self.assert_refused("UnsupportedFeature",
                                self.card.send("SetAttribute", tag, hex_data("00")))
        self.cards.order("attribute", "A", "10101", "41")
        self.assertEqual(self.card.call("GetAttribute", 0x10101), b"A")
        self.assertIn(self.card.send("SetAttribute", 0x10101, hex_data("00")).error(),
                      ("UnsupportedFeature", "NotTransacted"))
        self.assertEqual(self.card.transmit(SELECT), "9000")

    def test_lengths_of_an_attribute(self):
        for length in (0, 265):
            call = self.card.send("SetAttribute", 0x10101, hex_data("00" * length))
            self.assertIn(call.error(), ("InvalidArgs", "InvalidParameter",
                                         "InsufficientBuffer"))


if __name__ == "__main__":
    case.main()
