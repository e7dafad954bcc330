#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages of a user without any permission: none of them makes the service hold or lose much."""

import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import SELECT, SessionTest
from scdtest.clients.raw_client import NO_REPLY_EXPECTED, SIGNAL, RawClient, array, string

MIB = 1024 * 1024
LIMITS_EXCEEDED = "org.freedesktop.DBus.Error.LimitsExceeded"
INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"
UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"

# What a user without permission may make the service hold, and what a message takes on its way.
BUDGET_MIB = 16
TRANSIENT_MIB = 32

# Arrays of values that take GDBus much more memory than the message is long.
DENSE = {
    "av": lambda size: array(b"\1y\0\7" * (size // 4)),
    "ag": lambda size: array(b"\0\0" * (size // 2)),
    "as": lambda size: array(
        (struct.pack("<I", 0) + b"\0\0\0\0") * (size // 8 - 1) + struct.pack("<I", 0) + b"\0"),
    "aay": lambda size: array(struct.pack("<I", 0) * (size // 4)),
    "a(y)": lambda size: array(b"\7\0\0\0\0\0\0\0" * (size // 8 - 1) + b"\7", 8),
}


class Admission(SessionTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.session_of_root = self.session()
        self.before = self.memory("VmRSS")

    def intruder(self):
        client = RawClient("nobody")
        self._clients.append(client)
        return client

    def assert_well(self, limit=BUDGET_MIB + TRANSIENT_MIB):
        """Another user's calls work, and the memory has never been above the limit."""
        self.assertEqual(self.session_of_root.transmit(SELECT), "9000")
        if not self.is_sanitized():
            self.assertLess(self.memory("VmHWM"), self.before + limit)

    def test_dense_values(self):
        intruder = self.intruder()
        for signature, body in DENSE.items():
            for member, interface, sizes in (("FindReader", "Manager", (31 * MIB, 64 * 1024)),
                                             ("TransmitMany", "Card", (4 * MIB, 64 * 1024))):
                for size in sizes:
                    error = intruder.call(member, signature, body(size),
                                          interface="org.smartcardd1." + interface)
                    self.assertIn(error, (LIMITS_EXCEEDED, INVALID_ARGS), (signature, size))
        self.assert_well()

    def test_dense_signals(self):
        """Any program may send a signal to any other, asked for or not."""
        intruder = self.intruder()
        for signature, body in DENSE.items():
            for size in (31 * MIB, 200 * 1024):
                intruder.send("Changed", signature, body(size), kind=SIGNAL)
        intruder.call("FindReader", "s", string("x"))
        self.assert_well()

    def test_long_strings(self):
        intruder = self.intruder()
        for size in (5000, 70000, 31 * MIB, 32 * MIB - 150):
            self.assertEqual(intruder.call("FindReader", "s", string("x" * size)), LIMITS_EXCEEDED)
        self.assert_well()

    def test_long_paths(self):
        intruder = self.intruder()
        for size in (256, 70000, 8 * MIB):
            self.assertEqual(intruder.call("FindReader", "s", string("x"), path="/" + "a" * size),
                             UNKNOWN_OBJECT)
        self.assert_well()

    def test_long_signals(self):
        """They are dropped by their length, however it is made up, and their sender goes on."""
        intruder = self.intruder()
        for size in (8 * MIB, 30 * MIB):
            intruder.send("Changed", kind=SIGNAL, path="/" + "a" * size)
        self.assertEqual(intruder.call("FindReader", "s", string("x"), path="/a"), UNKNOWN_OBJECT)
        self.assert_well(limit=4)

    def test_error_texts_are_short(self):
        intruder = self.intruder()
        for method, signature, body in (
                ("FindReader", "s", string("x" * 4000)),
                ("WaitForCard", "a{sv}", array(string("x" * 4000) + b"\1y\0\7", 8))):
            serial = intruder.send(method, signature, body)
            while True:
                kind, fields, text = intruder.receive()
                if fields.get(5) == serial:
                    break
            self.assertEqual(kind, 3)
            self.assertLess(len(text), 500, method)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.testbed.service.pid}/fd"))

    def test_descriptors(self):
        intruder = self.intruder()
        before = self.descriptors()
        for _ in range(20):
            error = intruder.call("FindReader", "s", string("x"), descriptors=[0] * 16)
            self.assertTrue(error.startswith("org.freedesktop.DBus.Error."), error)
        self.assertEqual(self.descriptors(), before)
        self.assert_well()

    def test_waiting_calls(self):
        """As many as can be sent: those that are refused are answered, the others are bounded."""
        for _ in range(2):
            intruders = [self.intruder() for _ in range(4)]
            options = array(string("reader") + b"\1s\0\0\0" + string("x" * 3900), 8)
            for intruder in intruders:
                for _ in range(3000):
                    intruder.send("WaitForCard", "a{sv}", options, flags=NO_REPLY_EXPECTED)
                intruder.call("FindReader", "s", string("x"))
            self.assert_well()
            for intruder in intruders:
                intruder.close()
                self._clients.remove(intruder)

    def test_calls_without_replies(self):
        intruder = self.intruder()
        for _ in range(5000):
            intruder.send("FindReader", "s", string("x"), flags=NO_REPLY_EXPECTED)
        self.assertNotEqual(intruder.call("FindReader", "s", string("x")), None)
        self.assert_well()

    def test_large_calls_at_once(self):
        """Each within its limit; the memory of a user's calls is bounded for all of them."""
        command = array((struct.pack("<I", 60000) + b"\x80" * 60000) * 68)
        body = command + b"\0" * (-len(command) % 4) + struct.pack("<I", 0) + b"\0" * (
            -(len(command) + -len(command) % 4 + 4) % 8)
        intruders = [self.intruder() for _ in range(4)]
        for _ in range(10):
            for intruder in intruders:
                intruder.send("TransmitMany", "aaya{sv}", body, flags=NO_REPLY_EXPECTED,
                              path=self.session_of_root.get("Card"),
                              interface="org.smartcardd1.Card")
        for intruder in intruders:
            intruder.call("FindReader", "s", string("x"))
        self.assert_well()


if __name__ == "__main__":
    case.main()
