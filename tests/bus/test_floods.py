#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A user without permission floods the service from two processes while another one uses a card."""

import os
import signal
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio

from scdtest.cases import case
from scdtest.cases.sessions import SELECT, ChannelTest
from scdtest.clients.channel import SUCCESS, transmit
from scdtest.clients.flood import Flood
from scdtest.clients.raw_client import BUS
from scdtest.clients.recorder import PROPERTIES, READER
from scdtest.testbed import events
from scdtest.testbed.testbed import NOTIFY_SOCKET
from scdtest.testbed.users import as_user

ROOT = "/org/smartcardd1"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"

COMMANDS = 15

# The bus delays all messages in a flood: how much, a call to the bus itself shows. A command, whose
# call and reply pass the bus, takes three times as long without a flood.
TIMES_OF_THE_BUS = 12

# The flood and the bus take processors from the service and the test, and so do other tests.
TIMES_OF_A_QUIET_CHANNEL = 25

# With the thread sanitizer the service is ten times as slow, but not the bus.
SLOWNESS = 10 if os.environ.get("SCD_TSAN_SERVICE") else 1

# Programs that are not of the test may slow down one measurement in a flood, but hardly all of them.
MEASUREMENTS = 5

# From SIGTERM to the exit: pcscd and the bus take some of it.
STOP_S = 6

# Of a user without permission, and messages on their way.
MEMORY_MIB = 16 + 32


def seconds_of(call):
    start = time.monotonic()
    call()
    return time.monotonic() - start


class Floods(ChannelTest):
    def start_bus(self):
        self.testbed.start_bus()

    def setUp(self):
        super().setUp()
        authority = self.polkit()
        authority.start('return subject.user == "nobody" ? polkit.Result.NO : polkit.Result.YES;')
        self.start(environment={"WATCHDOG_USEC": "100000"})
        with as_user("daemon"):
            user = self.client()
        self.session_of_user = user.connect(user.reader("Reader A"))
        self.channel = self.open(self.session_of_user)
        self.before = self.memory("VmRSS")
        self.quiet = self.measure()

    def call_bus(self):
        self.session_of_user.client.connection.call_sync(
            BUS, "/org/freedesktop/DBus", BUS, "GetId", None, None, Gio.DBusCallFlags.NONE,
            int(events.LIMIT_S * 1000), None)

    def use_bus(self):
        self.assertEqual(self.session_of_user.transmit(SELECT), "9000")

    def use_channel(self):
        self.channel.send(transmit(SELECT))
        self.assertEqual(self.channel.receive()[0], SUCCESS)

    def measure(self):
        """Returns the medians of the seconds that a call to the bus, and a command by the bus and
        by the channel take."""
        calls = (self.call_bus, self.use_bus, self.use_channel)
        rows = [[seconds_of(call) for call in calls] for _ in range(COMMANDS)]
        return [statistics.median(column) for column in zip(*rows)]

    def is_calm(self, of_bus, by_bus, by_channel):
        """by_bus, by_channel: the seconds that a command takes; of_bus: those of a call to the bus."""
        return (by_bus < SLOWNESS * TIMES_OF_THE_BUS * of_bus and
                by_channel < SLOWNESS * max(TIMES_OF_A_QUIET_CHANNEL * self.quiet[2], of_bus))

    def assert_calm_in_flood(self, *kind, **options):
        measured = []
        with Flood("nobody", *kind, **options) as flood:
            while not measured or (not self.is_calm(*measured[-1]) and
                                   len(measured) < MEASUREMENTS):
                measured.append(self.measure())
            self.assertTrue(flood.is_running())
        text = f"{kind}: {measured}, before: {self.quiet}"
        print("# " + text, flush=True)
        self.assertTrue(self.is_calm(*measured[-1]), text)
        if not self.is_sanitized():
            self.assertLess(self.memory("VmHWM"), self.before + MEMORY_MIB)

    def assert_objects_are_right(self, client):
        """The tree lists the properties that each object has."""
        objects = client.ask(ROOT, OBJECT_MANAGER, "GetManagedObjects")
        self.assertEqual(objects, client.ask(ROOT, OBJECT_MANAGER, "GetManagedObjects"))
        for path, interfaces in objects.items():
            for name, values in interfaces.items():
                self.assertEqual(values, client.ask(path, PROPERTIES, "GetAll", name), path)
        return objects

    def test_objects_follow_changes(self):
        """The encoded reply is not used any more once something has changed."""
        self.session_of_user.call("Close", "leave")
        client = self.client()
        reader = client.reader("Reader A")
        with_card = self.assert_objects_are_right(client)
        self.assertEqual(len(with_card), 2)
        self.cards.remove("A")
        client.wait_for_signal("CardRemoved", reader)
        self.assertEqual(len(self.assert_objects_are_right(client)), 1)
        self.cards.insert("A")
        client.wait_for_signal("CardInserted", reader)
        self.assertEqual(len(self.assert_objects_are_right(client)), 2)
        session = client.connect(reader)
        self.assert_objects_are_right(client)
        session.call("Close", "leave")
        client.wait(lambda: not client.get(reader, READER, "InUse"), "the reader is free")
        self.assert_objects_are_right(client)

    def test_queries(self):
        self.assert_calm_in_flood("objects", replies=True)
        self.assert_calm_in_flood("introspect", replies=True)
        self.assert_calm_in_flood("property", replies=True)

    def test_queries_without_replies(self):
        self.assert_calm_in_flood("objects", replies=False)
        self.assert_calm_in_flood("property", replies=False)

    def test_methods(self):
        self.assert_calm_in_flood("method", replies=True)
        self.assert_calm_in_flood("method", replies=False)

    def test_refused_calls(self):
        self.assert_calm_in_flood("too-long", replies=True)

    def test_stop(self):
        """The service ends its sessions and exits in a flood, and the watchdog does not hide it."""
        client = self.session_of_user.client
        systemd = events.NotifySocket(NOTIFY_SOCKET)
        self.addCleanup(systemd.close)
        with Flood("nobody", "method", replies=False) as flood:
            with Flood("nobody", "objects", replies=True):
                systemd.wait_for("WATCHDOG=1")
                self.testbed.service.send_signal(signal.SIGTERM)
                start = time.monotonic()
                lines = systemd.lines_until(self.has_ended)
                seconds = time.monotonic() - start
                client.wait_for_signal("Closed", self.session_of_user.path)
            self.assertTrue(flood.is_running())
        self.assertLess(seconds, STOP_S)
        self.assertIn("STOPPING=1", lines)
        self.assertNotIn("WATCHDOG=1", lines[lines.index("STOPPING=1"):])

    def has_ended(self):
        return not self.testbed.service.is_running()

    def test_signals(self):
        self.assert_calm_in_flood("signal", replies=False)


if __name__ == "__main__":
    case.main()
