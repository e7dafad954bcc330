#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A restart of pcscd, a stop of the service and the removal of a card: each is told apart."""

import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.sessions import ATR, SELECT, SessionTest
from scdtest.clients.client import Refused, options
from scdtest.clients.recorder import CARD, MANAGER, READER, REMOVAL, ROOT
from scdtest.testbed import events
from scdtest.testbed.faults import Faults
from scdtest.testbed.testbed import PCSCD_SOCKET

AVAILABLE = "Available"


class Lock:
    """Locks the screen as a program should: when a card is removed while pcscd is available."""

    def __init__(self, client):
        self.is_available = client.manager(AVAILABLE)
        self.locked = []
        client.on_signal = self._handle

    def _handle(self, event):
        if event.member == "PropertiesChanged" and event.arguments[0] == MANAGER:
            self.is_available = event.arguments[1].get(AVAILABLE, self.is_available)
        if event.member == "CardRemoved" and self.is_available:
            self.locked.append(event.arguments[0])


class RestartTest(SessionTest):
    readers = "AB"

    def start(self, settings="", environment=None):
        super().start(settings, environment)
        self.user = self.client()
        self.lock = Lock(self.user)
        self.a = self.user.reader("Reader A")
        self.card = self.user.get(self.a, READER, "Card")

    def wait_for_removal(self, card=None, client=None):
        """Returns when the service has received the call."""
        client = client or self.user
        call = client.send(ROOT, MANAGER, "WaitForRemoval", GLib.Variant("o", card or self.card),
                           options())
        client.manager("Version")
        return call

    def wait_until_away(self):
        self.user.wait_for_state(lambda c: not c.readers() and not c.manager(AVAILABLE),
                                 "pcscd is away")

    def wait_until_back(self):
        self.user.wait_for_state(lambda c: len(c.cards()) == 2, "all is back")

    def is_unavailable(self, event):
        return event.member == "PropertiesChanged" and event.arguments[1].get(AVAILABLE) is False

    def assert_announced_first(self):
        """Available is false before the first of the objects goes; then all of them go."""
        self.assertTrue(self.is_unavailable(self.user.signals[0]), self.user.signals)
        self.assertEqual(self.user.members()[1:4], REMOVAL)
        gone = [interface for event in self.user.signals if event.member == "InterfacesRemoved"
                for interface in event.arguments[1]]
        self.assertEqual(sorted(gone), sorted([CARD, READER] * 2))
        self.assertEqual(self.lock.locked, [])


class Restarts(RestartTest):
    def check_restart(self, end_pcscd):
        self.start()
        session = self.session()
        wait, order = self.wait_for_removal(), []
        wait.on_done = lambda: order.extend(self.user.members())
        del self.user.signals[:]
        end_pcscd()
        self.assert_refused("NoService", wait)
        self.wait_until_away()
        self.assertEqual(order, ["PropertiesChanged"])
        self.assert_announced_first()
        self.assertEqual(session.wait_for_closed(), "service-unavailable")
        self.assertNotIn("install", self.user.manager("UnavailableReason"))
        self.assertIn("restart", self.user.manager("UnavailableReason"))
        self.assert_refused("NoService", self.wait_for_removal())

        with self.assertRaises(Refused) as caught:
            self.user.ask(self.card, CARD, "TransmitHex", SELECT)
        self.assertEqual(caught.exception.name, "RemovedCard")
        self.assertIn("when pcscd stopped", caught.exception.message)

        self.testbed.pcscd.kill()  # pcsc-lite 1.9.9 may crash when it stops its readers
        self.start_pcscd()
        self.wait_until_back()
        self.assert_refused("NoService", self.wait_for_removal())
        self.assertEqual(self.lock.locked, [])

    def test_pcscd_is_terminated(self):
        self.check_restart(lambda: self.testbed.pcscd.send_signal(signal.SIGTERM))

    def test_pcscd_is_killed(self):
        self.check_restart(lambda: self.testbed.pcscd.send_signal(signal.SIGKILL))

    def test_pcscd_is_interrupted(self):
        """It stops its readers before it ends."""
        self.check_restart(self.interrupt_pcscd)

    def start_pcscd(self, **more):
        super().start_pcscd(options=["--debug"], **more)

    def interrupt_pcscd(self):
        """A thread handles the signal; the main thread may notice it at the next connection only."""
        pcscd = self.testbed.pcscd
        pcscd.send_signal(signal.SIGINT)
        events.poll_until(lambda: "Preparing for " in pcscd.output, "pcscd stops")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(PCSCD_SOCKET)

    def test_service_stops(self):
        self.start()
        session = self.session()
        wait = self.wait_for_removal()
        del self.user.signals[:]
        self.testbed.stop_service()
        self.assert_refused("Shutdown", wait)
        self.assertEqual(session.wait_for_closed(), "shutdown")
        self.user.wait_for_signal("NameOwnerChanged")
        self.assertEqual(set(self.user.members()), {"PropertiesChanged", "NameOwnerChanged"})
        self.assertEqual({name for event in self.user.signals[:-1] for name in event.arguments[1]},
                         {"InUse", "State"})
        self.assertEqual(self.lock.locked, [])

        self.testbed.start_service()
        self.assert_refused("UnknownCard", self.wait_for_removal())

    def test_card_is_removed(self):
        self.start()
        session = self.session()
        wait = self.wait_for_removal()
        self.cards.remove("A")
        self.assertIsNone(wait.wait())
        self.assertEqual(self.lock.locked, [self.card])
        self.assertEqual(session.send_transmit(SELECT).error(), "RemovedCard")
        self.assertIsNone(self.wait_for_removal().wait())

        kept = self.user.get(self.user.reader("Reader B"), READER, "Card")
        self.testbed.stop_pcscd()
        self.wait_until_away()
        self.assertIsNone(self.wait_for_removal().wait())
        self.assert_refused("NoService", self.wait_for_removal(kept))
        self.assertEqual(self.lock.locked, [self.card])

    def test_many_restarts_with_removals_between(self):
        self.start()
        removed = []
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            card = self.user.get(self.a, READER, "Card")
            wait = self.wait_for_removal(card)
            self.cards.swap("A", ATR)
            self.assertIsNone(wait.wait())
            removed.append(card)
            self.testbed.stop_pcscd(number)
            self.wait_until_away()
            self.start_pcscd()
            self.wait_until_back()
            self.cards = self.simulator()
        self.assertEqual(self.lock.locked, removed)

    def test_unknown_card(self):
        self.start()
        for number in (1, int(self.card.rpartition("/")[2]) + 1000):
            self.assert_refused("UnknownCard", self.wait_for_removal(f"{ROOT}/cards/{number}"))


class ReadersGoFirst(RestartTest):
    """A pcscd that stops its readers has none in its list before it ends: injected by a fault."""

    def start_with_faults(self):
        self.faults = Faults(self.testbed)
        self.start(environment=self.faults.environment)
        del self.user.signals[:]

    def empty_the_list(self):
        self.faults.order("list-empty")
        self.faults.order("wait-unknown")
        self.cards.remove("B")

    def test_pcscd_does_not_listen(self):
        self.start_with_faults()
        wait = self.wait_for_removal()
        os.rename(PCSCD_SOCKET, PCSCD_SOCKET + ".away")
        self.empty_the_list()
        self.assert_refused("NoService", wait)
        self.wait_until_away()
        self.assertNotIn(self.card, self.lock.locked)

    def test_pcscd_does_not_answer(self):
        self.start_with_faults()
        wait = self.wait_for_removal()
        os.rename(PCSCD_SOCKET, PCSCD_SOCKET + ".away")
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(PCSCD_SOCKET)
            os.chmod(PCSCD_SOCKET, 0o777)
            silent.listen()
            self.empty_the_list()
            self.assert_refused("NoService", wait)
        self.assertNotIn(self.card, self.lock.locked)

    def test_pcscd_answers(self):
        """Then the readers are gone."""
        self.start_with_faults()
        wait = self.wait_for_removal()
        self.empty_the_list()
        self.assertIsNone(wait.wait())
        self.user.wait_for_state(lambda c: not c.readers(), "the readers are gone")
        self.assertTrue(self.user.manager(AVAILABLE))
        self.assertIn(self.card, self.lock.locked)


if __name__ == "__main__":
    case.main()
