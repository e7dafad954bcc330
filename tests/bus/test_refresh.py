#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reader.Refresh: publishes changes that other PC/SC programs have made."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.sessions import ATR, SessionTest
from scdtest.clients.client import options
from scdtest.clients.recorder import MANAGER, READER, ROOT
from scdtest.testbed.faults import Faults

SHARED, EXCLUSIVE = 0x100, 0x80


class RefreshTest(SessionTest):
    readers = "AB"

    def setUp(self):
        super().setUp()
        self.start("[Limits]\nWaitersPerUser=40\n")
        self.user = self.client()
        self.a = self.user.reader("Reader A")
        self.b = self.user.reader("Reader B")

    def refresh(self, path=None):
        return self.user.send(path or self.a, READER, "Refresh")

    def state(self):
        values = self.user.call(self.a, "org.freedesktop.DBus.Properties", "GetAll",
                                self.interface())[0]
        return values["InUse"], values["Exclusive"], values["State"] & (SHARED | EXCLUSIVE)

    def interface(self):
        return GLib.Variant("(s)", (READER,))

    def changed_by_refresh(self, path=None):
        """Returns the properties whose changes were announced before the reply."""
        del self.user.signals[:]
        call, seen = self.refresh(path), []
        call.on_done = lambda: seen.extend(self.user.signals)
        self.assertIsNone(call.wait())
        return [(event.member, event.path) for event in seen]


class Refresh(RefreshTest):
    def test_nothing_changed(self):
        self.assertEqual(self.changed_by_refresh(), [])
        self.assertEqual(self.state(), (False, False, 0))

    def test_other_programs_connections(self):
        other = self.pcsc_client()
        for mode, expected in (("shared", (True, False, SHARED)),
                               ("exclusive", (True, True, EXCLUSIVE))):
            other.do("connect", mode, self.pcsc_name())
            self.assertEqual(self.changed_by_refresh(), [("PropertiesChanged", self.a)])
            self.assertEqual(self.state(), expected)
            other.do("disconnect", "leave")
            self.assertEqual(self.changed_by_refresh(), [("PropertiesChanged", self.a)])
            self.assertEqual(self.state(), (False, False, 0))

    def test_all_readers_are_refreshed(self):
        self.pcsc_client().do("connect", "shared", self.pcsc_name("A"))
        self.assertEqual(self.changed_by_refresh(self.b), [("PropertiesChanged", self.a)])

    def test_many_calls_at_once(self):
        other = self.pcsc_client()
        for number in range(20):
            calls = [self.refresh() for _ in range(20)]
            other.do(*(("disconnect", "leave") if number % 2
                       else ("connect", "shared", self.pcsc_name())))
            calls += [self.refresh() for _ in range(20)]
            for call in calls:
                self.assertIsNone(call.wait())
            self.assertEqual(self.state()[0], number % 2 == 0)

    def test_refresh_between_insertions(self):
        """The monitor still sees insertions after each refresh."""
        for number in range(50):
            since = len(self.user.signals)
            calls = [self.refresh()]
            self.cards.swap("A", ATR)
            calls.append(self.refresh(self.b))
            self.user.wait_for_signal("CardInserted", self.a, since)
            for call in calls:
                call.wait()
        card, = [path for path, values in self.user.cards().items() if values["Reader"] == self.a]
        self.assertEqual(self.user.get(self.a, READER, "Card"), card)

    def test_limit(self):
        waits = [self.user.send(ROOT, MANAGER, "WaitForCard", self.new_card()) for _ in range(40)]
        self.user.manager("Version")
        self.assert_refused("LimitsExceeded", self.refresh())
        self.cards.swap("A", ATR)
        for call in waits:
            call.wait()
        self.assertIsNone(self.refresh().wait())

    def new_card(self):
        return options(new=True)

    def test_pcscd_hangs_and_is_killed(self):
        """No reader is left then; its removal is announced before the reply."""
        self.user.manager("Version")
        self.testbed.pcscd.send_signal(signal.SIGSTOP)
        calls = [self.refresh() for _ in range(3)]
        self.user.manager("Version")
        self.assertFalse(any(call.is_done for call in calls))
        self.testbed.stop_pcscd(signal.SIGKILL)
        for call in calls:
            self.assertIsNone(call.wait())
        self.assertEqual(self.user.readers(), {})
        self.start_pcscd()
        self.user.wait_for_state(lambda c: len(c.readers()) == 2, "the readers are back")
        self.assertIsNone(self.refresh().wait())

    def test_service_stops(self):
        """The service stops even while pcscd does not respond."""
        self.testbed.pcscd.send_signal(signal.SIGSTOP)
        call = self.refresh()
        self.user.manager("Version")
        self.testbed.service.send_signal(signal.SIGTERM)
        self.assert_refused("Shutdown", call)
        self.assertEqual(self.testbed.service.wait(), 0)
        self.testbed.pcscd.send_signal(signal.SIGCONT)


class RefreshWithFaults(RefreshTest):
    """Cases that need faults injected into libpcsclite."""

    def start(self, settings):
        self.faults = Faults(self.testbed)
        super().start(settings, self.faults.environment)

    def test_refresh_that_began_earlier(self):
        """A refresh that has begun does not complete a later call."""
        self.faults.order("look-dwells")
        calls = [self.refresh()]
        self.faults.wait_for("look-dwells")
        self.pcsc_client().do("connect", "shared", self.pcsc_name())
        calls.append(self.refresh())
        self.user.manager("Version")
        self.assertFalse(any(call.is_done for call in calls))
        self.faults.end("look-dwells")
        calls[1].wait()
        self.assertTrue(calls[0].is_done)
        self.assertEqual(self.state(), (True, False, SHARED))

    def test_spurious_failure(self):
        other = self.pcsc_client()
        for fault in ("wait-error", "wait-unknown"):
            self.faults.order(fault)
            for number in range(10):
                other.do(*(("disconnect", "leave") if number % 2
                           else ("connect", "shared", self.pcsc_name())))
                self.refresh().wait()
                self.assertEqual(self.state()[0], number % 2 == 0)
            self.assertTrue(self.faults.happened(fault))
            self.faults.cancel(fault)


if __name__ == "__main__":
    case.main()
