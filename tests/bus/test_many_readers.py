#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many readers, and many card events at once."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.clients.client import Client, Session
from scdtest.testbed import events
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import pcscd_version, simulated_reader

OTHER_ATR = "3B021450"
MARKER_ATR = "3B04DEADBEEF"


class EventStorm(case.TestBedTest):
    READERS = 8
    ROUNDS = 200

    def swap_all(self, readers, names, atr):
        """Swaps all cards at once; returns when pcscd has seen each removal and insertion."""
        powered = {name: readers.powerups(name) for name in names}
        for name in names:
            readers.swap(name, atr)
        for name in names:
            events.poll_until(lambda name=name: readers.powerups(name) > powered[name],
                              f"pcscd powers the card in {name} up")

    def test_events_without_pause(self):
        """Cards are swapped faster than clients can read: no reader is ever announced as removed.

        Under such a load SCardGetStatusChange of pcsc-lite 2.5 fails now and then without a
        reason, with the error that a present reader is unknown.
        """
        names = [f"R{number}" for number in range(self.READERS)]
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader(name) for name in names])
        self.testbed.start_service()
        client, readers = self.recorder(), self.simulator()
        paths = {path for path, _ in client.readers().values()}
        self.assertEqual(len(paths), self.READERS)
        for name in names:
            readers.insert(name)
        client.wait_for_state(lambda c: len(c.cards()) == self.READERS, "a card in each")

        for number in range(self.ROUNDS):
            self.swap_all(readers, names, OTHER_ATR if number % 2 else ATR)
        self.swap_all(readers, names, MARKER_ATR)
        client.wait_for_state(lambda c: [card["AtrHex"] for card in c.cards().values()]
                              == [MARKER_ATR] * self.READERS, "the last card in each")

        self.assertEqual({path for path, _ in client.readers().values()}, paths)
        self.assertEqual(client.readers_that_came_or_went(), [])
        inserted = [s.arguments[0] for s in client.signals if s.member == "CardInserted"]
        self.assertEqual(len(inserted), len(set(inserted)))


class ConnectStorm(case.TestBedTest):
    """Threads of all readers open and close handles at once, which libpcsclite does not survive
    without help: tests/worker/test-context.c tests that they take turns."""

    READERS = 16
    CLIENTS = 8
    CONNECTS = 20  # of each client with each reader

    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader(f"R{number:02}", card=ATR)
                                  for number in range(self.READERS)])
        config = os.path.join(self.testbed.folder, "smartcardd.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("[Limits]\nSessionsPerUser=256\n")
        self.testbed.start_service("--config", config)

    def start_loop(self, client, reader, left):
        """Connects and closes again and again; left: the number of Connects, in a list."""
        def close():
            client.done.clear()
            session, _ = connecting.wait()
            closing = Session(client, session).send("Close", "leave")
            closing.on_done = lambda: (closing.wait(), left.pop(), left and connect())

        def connect():
            nonlocal connecting
            connecting = client.send_connect(reader, quiet=True)
            connecting.on_done = close

        connecting = None
        connect()

    def test_connect_and_close(self):
        clients = [Client() for _ in range(self.CLIENTS)]
        self._clients += clients
        clients[0].wait_for_state(lambda c: len(c.cards()) == self.READERS, "all cards")
        readers = [path for path, _ in clients[0].readers().values()]
        loops = []
        for client in clients:
            for reader in readers:
                loops.append([None] * self.CONNECTS)
                self.start_loop(client, reader, loops[-1])
        while any(loops):
            left = sum(map(len, loops))
            clients[0].wait(lambda left=left: sum(map(len, loops)) < left, "the storm goes on")
        self.assertTrue(self.testbed.service.is_running())


class ManyReaders(case.TestBedTest):
    """More readers than the 16 of pcsc-lite before 2.5."""

    def setUp(self):
        if pcscd_version() < (2, 5):
            raise unittest.SkipTest("this pcscd takes 16 readers at most")
        super().setUp()
        self.testbed.start_bus()

    def start_pcscd(self, count):
        self.testbed.start_pcscd([simulated_reader(f"R{number:02}", card=ATR)
                                for number in range(count)])

    def wait_for_cards(self, client, count):
        client.wait_for_state(
            lambda c: c.manager("Available") and len(c.readers()) == len(c.cards()) == count,
            f"{count} readers, and a card in each")

    def test_forty_readers(self):
        self.start_pcscd(40)
        self.testbed.start_service()
        client, readers = self.recorder(), self.simulator()
        self.wait_for_cards(client, 40)
        for number in range(40):
            since = len(client.signals)
            readers.remove(f"R{number:02}")
            client.wait_for_signal("CardRemoved", client.reader(f"R{number:02}"), since)

    def test_forty_readers_and_then_three(self):
        """A client of pcscd 2.5 must reconnect when the next pcscd has fewer readers."""
        self.start_pcscd(40)
        self.testbed.start_service()
        client = self.recorder()
        self.wait_for_cards(client, 40)
        before = client.objects()
        pid = self.testbed.service.pid
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.start_pcscd(3)
        self.wait_for_cards(client, 3)
        self.assertTrue({path for path, _ in client.readers().values()} < set(before))
        self.assertFalse(set(client.cards()) & set(before))
        self.assertEqual(self.testbed.service.pid, pid)
        self.assertTrue(self.testbed.service.is_running())


if __name__ == "__main__":
    case.main()
