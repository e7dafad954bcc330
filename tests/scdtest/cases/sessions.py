# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base classes of tests of sessions: readers with cards, the service, and clients."""

import os

from scdtest.cases import case
from scdtest.clients.channel import Channel
from scdtest.clients.client import Client
from scdtest.clients.pcsc_client import PcscClient
from scdtest.testbed.testbed import simulated_reader

# T=0 and T=1 on offer.
ATR = "3B9A118031FE45736D617274636172646488"

# Commands and responses of the simulated card: see tests/sim/card.c.
SELECT = "00A40400"
VERIFY = "00200080083132333435363738"
IS_VERIFIED = "80220000"
VERIFIED, NOT_VERIFIED = "9000", "6982"


class SessionTest(case.TestBedTest):
    readers = "A"  # their names, a letter each; each one has a card in it

    def setUp(self):
        super().setUp()
        self.start_bus()

    def start_bus(self):
        self.testbed.start_bus()

    def start_pcscd(self, **more):
        self.testbed.start_pcscd([simulated_reader(name, card=ATR) for name in self.readers],
                               **more)

    def start(self, settings="", environment=None, command=()):
        """settings: of smartcardd.conf. command: a command line prefix of the service."""
        self.start_pcscd()
        path = os.path.join(self.testbed.folder, "smartcardd.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(settings)
        self.testbed.start_service("--config", path, environment=environment, command=command)
        self.cards = self.simulator()

    def client(self):
        client = Client()
        self._clients.append(client)
        return client

    def leave(self, *clients):
        """Closes clients; returns when the bus has announced it, before later calls arrive."""
        watcher = self.client()
        left = watcher.departures()
        names = {client.connection.get_unique_name() for client in clients}
        for client in clients:
            client.close()
        watcher.wait(lambda: names <= left, "the bus announces the departure")
        self._forget(*clients, watcher)

    def _forget(self, *clients):
        for client in clients:
            client.close()
            self._clients.remove(client)

    def pcsc_client(self):
        program = PcscClient()
        self._clients.append(program)
        return program

    def session(self, reader="A", share_mode="shared", protocols=(), **more):
        """Opens a session of a new client."""
        client = self.client()
        return client.connect(client.reader("Reader " + reader), share_mode, protocols, **more)

    def count_sessions(self):
        """Counts the sessions after the main thread has handled all earlier messages."""
        client = self.client()
        client.manager("Available")
        text = client.ask("/org/smartcardd1/sessions", "org.freedesktop.DBus.Introspectable",
                          "Introspect")
        return text.count("<node name=")

    def assert_refused(self, name, call):
        self.assertEqual(call.error(), name)

    def wait_until_running(self, reader="A"):
        """Waits until the card executes a command, which has a delay."""
        self.cards.wait_for(reader, "busy=1")

    def pcsc_name(self, reader="A"):
        return f"Simulated Reader {reader} 00 00"


class ChannelTest(SessionTest):
    """Tests of channels, which carry requests beside the bus."""

    @staticmethod
    def new_channel(session, client=None, **options):
        """client: the caller, when that is not the session's owner."""
        return Channel(session, client, **options)

    def open(self, session, client=None, **options):
        """Opens a channel, which is closed at the end of the test."""
        channel = self.new_channel(session, client, **options)
        self._clients.append(channel)
        return channel

    def count_descriptors(self):
        """Counts those of the service, after the last message that it has sent is freed."""
        self.client().manager("Available")
        return len(os.listdir(f"/proc/{self.testbed.service.pid}/fd"))
