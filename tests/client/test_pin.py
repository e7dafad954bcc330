#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library: PINs that the user enters at the reader."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.glib_library import (DEFAULT, NO_LIMIT, LibraryTest, Smartcardd,
                                        new_cancellable)
from scdtest.cases.sessions import IS_VERIFIED, NOT_VERIFIED, VERIFIED
from scdtest.testbed import events

DIRECT, KEYS, NONE = ("direct", "42330000"), ("keys", "000F0000"), ("none", "42330000")
STARTED, KEY, ENDED = "pin-entry-started", "pin-key-pressed", "pin-entry-ended"


class PinTest(LibraryTest):
    def setUp(self):
        super().setUp()
        self.start_client()
        self.verify = Smartcardd.Command.new_from_hex("0020008008" + "FF" * 8)
        self.modify = Smartcardd.Command.new_from_hex("0024008010" + "FF" * 16)
        self.format = Smartcardd.PinFormat.new(Smartcardd.PinEncoding.ASCII, 4, 8)
        self.format.set_property("field-length", 8)

    def session_with(self, kind, base):
        self.cards.order("pinpad", "A", kind, base)
        session = self.connect()
        self.seen = []
        for name in (STARTED, KEY, ENDED):
            session.connect(name, lambda _session, *given, name=name: self.seen.append((name, *given)))
        return session

    def start_entry(self, session, method=None, cancellable=None):
        """Returns the call, when the reader waits for keys."""
        del self.seen[:]
        method, command = ((session.modify_pin_async, self.modify) if method == "modify" else
                           (session.verify_pin_async, self.verify))
        call = self.start_call(method, command, self.format, NO_LIMIT, cancellable)
        events.wait_until(lambda: self.seen, "the entry starts")
        return call

    def press(self, keys):
        self.cards.order("press", "A", keys)

    def enter(self, session, keys, method="verify"):
        """Returns the status word."""
        call = self.start_entry(session, method)
        self.press(keys)
        finish = session.modify_pin_finish if method == "modify" else session.verify_pin_finish
        succeeded, status_word = finish(call.wait()[1])
        self.assertTrue(succeeded)
        return status_word

    def pin_pad(self):
        return dict(word.split("=") for word in self.cards.order("pinpad-status", "A").split())


class Entries(PinTest):
    def test_verify(self):
        for kind in (DIRECT, KEYS):
            session = self.session_with(*kind)
            self.assertEqual(self.transmit(session, IS_VERIFIED), NOT_VERIFIED)
            self.assertEqual(self.enter(session, "12345678e"), 0x9000)
            self.assertEqual(self.transmit(session, IS_VERIFIED), VERIFIED)
            self.assertEqual(self.enter(session, "1234567e"), 0x63C2)

    def test_options_and_response(self):
        """All keys of the service; and a response that has data, here that of the command."""
        session = self.session_with(*DIRECT)
        self.verify = Smartcardd.Command.new_from_hex("8010000008" + "FF" * 8)
        self.format = Smartcardd.PinFormat.new_from_options(GLib.Variant("a{sv}", {
            "encoding": GLib.Variant("s", "bcd"), "pin-bit-offset": GLib.Variant("u", 4),
            "block-length": GLib.Variant("u", 2), "max-length": GLib.Variant("u", 4),
            "completion": GLib.Variant("as", ["key", "timeout"]),
            "messages": GLib.Variant("au", [0]), "language": GLib.Variant("u", 1031)}))
        call = self.start_entry(session)
        self.press("1234e")
        response = session.finish_pin_entry(call.wait()[1]).get_data().hex().upper()
        self.assertRegex(response, "^F1234F.*9000$")
        self.format = Smartcardd.PinFormat.new_from_options(GLib.Variant("a{sv}", {
            "colour": GLib.Variant("s", "red")}))
        self.assert_error(Smartcardd.Error.INVALID_ARGS, "colour", session.verify_pin, self.verify,
                          self.format, NO_LIMIT, None)

    def test_modify(self):
        session = self.session_with(*KEYS)
        self.assertEqual(self.enter(session, "12345678e87654321e87654321e", "modify"), 0x9000)
        self.assertEqual(self.enter(session, "87654321e"), 0x9000)
        self.format.set_property("confirm-new", False)
        self.format.set_property("new-offset", 8)
        self.assertEqual(self.enter(session, "87654321e12345678e", "modify"), 0x9000)
        self.format.set_property("ask-current", False)
        self.modify = Smartcardd.Command.new_from_hex("0024018008" + "FF" * 8)
        self.format.set_property("new-offset", -1)
        self.assertEqual(self.enter(session, "12345678e", "modify"), 0x9000)

    def test_format(self):
        """Each property arrives: as in PIN_MODIFY of PC/SC part 10."""
        session = self.session_with(*DIRECT)
        for name, value in (("encoding", Smartcardd.PinEncoding.BCD), ("min-length", 5),
                            ("max-length", 6), ("field-length", 4), ("offset", 2),
                            ("justify-right", True), ("current-offset", 1), ("new-offset", 9)):
            self.format.set_property(name, value)
        self.enter(session, "123456e123456e123456e", "modify")
        # bmFormatString, bmPINBlockString, bmPINLengthFormat, offsets, wPINMaxExtraDigit
        self.assertEqual(self.pin_pad()["structure"][4:18], "95" "04" "00" "0109" "0605")

    def test_signals(self):
        session = self.session_with(*KEYS)
        self.enter(session, "12b2x345678e")
        keys = ["digit", "digit", "backspace"] + ["digit"] * 7 + ["enter"]
        self.assertEqual(self.seen, [(STARTED, True), *((KEY, key) for key in keys), (ENDED,)])
        session = self.session_with(*DIRECT)
        self.enter(session, "12345678e")
        self.assertEqual(self.seen, [(STARTED, False), (ENDED,)])

    def test_synchronous(self):
        session = self.session_with(*DIRECT)
        self.press("12345678e")
        self.assertEqual(session.verify_pin(self.verify, self.format, NO_LIMIT, None),
                         (True, 0x9000))
        self.press("12345678e12345678e12345678e")
        self.assertEqual(session.modify_pin(self.modify, self.format, NO_LIMIT, None),
                         (True, 0x9000))


class Ends(PinTest):
    def test_user(self):
        session = self.session_with(*KEYS)
        for keys, method, code in (
                ("12t", "verify", Smartcardd.Error.PIN_TIMEOUT),
                ("c", "verify", Smartcardd.Error.PIN_CANCELLED),
                ("123e", "verify", Smartcardd.Error.PIN_LENGTH),
                ("12345678e11112222e11112221e", "modify", Smartcardd.Error.PIN_MISMATCH)):
            self.assert_error(code, "status word 640", self.enter, session, keys, method)

    def test_cancelled(self):
        """The reader ends the entry, and the session can be used."""
        session = self.session_with(*KEYS)
        for method in ("verify", "modify"):
            cancellable = new_cancellable()
            call = self.start_entry(session, method, cancellable)
            self.cards.wait_for("A", "active=1", command="pinpad-status")
            self.press("12")
            cancellable.cancel()
            finish = session.modify_pin_finish if method == "modify" else session.verify_pin_finish
            self.assert_error(Smartcardd.Error.CANCELLED, "", finish, call.wait()[1])
            events.wait_until(lambda: self.seen[-1] == (ENDED,), "the entry ends")
            self.assertEqual(self.pin_pad()["active"], "0")
        self.assertEqual(self.enter(session, "12345678e"), 0x9000)

    def test_cancelled_before(self):
        session = self.session_with(*KEYS)
        cancellable = new_cancellable()
        cancellable.cancel()
        self.assert_error(Smartcardd.Error.CANCELLED, "not sent", session.verify_pin, self.verify,
                          self.format, DEFAULT, cancellable)
        self.assertEqual(self.pin_pad()["active"], "0")

    def test_no_pin_pad(self):
        session = self.session_with(*NONE)
        for method, command in ((session.verify_pin, self.verify), (session.modify_pin, self.modify)):
            self.assert_error(Smartcardd.Error.NO_PIN_PAD, "", method, command, self.format, DEFAULT,
                              None)


if __name__ == "__main__":
    case.main()
