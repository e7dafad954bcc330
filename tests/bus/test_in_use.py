#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""InUse, Exclusive and State of a reader: sessions of the service count at once."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.sessions import SELECT, SessionTest
from scdtest.clients.client import options
from scdtest.clients.recorder import PROPERTIES, READER

SHARED, EXCLUSIVE = 0x100, 0x80
FREE, IN_USE, EXCLUDED = (False, False, 0), (True, False, SHARED), (True, True, EXCLUSIVE)


class InUse(SessionTest):
    readers = "AB"

    def setUp(self):
        super().setUp()
        self.start()
        self.user = self.client()
        self.a = self.user.reader("Reader A")

    def state(self, path=None):
        values = self.user.call(path or self.a, PROPERTIES, "GetAll",
                                GLib.Variant("(s)", (READER,)))[0]
        return values["InUse"], values["Exclusive"], values["State"] & (SHARED | EXCLUSIVE)

    def announced(self):
        """Returns what the signals since the last call of this function say at the end."""
        changed = {}
        for event in self.user.signals:
            if event.member == "PropertiesChanged" and event.path == self.a:
                changed.update(event.arguments[1])
        del self.user.signals[:]
        return changed.get("InUse"), changed.get("Exclusive")

    def refresh(self):
        self.user.ask(self.a, READER, "Refresh")

    def test_share_modes(self):
        for mode, expected in (("shared", IN_USE), ("exclusive", EXCLUDED), ("direct", IN_USE)):
            session = self.user.connect(self.a, mode)
            self.assertEqual(self.announced(), (True, True if expected == EXCLUDED else None))
            self.assertEqual(self.state(), expected)
            session.close()
            self.assertEqual(self.state(), FREE)
            self.assertEqual(self.announced(), (False, False if expected == EXCLUDED else None))
        self.assertEqual(self.state(self.user.reader("Reader B")), FREE)

    def test_several_sessions(self):
        sessions = [self.session() for _ in range(3)]
        for session in sessions:
            self.assertEqual(self.state(), IN_USE)
            session.close()
        self.assertEqual(self.state(), FREE)

    def test_reconnect(self):
        """pcscd's state is older: it is read in between."""
        session = self.user.connect(self.a)
        for mode, expected in (("exclusive", EXCLUDED), ("shared", IN_USE), ("exclusive", EXCLUDED)):
            session.reconnect(mode)
            self.assertEqual(self.state(), expected)
            self.refresh()
            self.assertEqual(self.state(), expected)
        session.close()
        self.user.wait_for_state(lambda c: self.state() == FREE, "the reader is free")

    def test_failed_reconnect(self):
        session, _other = self.session(), self.session()
        self.assert_refused("SharingViolation", session.send("Reconnect", "exclusive", [], "leave"))
        self.assertEqual(self.state(), IN_USE)

    def give_up_reconnect(self, session, share_mode):
        """The call ends before pcscd has answered it."""
        self.testbed.pcscd.send_signal(signal.SIGSTOP)
        call = session.send("Reconnect", share_mode, [], "leave", options(timeout_ms=300))
        self.assert_refused("Timeout", call)
        self.testbed.pcscd.send_signal(signal.SIGCONT)

    def test_reconnect_that_was_given_up(self):
        session = self.user.connect(self.a)
        self.give_up_reconnect(session, "exclusive")
        session.transmit(SELECT)
        self.assertEqual(session.get("ShareMode"), "shared")
        self.assertEqual(self.state(), IN_USE)
        self.session().close()

    def test_reconnect_that_was_given_up_confirms_no_reset(self):
        session = self.user.connect(self.a)
        self.session().close("reset")
        self.give_up_reconnect(session, "shared")
        self.assert_refused("ResetCard", session.send_transmit(SELECT))
        session.reconnect()
        session.transmit(SELECT)

    def test_owner_leaves(self):
        session = self.session("A", "exclusive")
        self.assertEqual(self.state(), EXCLUDED)
        self.leave(session.client)
        self.user.wait_for_state(lambda c: self.state() == FREE, "the reader is free")

    def test_status_of_a_session(self):
        session = self.session("A", "exclusive")
        self.assertTrue(session.call("GetStatus")[1] & EXCLUSIVE)

    def test_card_is_removed(self):
        """The session remains connected to the reader."""
        session = self.session()
        self.cards.remove("A")
        self.user.wait_for_signal("CardRemoved")
        self.assertEqual(self.state(), IN_USE)
        session.close()
        self.user.wait_for_state(lambda c: self.state() == FREE, "the reader is free")

    def test_other_programs_remain(self):
        other = self.pcsc_client()
        other.do("connect", "shared", self.pcsc_name())
        session = self.session()
        self.refresh()
        session.close()
        self.assertEqual(self.state(), IN_USE)
        other.do("disconnect", "leave")
        self.user.wait_for_state(lambda c: self.state() == FREE, "the reader is free")


if __name__ == "__main__":
    case.main()
