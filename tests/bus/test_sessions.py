#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sessions: Connect, Close, the owner's rights, and the state in which the card is left."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import (ATR, IS_VERIFIED, NOT_VERIFIED, SELECT, VERIFIED, VERIFY,
                                    SessionTest)
from scdtest.clients.client import PROPERTIES, SESSION, Refused, Session, data, hex_data, options

class Connect(SessionTest):
    readers = "AB"

    def setUp(self):
        super().setUp()
        self.start()
        self.user = self.client()
        self.reader = self.user.reader("Reader A")
        self.card = self.user.get(self.reader, "org.smartcardd1.Reader", "Card")

    def refuse(self, name, *arguments, **more):
        self.assert_refused(name, self.user.send_connect(*arguments, **more))

    def test_shared(self):
        session = self.user.connect(self.reader)
        self.assertIn(session.protocol, ("T=0", "T=1"))
        self.assertEqual([session.get(name) for name in
                          ("Reader", "Card", "ShareMode", "Protocol", "InTransaction")],
                         [self.reader, self.card, "shared", session.protocol, False])
        self.user.connect(self.reader)
        self.user.connect(self.card)

    def test_requested_protocol(self):
        for protocol, number in (("T=0", "0"), ("T=1", "1")):
            session = self.user.connect(self.reader, protocols=[protocol])
            self.assertEqual((session.protocol, session.get("Protocol")), (protocol, protocol))
            self.assertEqual(self.cards.status("A")["protocol"], number)
            self.assertEqual(session.transmit(SELECT), "9000")
            session.close("reset")

    def test_other_protocol_than_the_one_in_use(self):
        self.user.connect(self.reader, protocols=["T=0"])
        self.refuse("ProtoMismatch", self.reader, "shared", ["T=1"])
        self.assertEqual(self.user.connect(self.reader).protocol, "T=0")

    def test_exclusive(self):
        session = self.user.connect(self.reader, "exclusive")
        self.assertEqual(session.get("ShareMode"), "exclusive")
        for share_mode in ("shared", "exclusive", "direct"):
            self.refuse("SharingViolation", self.reader, share_mode)
        self.assertEqual(session.transmit(SELECT), "9000")
        session.close()
        shared = self.user.connect(self.reader)
        self.refuse("SharingViolation", self.reader, "exclusive")
        shared.close()
        self.user.connect(self.reader, "exclusive")

    def test_direct(self):
        """Works without a card as well, and does not disturb other sessions."""
        shared = self.user.connect(self.reader, protocols=["T=1"])
        session = self.user.connect(self.reader, "direct")
        self.assertEqual((session.protocol, session.get("ShareMode")), ("T=1", "direct"))
        self.assertEqual(shared.transmit(SELECT), "9000")
        session.close()
        self.cards.remove("A")
        self.user.wait_for_signal("CardRemoved")
        session = self.user.connect(self.reader, "direct", ["T=0"])
        self.assertEqual(session.get("Card"), "/")
        self.assertEqual(session.protocol, "")

    def test_no_card(self):
        self.cards.remove("A")
        self.user.wait_for_signal("CardRemoved")
        self.refuse("NoSmartcard", self.reader)
        self.refuse("NoSmartcard", self.reader, "exclusive")

    def test_mute_card(self):
        self.cards.remove("B")
        self.user.wait_for_signal("CardRemoved")
        self.cards.order("mute", "B", "on")
        self.cards.insert("B")
        self.user.wait_for_signal("CardInserted")
        self.refuse("UnpoweredCard", self.user.reader("Reader B"))
        self.refuse("UnpoweredCard", self.user.reader("Reader B"), "exclusive")

    def test_removed_card(self):
        session = self.user.connect(self.card)
        self.cards.swap("A", "3B021450")
        self.user.wait_for_signal("CardInserted")
        template = hex_data("0020008008" + "FF" * 8)
        for method, *arguments in (("Transmit", hex_data(SELECT)), ("BeginTransaction",),
                                   ("TransmitMany", data([bytes.fromhex(SELECT)])),
                                   ("Reconnect", "shared", [], "leave"), ("GetStatus",),
                                   ("VerifyPin", template, options()), ("OpenChannel",)):
            with self.subTest(method):
                self.assert_refused("RemovedCard", session.send(method, *arguments, options()))
                self.assert_refused("InvalidArgs", session.send(method, *arguments,
                                                                options(unknown=True)))
        call = self.user.send_connect(self.card)
        self.assertEqual(call.error(), "RemovedCard")
        session.close()

    def test_invalid_arguments(self):
        self.refuse("InvalidArgs", self.reader, "private")
        self.refuse("InvalidArgs", self.reader, "")
        self.refuse("InvalidArgs", self.reader, "shared", ["T=2"])
        self.refuse("InvalidArgs", self.reader, "shared", ["T=1", "any"])
        self.refuse("InvalidArgs", self.reader, timeout_ms="1")
        self.refuse("InvalidArgs", self.reader, timeout=1)
        session = self.user.connect(self.reader)
        for method, arguments in (("EndTransaction", ["keep"]), ("Close", ["Leave"]),
                                  ("Reconnect", ["shared", [], "eject"]),
                                  ("Reconnect", ["", [], "leave"]),
                                  ("BeginTransaction", [options(timeout=1)])):
            self.assert_refused("InvalidArgs", session.send(method, *arguments))
        self.assertEqual(session.transmit(SELECT), "9000")

    def test_unsupported_protocol(self):
        self.refuse("ProtoMismatch", self.reader, "shared", ["T=15"])

    def test_error_message_names_the_reader(self):
        self.user.connect(self.reader, "exclusive")
        with self.assertRaises(Refused) as caught:
            self.user.connect(self.reader)
        self.assertIn(self.pcsc_name(), caught.exception.message)

    def test_status(self):
        session = self.user.connect(self.reader)
        name, state, protocol, atr = session.call("GetStatus")
        self.assertEqual((name, protocol, atr.hex().upper()),
                         (self.pcsc_name(), session.protocol, ATR))
        self.assertTrue(state & 0x20)

    def test_session_is_not_in_the_tree(self):
        session = self.user.connect(self.reader)
        self.assertNotIn(session.path, self.user.objects())


class SessionOwner(SessionTest):
    def setUp(self):
        super().setUp()
        self.start()

    def test_other_clients_are_refused(self):
        session = self.session()
        other = self.client()
        stolen = Session(other, session.path)
        for method, arguments in (
                ("Transmit", [hex_data(SELECT), options()]), ("BeginTransaction", [options()]),
                ("TransmitMany", [hex_data_list(SELECT), options()]), ("GetStatus", []),
                ("EndTransaction", ["reset"]), ("Reconnect", ["shared", [], "reset"]),
                ("Control", [1, hex_data("00")]), ("GetAttribute", [0x90303]),
                ("SetAttribute", [0x90303, hex_data("00")]), ("Close", ["leave"])):
            self.assert_refused("NotOwner", stolen.send(method, *arguments))
        self.assert_refused("NotOwner", other.send(session.path, PROPERTIES, "Get", SESSION,
                                                   "Reader"))
        self.assert_refused("NotOwner", other.send(session.path, PROPERTIES, "GetAll", SESSION))
        self.assertEqual(session.transmit(SELECT), "9000")
        self.assertEqual(self.cards.status("A")["resets"], "0")

    def test_closed_is_sent_to_the_owner_only(self):
        session, other = self.session(), self.client()
        session.close()
        self.assertEqual(session.wait_for_closed(), "closed")
        self.cards.remove("A")
        other.wait_for_signal("CardRemoved")
        self.assertNotIn("Closed", other.members())
        self.assert_refused("InvalidHandle", session.send("GetStatus"))

    def test_closed_is_sent_before_the_reply(self):
        session = self.session()
        session.close()
        self.assertIn("Closed", session.client.members())

    def test_closed_does_not_wait_for_the_reply(self):
        holder, closing = self.session(), self.session()
        holder.begin()
        reply = closing.send("Close", "reset")
        self.assertEqual(closing.wait_for_closed(), "closed")
        self.assertFalse(reply.is_done)
        holder.end()
        reply.wait()

    def test_quiet_session(self):
        """Closed is not sent for the owner's own Close, but for all other reasons."""
        session, loud, left = (self.session(quiet=quiet) for quiet in (True, False, True))
        for each in (session, loud):
            each.close()
            later = each.client.connect(each.client.reader("Reader A"))
            later.close()
            later.wait_for_closed()
        self.assertNotIn(session.path, [signal.path for signal in session.client.signals])
        self.assertEqual(loud.wait_for_closed(), "closed")
        self.testbed.stop_pcscd()
        self.assertEqual(left.wait_for_closed(), "service-unavailable")

    def test_session_number_is_not_reused(self):
        session = self.session()
        session.close()
        self.assertNotEqual(self.session().path, session.path)

    def test_close_cancels_waiting_calls(self):
        holder, waiting = self.session(), self.session()
        holder.begin()
        calls = [waiting.send_begin(), waiting.send_transmit(SELECT)]
        waiting.close()
        for call in calls:
            self.assert_refused("Cancelled", call)
        holder.end()

    def test_close_with_disposition(self):
        for disposition, resets, powerups in (("leave", 0, 0), ("reset", 1, 0), ("unpower", 0, 1)):
            session, other = self.session(), self.session()
            session.transmit(VERIFY)
            before = self.cards.status("A")
            session.close(disposition)
            if disposition == "leave":
                self.assertEqual(other.transmit(IS_VERIFIED), VERIFIED)
            else:
                self.assert_refused("ResetCard", other.send_transmit(IS_VERIFIED))
                self.assertEqual(self.session().transmit(IS_VERIFIED), NOT_VERIFIED)
            after = self.cards.status("A")
            self.assertEqual((int(after["resets"]) - int(before["resets"]),
                              int(after["powerups"]) - int(before["powerups"])),
                             (resets, powerups))

    def test_owner_disconnects_in_a_transaction(self):
        owner, other = self.session(), self.session()
        owner.begin()
        self.assertEqual(owner.transmit(VERIFY), "9000")
        call = other.send_transmit(IS_VERIFIED)
        owner.client.close()
        self.assert_refused("ResetCard", call)
        other.reconnect()
        self.assertEqual(other.transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_next_client_after_the_owner_disconnects(self):
        """The card is reset at once, without a client that waits for it."""
        owner = self.session()
        owner.begin()
        owner.transmit(VERIFY)
        next_one = self.client()
        reader = next_one.reader("Reader A")
        self.leave(owner.client)
        self.cards.wait_for("A", "resets=1")
        self.assertEqual(next_one.connect(reader).transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_owner_is_killed(self):
        owner, other = self.other_user("root"), self.client()
        reader = other.reader("Reader A")
        session, _ = owner.call(reader, "org.smartcardd1.Reader", "Connect", "(sasa{sv})",
                                "shared", [], {})
        owner.call(session, "org.smartcardd1.Session", "BeginTransaction", "(a{sv})", {})
        answer, = owner.call(session, "org.smartcardd1.Session", "Transmit", "(aya{sv})",
                             list(bytes.fromhex(VERIFY)), {})
        self.assertEqual(bytes(answer).hex(), "9000")
        self.assertEqual(self.cards.status("A")["verified"], "1")
        call = other.send_connect(reader)
        owner.leave()
        self.assertEqual(Session(other, call.wait()[0]).transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_owner_disconnects_during_a_command(self):
        """A script ends after the running command; another session keeps the card as it is."""
        owner, other = self.session(), self.session()
        self.cards.order("delay", "A", 50)
        owner.send_many([VERIFY] * 500)
        self.wait_until_running()
        self.leave(owner.client)
        self.assertEqual(other.transmit(IS_VERIFIED), VERIFIED)
        self.assertLess(int(self.cards.status("A")["commands"]), 10)

    def test_owner_disconnects_while_it_waits(self):
        holder, waiting = self.session(), self.session()
        holder.begin()
        waiting.send_begin()
        waiting.send_transmit(SELECT)
        waiting.client.send_connect(waiting.client.reader("Reader A"))
        waiting.client.manager("Available")
        waiting.client.close()
        holder.transmit(SELECT)
        holder.end()
        other = self.session()
        other.begin()
        self.assertEqual(other.transmit(SELECT), "9000")


def hex_data_list(*commands):
    return data([bytes.fromhex(command) for command in commands])


if __name__ == "__main__":
    case.main()
