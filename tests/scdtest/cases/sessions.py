# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of sessions begin with: readers with cards, the service, and clients."""

import os

from gi.repository import Gio

from scdtest.cases import case
from scdtest.clients.channel import Channel
from scdtest.clients.client import Client
from scdtest.clients.pcsc_client import PcscClient
from scdtest.testbed.testbed import simulated_reader

# T=0 and T=1 on offer.
ATR = "3B9A118031FE45736D617274636172646488"

# What the simulated card knows: see tests/sim/card.c.
SELECT = "00A40400"
VERIFY = "00200080083132333435363738"
IS_VERIFIED = "80220000"
VERIFIED, NOT_VERIFIED = "9000", "6982"


class SessionTest(case.TestBedTest):
    readers = "A"  # their names, a letter each; each one has a card in it

    def setUp(self):
        super().setUp()
        self.testbed.start_bus()

    def start_pcscd(self, **more):
        self.testbed.start_pcscd([simulated_reader(name, card=ATR) for name in self.readers],
                               **more)

    def start(self, settings="", environment=None):
        """settings: of smartcardd.conf."""
        self.start_pcscd()
        path = os.path.join(self.testbed.folder, "smartcardd.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(settings)
        self.testbed.start_service("--config", path, environment=environment)
        self.cards = self.simulator()

    def client(self):
        client = Client()
        self._clients.append(client)
        return client

    def leave(self, *clients):
        """Returns when the bus has told everybody; what is sent to the service now comes after."""
        watcher, left = self.client(), set()
        watcher.connection.signal_subscribe(
            "org.freedesktop.DBus", None, "NameOwnerChanged", None, None,
            Gio.DBusSignalFlags.NONE, lambda *event: left.add(event[5].unpack()[0]))
        watcher.manager("Available")  # by now the bus knows of the subscription
        names = {client.connection.get_unique_name() for client in clients}
        for client in clients:
            client.close()
        watcher.wait(lambda: names <= left, "the bus tells of the departure")
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
        """Of a client of its own."""
        client = self.client()
        return client.connect(client.reader("Reader " + reader), share_mode, protocols, **more)

    def count_sessions(self):
        """As the main thread has them; of a path without an object, another thread tells."""
        client = self.client()
        client.manager("Available")
        text = client.ask("/org/smartcardd1/sessions", "org.freedesktop.DBus.Introspectable",
                          "Introspect")
        return text.count("<node name=")

    def assert_refused(self, name, call):
        self.assertEqual(call.error(), name)

    def wait_until_running(self, reader="A"):
        """Until the card carries out a command, which has a delay."""
        self.cards.wait_for(reader, "busy=1")

    def pcsc_name(self, reader="A"):
        return f"Simulated Reader {reader} 00 00"


class ChannelTest(SessionTest):
    """Tests of what goes by a channel instead of the bus."""

    @staticmethod
    def new_channel(session, client=None):
        """client: who asks for it, when that is not the session's owner."""
        return Channel(session, client)

    def open(self, session, client=None):
        """A channel that the end of the test closes."""
        channel = self.new_channel(session, client)
        self._clients.append(channel)
        return channel

    def count_descriptors(self):
        """Of the service, which frees a message that it has sent before it sends another."""
        self.client().manager("Available")
        return len(os.listdir(f"/proc/{self.testbed.service.pid}/fd"))
