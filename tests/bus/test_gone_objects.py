#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls on objects that go while the calls are on their way, or that never were."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

from scdtest.cases import case
from scdtest.cases.sessions import ATR, SELECT, SessionTest
from scdtest.clients.client import SESSION, Refused
from scdtest.clients.recorder import CARD, NAME, PROPERTIES, READER
from scdtest.testbed import events

ROUNDS, CALLS = 10, 30
SESSIONS = "/org/smartcardd1/sessions"
OTHER = "org.freedesktop.DBus.ObjectManager"  # of the root only


class GoneObjectsTest(SessionTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.user = self.client()

    def outcomes(self, calls):
        """The names of the errors of these calls; None for success."""
        names = set()
        for call in calls:
            try:
                call.wait()
                names.add(None)
            except Refused as refused:
                names.add(refused.name)
        return names


class Races(GoneObjectsTest):
    """GDBus accepts calls in its own thread, before the main thread removes the object."""

    def send_to_session(self, session):
        return [session.send("GetStatus"), session.send_transmit(SELECT),
                self.user.send(session.path, PROPERTIES, "GetAll", SESSION),
                self.user.send(session.path, PROPERTIES, "Get", SESSION, "Card")]

    def test_calls_after_close(self):
        for _ in range(ROUNDS):
            session = self.user.connect(self.user.reader("Reader A"))
            close = session.send("Close", "leave")
            calls = [call for _ in range(CALLS) for call in self.send_to_session(session)]
            close.wait()
            self.assertEqual(self.outcomes(calls), {"InvalidHandle"})

    def test_session_closed_by_root(self):
        for _ in range(ROUNDS):
            session = self.user.connect(self.user.reader("Reader A"))
            calls = self.send_to_session(session)
            self.user.send("/org/smartcardd1", NAME + ".Manager", "CloseSession",
                           GLib.Variant("o", session.path))
            calls += [call for _ in range(CALLS) for call in self.send_to_session(session)]
            self.assertLessEqual(self.outcomes(calls), {None, "Cancelled", "InvalidHandle"})

    def ask_until_it_is_gone(self, path, interface):
        calls = []

        def is_gone():
            calls.extend(self.user.send(path, PROPERTIES, "GetAll", interface)
                         for _ in range(CALLS))
            return self.outcomes(calls[-1:]) != {None}

        events.poll_until(is_gone, f"{path} goes")
        return self.outcomes(calls) - {None}

    def test_card_removed(self):
        reader = self.user.reader("Reader A")
        for _ in range(ROUNDS):
            card = self.user.get(reader, READER, "Card")
            since = len(self.user.signals)
            self.cards.swap("A", ATR)
            self.assertEqual(self.ask_until_it_is_gone(card, CARD), {"RemovedCard"})
            self.user.wait_for_signal("CardInserted", since=since)

    def test_reader_removed(self):
        reader = self.user.reader("Reader A")
        self.testbed.pcscd.send_signal(signal.SIGTERM)
        self.assertEqual(self.ask_until_it_is_gone(reader, READER), {"UnknownObject"})


class Answers(GoneObjectsTest):
    def test_reason(self):
        session = self.user.connect(self.user.reader("Reader A"))
        session.close()
        for caller, words in ((self.user, "is closed: Close was called"),
                              (self.client(), "is closed")):
            with self.assertRaises(Refused) as caught:
                caller.ask(session.path, SESSION, "GetStatus")
            self.assertEqual(caught.exception.name, "InvalidHandle")
            self.assertTrue(caught.exception.message.endswith(words), caught.exception.message)

    def test_any_call(self):
        """Also with a method that no object has, and with arguments that the method does not take."""
        session = self.user.connect(self.user.reader("Reader A"))
        card = session.get("Card")
        session.close()
        since = len(self.user.signals)
        self.cards.swap("A", ATR)
        self.user.wait_for_signal("CardInserted", since=since)
        for path, interface, error, words in (
                (session.path, SESSION, "InvalidHandle", "Close was called"),
                (card, CARD, "RemovedCard", "was removed")):
            for used, method, arguments in (
                    (interface, "NoMethod", []), (interface, "NoMethod", [1, "x"]),
                    (interface, "Transmit", [1, 2, 3]), (interface, "Transmit", []),
                    (PROPERTIES, "NoMethod", []), (PROPERTIES, "Get", [interface, "NoProperty"]),
                    (PROPERTIES, "Get", [interface]), (OTHER, "NoMethod", [])):
                with self.subTest(f"{used}.{method}{arguments} of {path}"):
                    with self.assertRaises(Refused) as caught:
                        self.user.ask(path, used, method, *arguments)
                    self.assertEqual(caught.exception.name, error)
                    self.assertIn(words, caught.exception.message)

    def test_other_interfaces(self):
        session = self.user.connect(self.user.reader("Reader A"))
        card = self.user.get(self.user.reader("Reader A"), READER, "Card")
        for path in (session.path, card, "/org/freedesktop/LogControl1"):
            with self.subTest(path):
                self.assertEqual(self.user.send(path, OTHER, "X").error(), "UnknownMethod")

    def test_never_there(self):
        for path in ("/", "/nowhere", "/org/freedesktop/LogControl2", SESSIONS + "/1/2"):
            for interface, method in ((OTHER, "GetManagedObjects"), (SESSION, "GetStatus")):
                with self.subTest(path):
                    self.assertEqual(self.user.send(path, interface, method).error(),
                                     "UnknownObject")

    def test_sender_that_wants_no_reply(self):
        """It gets none, and its calls are not counted for ever."""
        for _ in range(2000):
            message = Gio.DBusMessage.new_method_call(NAME, "/nowhere", OTHER, "X")
            message.set_flags(Gio.DBusMessageFlags.NO_REPLY_EXPECTED)
            self.user.connection.send_message(message, Gio.DBusSendMessageFlags.NONE)
        self.user.manager("Available")


if __name__ == "__main__":
    case.main()
