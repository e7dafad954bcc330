# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fake journal, at the path of the machine's, that keeps its messages."""

import os
import socket
import struct

from gi.repository import GLib

from scdtest.testbed import events

SOCKET = "/run/systemd/journal/socket"


def _parse(datagram):
    """The fields of one message: "NAME=value" lines, or a name, a length, and that many bytes."""
    fields = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            length, = struct.unpack_from("<Q", rest)
            value, rest = rest[8:8 + length], rest[8 + length + 1:]
        fields[name.decode()] = value.decode()
        datagram = rest
    return fields


class Journal:
    """The main loop receives its messages; each is a dictionary."""

    def __init__(self):
        self.messages = []
        os.makedirs(os.path.dirname(SOCKET), exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(SOCKET)
        self._source = GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, self._socket.fileno(),
                                             GLib.IOCondition.IN, self._read)

    def _read(self, _descriptor, _condition):
        self.messages.append(_parse(self._socket.recv(65536)))
        return True

    def with_id(self, number):
        return [message for message in self.messages if message.get("MESSAGE_ID") == number]

    def wait_for(self, number, count=1):
        """Waits for count messages with that MESSAGE_ID, and returns the last."""
        events.wait_until(lambda: len(self.with_id(number)) >= count, f"message {number}")
        return self.with_id(number)[count - 1]

    def close(self):
        GLib.source_remove(self._source)
        self._socket.close()
        os.unlink(SOCKET)
