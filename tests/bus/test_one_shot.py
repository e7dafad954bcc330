#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The one-shot methods: connect, transaction, commands and disconnect in one call."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import IS_VERIFIED, NOT_VERIFIED, SELECT, VERIFIED, VERIFY, SessionTest
from scdtest.clients.client import data, hex_data, options
from scdtest.clients.recorder import CARD


class OneShot(SessionTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.user = self.client()
        self.reader = self.user.reader("Reader A")
        self.card = self.user.get(self.reader, "org.smartcardd1.Reader", "Card")

    def send(self, method, *arguments):
        return self.user.send(self.card, CARD, method, *arguments)

    def send_many(self, *commands, **more):
        return self.send("TransmitMany", data([bytes.fromhex(c) for c in commands]),
                         options(**more))

    def test_transmit(self):
        call = self.send("Transmit", hex_data(SELECT), options())
        self.assertEqual(call.wait().hex(), "9000")
        call = self.send("Transmit", hex_data("80160005"), options(follow=True))
        self.assertEqual(call.wait().hex(), "030a11181f9000")

    def test_script(self):
        self.assertEqual([r.hex() for r in self.send_many(VERIFY, IS_VERIFIED).wait()[0]],
                         ["9000", VERIFIED])
        self.assertEqual([r.hex() for r in self.send_many(SELECT, "80146A82", SELECT,
                                                          expect=["9000"]).wait()[0]],
                         ["9000", "6a82"])

    def test_protocol(self):
        for protocol, number in (("T=0", "0"), ("T=1", "1")):
            self.send("Transmit", hex_data(SELECT), options(protocol=protocol)).wait()
            self.assertEqual(self.cards.status("A")["protocol"], number)
            self.user.connect(self.reader).close("reset")

    def test_disposition(self):
        for disposition, state in (("leave", VERIFIED), ("reset", NOT_VERIFIED),
                                   ("leave", VERIFIED), ("unpower", NOT_VERIFIED)):
            self.send_many(VERIFY, disposition=disposition).wait()
            self.assertEqual([r.hex() for r in self.send_many(IS_VERIFIED).wait()[0]], [state])

    def test_hex(self):
        self.assertEqual(self.send("TransmitHex", "80 10:00 00 02 ab:CD").wait(), "ABCD9000")
        self.assertEqual(self.send("TransmitManyHex", [SELECT, "80:16:00:01"]).wait(),
                         [["9000", "6101"], ""])
        for text in ("", "8", "80 1", "0x80", "80-10", "80g0", "é0"):
            self.assert_refused("InvalidArgs", self.send("TransmitHex", text))
        self.assert_refused("InvalidArgs", self.send("TransmitManyHex", [SELECT, "8"]))
        self.assert_refused("InvalidArgs", self.send("TransmitManyHex", []))

    def test_options(self):
        for more in ({"protocols": "T=1"}, {"protocol": "T=2"}, {"disposition": "keep"},
                     {"follow": 1}, {"expect": "9000"}, {"timeout_ms": "1"}, {"call_id": ""}):
            self.assert_refused("InvalidArgs", self.send_many(SELECT, **more))

    def test_no_handle_is_left(self):
        """No PC/SC handle stays open after the call."""
        self.send_many(SELECT).wait()
        self.user.connect(self.reader, "exclusive").close()

    def test_errors(self):
        self.cards.order("fail", "A", 1)
        self.assert_refused("NotTransacted", self.send("TransmitHex", SELECT))
        holder = self.user.connect(self.reader, "exclusive")
        self.assert_refused("SharingViolation", self.send("TransmitHex", SELECT))
        holder.close()
        self.cards.remove("A")
        self.user.wait_for_signal("CardRemoved")
        self.assert_refused("RemovedCard", self.send("TransmitHex", SELECT))

    def test_waits_for_another_transaction(self):
        holder = self.session()
        holder.begin()
        calls = [self.send("TransmitHex", SELECT) for _ in range(3)]
        self.assertEqual(holder.transmit(SELECT), "9000")
        self.assertEqual([call.is_done for call in calls], [False] * 3)
        holder.end()
        self.assertEqual([call.wait() for call in calls], ["9000"] * 3)

    def test_card_removed_while_it_waits(self):
        holder = self.session()
        holder.begin()
        call = self.send("TransmitHex", SELECT)
        self.user.manager("Available")  # by now it waits
        self.cards.remove("A")
        self.assert_refused("RemovedCard", call)

    def test_caller_disconnects_during_the_call(self):
        """The card is reset, as at the end of a session."""
        self.cards.order("delay", "A", 50)
        self.send_many(*[VERIFY] * 100)
        self.wait_until_running()
        self.user.close()
        self.cards.wait_for("A", "resets=1")
        self.assertLess(int(self.cards.status("A")["commands"]), 10)
        self.cards.order("delay", "A", 0)
        self.assertEqual(self.session().transmit(IS_VERIFIED), NOT_VERIFIED)


if __name__ == "__main__":
    case.main()
