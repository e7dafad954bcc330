# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes of a user that send messages to the service as fast as the bus takes them.

Run as a program, this is one of the processes.
"""

import itertools
import os
import select
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from scdtest.clients.raw_client import (
    CALL,
    NO_REPLY_EXPECTED,
    SIGNAL,
    RawClient,
    encode,
    string,
)

SERVICE, ROOT, MANAGER = "org.smartcardd1", "/org/smartcardd1", "org.smartcardd1.Manager"
STANDARD = "org.freedesktop.DBus."
BATCH = 256
SERIAL_AT = 8  # in the header

# Sent before a flood counts as begun.
FIRST = 5000

# Type, path, interface, member, signature, body.
MESSAGES = {
    "objects": (CALL, ROOT, STANDARD + "ObjectManager", "GetManagedObjects", "", b""),
    "introspect": (CALL, ROOT, STANDARD + "Introspectable", "Introspect", "", b""),
    "property": (CALL, ROOT, STANDARD + "Properties", "Get", "ss",
                 string(MANAGER) + bytes(-len(string(MANAGER)) % 4) + string("Available")),
    "method": (CALL, ROOT, MANAGER, "FindReader", "s", string("x")),
    "too-long": (CALL, ROOT, MANAGER, "FindReader", "s", string("x" * 5000)),
    "signal": (SIGNAL, ROOT, MANAGER, "Changed", "s", string("x")),
}


class Flood:
    """Floods the service from the start to close(). kind: a key of MESSAGES."""

    def __init__(self, user, kind, replies, processes=2):
        words = [user, kind, "replies" if replies else "no-replies"]
        self._children = [
            subprocess.Popen(["/usr/bin/python3", os.path.abspath(__file__), *words],
                             stdout=subprocess.PIPE) for _ in range(processes)]
        for child in self._children:
            if child.stdout.readline() != b"begun\n":
                raise AssertionError(f"the flood has not begun, and ended with {child.wait()}")

    def is_running(self):
        return all(child.poll() is None for child in self._children)

    def close(self):
        for child in self._children:
            child.kill()
            child.wait()
            child.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()


def make_batch(kind, flags):
    """Returns messages to send at once, and where each of them begins."""
    of_type, path, interface, member, signature, body = MESSAGES[kind]
    message = encode(of_type, 1, signature, body, flags, path=path, interface=interface,
                     member=member, destination=SERVICE)
    return bytearray(message * BATCH), range(0, BATCH * len(message), len(message))


def flood(connection, batch, starts):
    serials = itertools.count(1000)
    rest, sent = memoryview(b""), 0
    connection.setblocking(False)
    while True:
        if not rest:
            if sent == FIRST // BATCH:
                print("begun", flush=True)
            sent += 1
            for start in starts:
                struct.pack_into("<I", batch, start + SERIAL_AT, next(serials))
            rest = memoryview(bytes(batch))
        readable, writable, _ = select.select([connection], [connection], [])
        if readable and not connection.recv(1 << 20):
            sys.exit("the bus has disconnected the flood")
        if writable:
            rest = rest[connection.send(rest):]


def main(user, kind, replies):
    client = RawClient(user)
    flood(client.socket, *make_batch(kind, 0 if replies == "replies" else NO_REPLY_EXPECTED))


if __name__ == "__main__":
    main(*sys.argv[1:])
