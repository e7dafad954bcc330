#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""dbus-broker instead of dbus-daemon, which forwards messages that dbus-daemon would not."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import SELECT, SessionTest
from scdtest.clients.raw_client import SIGNAL, RawClient, string
from scdtest.testbed import broker
from scdtest.testbed.testbed import SOURCE

UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"
KIB = 1024


@unittest.skipUnless(broker.is_there(), "dbus-broker is not installed")
class DBusBroker(SessionTest):
    def start_bus(self):
        policy = os.path.join(SOURCE, "data", "org.smartcardd1.conf")
        self.testbed.bus = broker.Broker(self.testbed.folder, policy)

    def intruder(self):
        client = RawClient("nobody")
        self._clients.append(client)
        return client

    def test_unknown_header_fields(self):
        """The specification demands that they are ignored."""
        self.start()
        intruder = self.intruder()
        session = self.session()
        for size in (1, 3 * KIB):
            self.assertIsNone(intruder.call("ListSessions", unknown="x" * size))
        for size in (8 * KIB, 512 * KIB):
            self.assertEqual(intruder.call("ListSessions", unknown="x" * size),
                             "org.freedesktop.DBus.Error.LimitsExceeded")
            intruder.send("Changed", kind=SIGNAL, unknown="x" * size)
        self.assertEqual(intruder.call("FindReader", "s", string("x"), path="/a"), UNKNOWN_OBJECT)
        self.assertEqual(session.transmit(SELECT), "9000")

    def test_sessions(self):
        self.start()
        session = self.session()
        session.begin()
        self.assertEqual(session.transmit(SELECT), "9000")
        session.end()
        session.close()


if __name__ == "__main__":
    case.main()
