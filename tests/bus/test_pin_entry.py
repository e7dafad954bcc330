#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""VerifyPin and ModifyPin: what the reader is told, what the user does, and how the calls end."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.sessions import IS_VERIFIED, NOT_VERIFIED, SELECT, VERIFIED, SessionTest
from scdtest.clients.client import Refused, hex_data, options
from scdtest.testbed import events

ROOT, MANAGER = "/org/smartcardd1", "org.smartcardd1.Manager"

# Kinds of PIN pads, and the control codes of feature 0 of several drivers.
LIBCCID, CYBERJACK, OTHER = "42330000", "42000DAC", "000F0000"
DIRECT, KEYS = ("direct", LIBCCID), ("keys", OTHER)

VERIFY = "0020008008" + "FF" * 8
MODIFY = "0024008010" + "FF" * 16
ECHO = "8010000008" + "FF" * 8  # the card returns the data of the command

# PIN_VERIFY up to abData: bTimeOut, bTimeOut2, bmFormatString, bmPINBlockString,
# bmPINLengthFormat, wPINMaxExtraDigit, bEntryValidationCondition, bNumberMessage, wLangId,
# bMsgIndex, bTeoPrologue, ulDataLength.
VERIFY_STRUCTURE = "00 00 82 08 00 0804 02 FF 0904 00 000000 0D000000"
# PIN_MODIFY: after bmPINLengthFormat also bInsertionOffsetOld and bInsertionOffsetNew, after
# wPINMaxExtraDigit bConfirmPIN, and three indices of messages.
MODIFY_STRUCTURE = "00 00 82 08 00 00 08 0804 03 02 FF 0904 00 01 02 000000 15000000"


ROUNDS = 10


def numbers(*values):
    return GLib.Variant("au", values)


class PinTest(SessionTest):
    readers = "AB"

    def setUp(self):
        super().setUp()
        self.start()

    def session_with(self, kind, base, **more):
        self.cards.order("pinpad", "A", kind, base)
        return self.session(**more)

    def send(self, session, method="VerifyPin", template=None, pin_format=None, **more):
        template = template or (VERIFY if method == "VerifyPin" else MODIFY)
        self._since = len(session.client.signals)
        return session.send(method, hex_data(template), options(**(pin_format or {})),
                            options(**more))

    def signals(self, session):
        """Returns the signals about PINs so far: names with their argument."""
        return [(each.member, *each.arguments) for each in session.client.signals
                if each.path == session.path and each.member.startswith("Pin")]

    def wait_for_start(self, session):
        """Waits for the entry of the last call; returns whether it can be cancelled."""
        return session.client.wait_for_signal("PinEntryStarted", session.path,
                                              since=self._since).arguments[0]

    def wait_until_in_reader(self):
        """The signal is sent before the command to the reader."""
        self.cards.wait_for("A", "started=1", command="pinpad-status")

    def press(self, keys, reader="A"):
        self.cards.order("press", reader, keys)

    def enter(self, session, keys, **more):
        """Returns the response after the user has pressed these keys."""
        call = self.send(session, **more)
        self.wait_for_start(session)
        self.press(keys)
        return call.wait().hex().upper()

    def pin_pad(self, reader="A"):
        return dict(word.split("=") for word in self.cards.order("pinpad-status", reader).split())

    def assert_structure(self, fields, template):
        self.assertEqual(self.pin_pad()["structure"], fields.replace(" ", "") + template)


class Entry(PinTest):
    def test_verify(self):
        for kind, base in (DIRECT, ("direct", CYBERJACK), KEYS, ("keys", LIBCCID),
                           ("keys-without-abort", OTHER), ("both", CYBERJACK)):
            session = self.session_with(kind, base)
            self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
            self.assertEqual(self.enter(session, "12345678e"), "9000")
            self.assert_structure(VERIFY_STRUCTURE, VERIFY)
            self.assertEqual(session.transmit(IS_VERIFIED), VERIFIED)
            self.assertEqual(self.enter(session, "1234567e"), "63C2")
            self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
            self.assertEqual(self.pin_pad()["aborted"], "0")
            session.close()

    def test_modify(self):
        for kind, base in (DIRECT, KEYS):
            session = self.session_with(kind, base)
            self.assertEqual(self.enter(session, "12345678e87654321e87654321e", method="ModifyPin"),
                             "9000")
            self.assert_structure(MODIFY_STRUCTURE, MODIFY)
            self.assertEqual(self.enter(session, "87654321e"), "9000")
            self.assertEqual(self.enter(session, "11111111e12345678e12345678e",
                                        method="ModifyPin"), "63C2")
            self.assertEqual(self.enter(session, "87654321e12345678e", method="ModifyPin",
                                        pin_format={"confirm_new": False}), "9000")
            self.assertEqual(self.enter(
                session, "12345678e", method="ModifyPin", template="0024018008" + "FF" * 8,
                pin_format={"confirm_new": False, "ask_current": False}), "9000")
            session.close()

    def test_signals(self):
        session = self.session_with(*KEYS)
        self.enter(session, "12b2x345678e")
        started, *keys, ended = self.signals(session)
        self.assertEqual((started, ended), (("PinEntryStarted", True), ("PinEntryEnded",)))
        self.assertEqual([key for _, key in keys], ["digit", "digit", "backspace"]
                         + ["digit"] * 7 + ["enter"])
        session.close()
        for kind, base, count in (("direct", LIBCCID, 0), ("keys-without-abort", OTHER, 9)):
            session = self.session_with(kind, base)
            self.enter(session, "12345678e")
            started, *keys, ended = self.signals(session)
            self.assertEqual((started, ended), (("PinEntryStarted", False), ("PinEntryEnded",)))
            self.assertEqual(len(keys), count)
            session.close()

    def test_reply_comes_after_the_end(self):
        """The signals come from another thread of the service than most replies."""
        for kind in (DIRECT, KEYS):
            session = self.session_with(*kind)
            for keys in ("12345678e", "c") * ROUNDS:
                seen = []
                call = self.send(session)
                call.on_done = lambda: seen.extend(self.signals(session))
                self.wait_for_start(session)
                self.press(keys)
                events.wait_until(lambda: call.is_done, "the reply")
                self.assertEqual(seen[-1], ("PinEntryEnded",))
                session.client.signals.clear()
            session.close()

    def test_signals_are_for_the_owner(self):
        other = self.client()
        other.manager("Available")
        session = self.session_with(*KEYS)
        self.enter(session, "12345678e")
        other.manager("Available")
        self.assertEqual([s for s in other.signals if s.member.startswith("Pin")], [])

    def test_status_words_of_the_reader(self):
        for kind in (DIRECT, KEYS):
            session = self.session_with(*kind)
            for keys, method, error in (
                    ("12t", "VerifyPin", "PinTimeout"), ("t", "ModifyPin", "PinTimeout"),
                    ("c", "VerifyPin", "PinCancelled"), ("12345678e12c", "ModifyPin",
                                                         "PinCancelled"),
                    ("a", "VerifyPin", "PinCancelled"),
                    ("12345678e11112222e11112221e", "ModifyPin", "PinMismatch"),
                    ("123e", "VerifyPin", "PinLength"), ("123456789e", "VerifyPin", "PinLength")):
                call = self.send(session, method)
                self.press(keys)
                with self.assertRaises(Refused) as caught:
                    call.wait()
                self.assertEqual(caught.exception.name, error)
                self.assertIn("(status word 640", caught.exception.message)
                self.assertEqual(self.pin_pad()["active"], "0")
            self.assertEqual(session.transmit(SELECT), "9000")
            session.close()

    def test_status_words_of_the_card(self):
        """Cards may send the same ones; others are responses."""
        session = self.session_with(*DIRECT)
        for status, error in (("6400", "PinTimeout"), ("6403", "PinLength"), ("6404", None),
                              ("6983", None), ("6B80", None)):
            call = self.send(session, template="8014" + status + "08" + "FF" * 8)
            self.press("12345678e")
            if error:
                self.assertEqual(call.error(), error)
            else:
                self.assertEqual(call.wait().hex().upper(), status)

    def test_no_pin_pad(self):
        for kind, base in (("none", LIBCCID), ("direct", "42000DA6")):  # there, verify is an escape
            session = self.session_with(kind, base)
            if kind == "direct":
                self.cards.order("control", "A", "42000D48", "060442000001")
            call = self.send(session)
            self.assert_refused("NoPinPad", call)
            self.assertEqual(self.signals(session), [])
            session.close()
        self.cards.order("control", "A", "42000D48", "none")
        self.assert_refused("NoPinPad", self.send(self.session(), "ModifyPin"))

    def test_codes_with_another_meaning_are_not_used(self):
        self.cards.order("control", "A", "42000001", "9000")
        for records in ("060442000001", "060442000D48", "060442000E11",
                        "060442330006130442330006", "060442330006070442330006"):
            self.cards.order("control", "A", "42330006", "9000")
            self.cards.order("control", "A", "42000D48", records)
            self.assert_refused("NoPinPad", self.send(self.session()))

    def test_driver_that_fails(self):
        for kind in (DIRECT, KEYS):
            session = self.session_with(*kind)
            self.cards.order("fail", "A", 1)
            self.assert_refused("NotTransacted", self.send(session))
            session.close()
        session = self.session_with(*KEYS)
        call = self.send(session)
        self.wait_for_start(session)
        self.wait_until_in_reader()
        self.cards.order("fail", "A", 1)
        self.assert_refused("NotTransacted", call)
        self.assertEqual(self.pin_pad()["aborted"], "1")
        self.assertEqual(self.signals(session)[-1], ("PinEntryEnded",))


class Format(PinTest):
    """Each byte of the structure, and what the card receives."""

    def test_fields(self):
        session = self.session_with(*DIRECT)
        for pin_format, structure, keys, data in (
                ({"encoding": "bcd", "min_length": 0, "max_length": 16},
                 "0000 81 08 00 1000 02 FF 0904 00 000000 0D000000", "123456e", "123456FFFFFFFFFF"),
                ({"encoding": "binary", "justification": "right"},
                 "0000 84 08 00 0804 02 FF 0904 00 000000 0D000000", "1234e", "FFFFFFFF01020304"),
                ({"pin_bit_offset": 8, "block_length": 7, "length_bit_size": 4,
                  "length_bit_offset": 4, "encoding": "bcd"},
                 "0000 89 47 04 0804 02 FF 0904 00 000000 0D000000", "12345e", "F512345FFFFFFFFF"),
                ({"pin_bit_offset": 4, "block_length": 2, "max_length": 4, "encoding": "bcd",
                  "length_bit_size": 8, "length_bit_offset": 56},
                 "0000 21 82 17 0404 02 FF 0904 00 000000 0D000000", "1234e", "F1234FFFFFFFFF04"),
                ({"completion": ["max-length"], "min_length": 6, "max_length": 6},
                 "0000 82 08 00 0606 01 FF 0904 00 000000 0D000000", "123456", "313233343536FFFF"),
                ({"completion": ["timeout", "key"], "entry_timeout_s": 30, "key_timeout_s": 255},
                 "1EFF 82 08 00 0804 06 FF 0904 00 000000 0D000000", "1234t", "31323334FFFFFFFF"),
                ({"messages": numbers(), "language": 0x0407, "charset": "numeric"},
                 "0000 82 08 00 0804 02 00 0704 00 000000 0D000000", "1234e", "31323334FFFFFFFF"),
                ({"messages": numbers(255)},
                 "0000 82 08 00 0804 02 01 0904 FF 000000 0D000000", "1234e", "31323334FFFFFFFF")):
            answer = self.enter(session, keys, template=ECHO, pin_format=pin_format)
            self.assert_structure(structure, ECHO)
            self.assertEqual(answer, data + "9000")

    def test_block_as_long_as_the_pin(self):
        session = self.session_with(*DIRECT)
        self.assertEqual(self.enter(session, "12345678e", template="0020008000",
                                    pin_format={"block_length": 0}), "9000")

    def test_fields_of_modify(self):
        session = self.session_with(*DIRECT)
        for pin_format, structure, keys, data in (
                ({"current_offset": 8, "new_offset": 0, "messages": numbers(1, 2)},
                 "0000 82 08 00 08 00 0804 03 02 02 0904 01 02 00 000000 15000000",
                 "1234e5678e5678e", "35363738FFFFFFFF31323334FFFFFFFF"),
                ({"confirm_new": False, "messages": numbers(7, 8, 9)},
                 "0000 82 08 00 00 08 0804 02 02 03 0904 07 08 09 000000 15000000",
                 "1234e5678e", "31323334FFFFFFFF35363738FFFFFFFF"),
                ({"ask_current": False, "pin_bit_offset": 16},
                 "0000 92 08 00 00 00 0804 01 02 FF 0904 01 02 00 000000 15000000",
                 "1234e1234e", "FFFF31323334FFFFFFFFFFFFFFFFFFFF"),
                ({"ask_current": False, "confirm_new": False, "new_offset": 3},
                 "0000 82 08 00 00 03 0804 00 02 FF 0904 01 00 00 000000 15000000",
                 "1234e", "FFFFFF31323334FFFFFFFFFFFFFFFFFF")):
            template = "8010000010" + "FF" * 16
            answer = self.enter(session, keys, method="ModifyPin", template=template,
                                pin_format=pin_format)
            self.assert_structure(structure, template)
            self.assertEqual(answer, data + "9000")

    def test_completion_without_the_key_in_an_entry_by_keys(self):
        session = self.session_with(*KEYS)
        pin_format = {"completion": ["max-length"], "min_length": 8}
        self.assertEqual(self.enter(session, "12345678", pin_format=pin_format), "9000")
        self.assertEqual(self.enter(session, "123456788765432187654321", method="ModifyPin",
                                    pin_format=pin_format), "9000")
        self.assertEqual(self.enter(session, "87654321t", pin_format={"completion": ["timeout"]}),
                         "9000")

    def test_values_out_of_range(self):
        session = self.session_with(*DIRECT)
        most = 0xFFFFFFFF
        for pin_format, words in (
                ({"charset": "alphanumeric"}, 'of "charset": supported are "numeric"'),
                ({"encoding": "utf-8"}, '"ascii", "bcd", "binary"'),
                ({"encoding": "x" * 4000}, '"encoding"'),
                ({"justification": ""}, '"justification"'),
                ({"completion": []}, '"completion"'),
                ({"completion": ["key", "never"]}, '"completion"'),
                ({"max_length": 0}, '"max-length" is 0, but must be 1 to 255'),
                ({"max_length": 256}, '"max-length"'), ({"min_length": 9}, '"min-length"'),
                ({"max_length": 9}, "room for 8 digits"),
                ({"max_length": 17, "encoding": "bcd"}, "room for 16 digits"),
                ({"block_length": 16}, '"block-length"'),
                ({"block_length": most}, '"block-length"'),
                ({"length_bit_size": 16}, '"length-bit-size"'),
                ({"length_bit_offset": 17}, '"length-bit-offset"'),
                ({"pin_bit_offset": 128}, '"pin-bit-offset"'),
                ({"pin_bit_offset": most}, '"pin-bit-offset"'),
                ({"pin_bit_offset": 1}, "would not fit into the 8 data bytes"),
                ({"length_bit_size": 1, "length_bit_offset": 64}, "would not fit"),
                ({"entry_timeout_s": 256}, '"entry-timeout-s"'),
                ({"key_timeout_s": most}, '"key-timeout-s"'), ({"language": 65536}, '"language"'),
                ({"messages": numbers(1, 2)}, '"messages" has 2 numbers, but may have 1'),
                ({"messages": numbers(*range(1000))}, '"messages"'),
                ({"messages": numbers(256)}, '"messages"'),
                ({"messages": GLib.Variant("ay", [1])}, "type ay"),
                ({"min_length": "4"}, "type s"), ({"new_offset": 8}, "unknown option"),
                ({"pin": "1234"}, 'unknown option "pin"')):
            with self.assertRaises(Refused, msg=pin_format) as caught:
                self.send(session, pin_format=pin_format).wait()
            self.assertEqual(caught.exception.name, "InvalidArgs")
            self.assertIn(words, caught.exception.message)
            self.assertLess(len(caught.exception.message), 600)
        for pin_format in ({"current_offset": 256}, {"new_offset": most}, {"new_offset": 9},
                           {"current_offset": most}, {"block_length": 9, "max_length": 9},
                           {"messages": numbers(1, 2, 3, 4)}):
            self.assert_refused("InvalidArgs", self.send(session, "ModifyPin",
                                                         pin_format=pin_format))
        for template in ("00200080", "00" * 262, "0020008008" + "FF" * 7):
            self.assert_refused("InvalidArgs", self.send(session, template=template))
        self.assert_refused("InvalidArgs", session.send("VerifyPin", hex_data(""), options(),
                                                        options()))
        self.assert_refused("InvalidArgs", self.send(session, follow=True))
        self.assertEqual(self.pin_pad()["started"], "0")


class Bounds(PinTest):
    """An entry of minutes disturbs nobody else, and ends with its caller if that is possible."""

    def begin_entry(self, kind, **more):
        session = self.session_with(*kind)
        call = self.send(session, **more)
        self.assertEqual(self.wait_for_start(session), kind == KEYS)
        self.wait_until_in_reader()
        return session, call

    def wait_until_over(self):
        self.cards.wait_for("A", "active=0", command="pinpad-status")

    def test_cancelled(self):
        session, call = self.begin_entry(KEYS, call_id="pin")
        session.client.ask(ROOT, MANAGER, "CancelCall", "pin")
        self.assert_refused("Cancelled", call)
        self.wait_until_over()
        self.assertEqual(self.pin_pad()["aborted"], "1")
        session.client.wait_for_signal("PinEntryEnded", session.path)
        self.assertEqual(session.transmit(SELECT), "9000")

    def test_cancelled_but_direct(self):
        """The call ends, and the entry goes on; its result is dropped."""
        session, call = self.begin_entry(DIRECT, call_id="pin")
        session.client.ask(ROOT, MANAGER, "CancelCall", "pin")
        self.assert_refused("Cancelled", call)
        self.assertEqual(self.pin_pad()["active"], "1")
        next_call = session.send_transmit(IS_VERIFIED)
        self.assertEqual(self.signals(session), [("PinEntryStarted", False)])
        self.press("12345678e")
        self.assertEqual(next_call.wait().hex(), VERIFIED)
        session.client.wait_for_signal("PinEntryEnded", session.path)

    def test_time_limit(self):
        for kind in (KEYS, DIRECT):
            session, call = self.begin_entry(kind, timeout_ms=1000)
            with self.assertRaises(Refused) as caught:
                call.wait()
            self.assertEqual(caught.exception.name, "Timeout")
            self.assertIn("sent, result unknown", caught.exception.message)
            if kind == DIRECT:
                self.press("c")
            self.wait_until_over()
            self.assertEqual(session.transmit(SELECT), "9000")
            session.close()

    def test_no_time_limit_of_its_own(self):
        """Waiting is limited, an entry is not."""
        self.testbed.stop_service()
        with open(os.path.join(self.testbed.folder, "smartcardd.conf"), "w",
                  encoding="utf-8") as file:
            file.write("[Limits]\nWaitLimitSec=1\n")
        self.testbed.start_service("--config",
                                   os.path.join(self.testbed.folder, "smartcardd.conf"))
        for kind in (KEYS, DIRECT):
            other = self.session()
            session, call = self.begin_entry(kind)
            self.assert_refused("Timeout", other.send_transmit(SELECT))
            self.press("12345678e")
            self.assertEqual(call.wait().hex(), "9000")
            session.close()
            other.close()

    def test_does_not_wait(self):
        holder, session = self.session(), self.session_with(*KEYS)
        holder.begin()
        self.assert_refused("Timeout", self.send(session, timeout_ms=0))
        self.assertEqual(self.signals(session), [])
        holder.end()
        self.assertEqual(self.enter(session, "12345678e", timeout_ms=0), "9000")

    def test_session_closes(self):
        for kind in (KEYS, DIRECT):
            session, call = self.begin_entry(kind)
            closing = session.send("Close", "leave")
            self.assert_refused("Cancelled", call)
            if kind == DIRECT:
                self.press("12345678e")
            closing.wait()
            self.assertEqual(self.pin_pad()["aborted"], "1" if kind == KEYS else "0")

    def test_owner_leaves(self):
        """No verified PIN stays behind."""
        for kind in (KEYS, DIRECT):
            session, _call = self.begin_entry(kind)
            self.leave(session.client)
            if kind == DIRECT:
                self.press("12345678e")
            self.wait_until_over()
            other = self.session()
            self.assertEqual(other.transmit(IS_VERIFIED), NOT_VERIFIED)
            other.close()

    def test_card_is_pulled(self):
        for kind in (KEYS, DIRECT):
            session, call = self.begin_entry(kind)
            self.cards.remove("A")
            self.assert_refused("RemovedCard", call)
            self.assertEqual(self.signals(session)[-1], ("PinEntryEnded",))
            session.close()
            since = len(session.client.signals)
            self.cards.insert("A")
            session.client.wait_for_signal("CardInserted", since=since)

    def test_reset_by_another_program(self):
        """A PIN is not asked for a card that is not the same any more."""
        session = self.session_with(*KEYS)
        program = self.pcsc_client()
        program.do("connect", "shared", self.pcsc_name())
        program.do("disconnect", "reset")
        self.assert_refused("ResetCard", self.send(session))
        self.assertEqual(self.signals(session), [])

    def test_service_stops(self):
        for kind in (KEYS, DIRECT):
            _session, call = self.begin_entry(kind)
            self.testbed.service.send_signal(signal.SIGTERM)
            self.assert_refused("Shutdown", call)
            if kind == DIRECT:
                self.press("c")
            self.assertEqual(self.testbed.service.wait(), 0)
            self.wait_until_over()
            self.testbed.start_service()

    def test_other_readers_and_the_watch(self):
        session, call = self.begin_entry(DIRECT)
        other = self.session("B")
        self.assertEqual(other.transmit(SELECT), "9000")
        since = len(other.client.signals)
        self.cards.remove("B")
        other.client.wait_for_signal("CardRemoved", since=since)
        self.cards.insert("B")
        other.client.wait_for_signal("CardInserted", since=since)
        self.assertEqual(self.session("B").transmit(SELECT), "9000")
        self.press("12345678e")
        self.assertEqual(call.wait().hex(), "9000")
        self.assertEqual(session.transmit(IS_VERIFIED), VERIFIED)

    def test_transaction(self):
        """Others wait; a transaction of the session stays."""
        for kind in (KEYS, DIRECT):
            other = self.session()
            session = self.session_with(*kind)
            session.begin()
            call = self.send(session)
            self.wait_for_start(session)
            waiting = other.send_transmit(IS_VERIFIED)
            self.press("12345678e")
            self.assertEqual(call.wait().hex(), "9000")
            self.assertTrue(session.get("InTransaction"))
            self.assertFalse(waiting.is_done)
            session.end()
            self.assertEqual(waiting.wait().hex(), VERIFIED)
            session.close("reset")
            other.close()

    def test_transaction_that_is_over_the_limit_ends_after_the_entry(self):
        self.testbed.stop_service()
        config = os.path.join(self.testbed.folder, "smartcardd.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("[Transactions]\nTotalLimitSec=1\n")
        self.testbed.start_service("--config", config)
        other = self.session()
        session = self.session_with(*KEYS)
        session.begin()
        call = self.send(session)
        self.wait_for_start(session)
        self.assert_refused("Timeout", other.send_transmit(SELECT, timeout_ms=1500))
        waiting = other.send_transmit(IS_VERIFIED)
        self.assertTrue(session.get("InTransaction"))
        self.press("12345678e")
        self.assertEqual(call.wait().hex(), "9000")
        self.assert_refused("ResetCard", waiting)
        self.assert_refused("ResetCard", session.send_transmit(SELECT))

    def test_another_program_waits_for_the_entry(self):
        session, call = self.begin_entry(KEYS)
        program = self.pcsc_client()
        program.send("connect", "shared", self.pcsc_name())
        program.send("transmit", IS_VERIFIED)
        self.press("12345678e")
        self.assertEqual(call.wait().hex(), "9000")
        self.assertEqual(program.answer(), ("ok", ""))
        self.assertEqual(program.answer(), ("ok", VERIFIED))
        self.assertEqual(session.transmit(IS_VERIFIED), VERIFIED)


if __name__ == "__main__":
    case.main()
