# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client that writes D-Bus messages byte by byte, for messages that no library would send."""

import socket
import struct

from scdtest.testbed import events
from scdtest.testbed.testbed import BUS_SOCKET
from scdtest.testbed.users import as_user

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
NO_REPLY_EXPECTED, NO_AUTO_START = 1, 2
BUS = "org.freedesktop.DBus"
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE, UNIX_FDS = range(
    1, 10)
UNKNOWN = 200


def align(data, size):
    return data + bytes(-len(data) % size)


def string(text):
    """The encoding of a string, to be aligned to 4 bytes."""
    data = text.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def array(elements, alignment=4):
    """The encoding of an array at the start of a body; elements: aligned already."""
    head = align(struct.pack("<I", len(elements)), alignment)
    return head + elements


def encode(kind, serial, signature, body, flags=0, descriptors=0, **fields):
    """fields: path, interface, member, destination; unknown: of a code that has no meaning."""
    data = b""
    for code, name in ((PATH, "path"), (INTERFACE, "interface"), (MEMBER, "member"),
                       (DESTINATION, "destination"), (UNKNOWN, "unknown")):
        if name in fields:
            kind_of_field = b"\1o\0" if code == PATH else b"\1s\0"
            data = align(data, 8) + bytes([code]) + kind_of_field + string(fields[name])
    if signature:
        data = align(data, 8) + bytes([SIGNATURE]) + b"\1g\0" + bytes([len(signature)])
        data += signature.encode() + b"\0"
    if descriptors:
        data = align(data, 8) + bytes([UNIX_FDS]) + b"\1u\0" + struct.pack("<I", descriptors)
    head = struct.pack("<cBBBIII", b"l", kind, flags, 1, len(body), serial, len(data))
    return align(head + data, 8) + body


def read_fields(data):
    """The header fields of a message by their codes; a string or a number each."""
    fields, at = {}, 0
    while at < len(data):
        at += -at % 8
        code, kind = data[at], data[at + 2:at + 3]
        at += 4
        if kind == b"g":
            length = data[at]
            fields[code] = data[at + 1:at + 1 + length].decode()
            at += length + 2
            continue
        at += -at % 4
        number, = struct.unpack_from("<I", data, at)
        at += 4
        fields[code] = number
        if kind != b"u":
            fields[code] = data[at:at + number].decode()
            at += number + 1
    return fields


class RawClient:
    """Blocks in receive() for as long as a test waits for an event."""

    def __init__(self, user):
        self._serial = 0
        self.flags = 0  # of the last message that was received
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(events.LIMIT_S)
        with as_user(user):
            self.socket.connect(BUS_SOCKET)
        self.socket.sendall(b"\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n")
        lines = b""
        while lines.count(b"\r\n") < 3:
            lines += self.socket.recv(1)
        self.call("Hello", destination=BUS, path="/org/freedesktop/DBus", interface=BUS)

    def send(self, member, signature="", body=b"", kind=CALL, flags=0, descriptors=(),
             destination="org.smartcardd1", path="/org/smartcardd1",
             interface="org.smartcardd1.Manager", **fields):
        """Returns the serial number. fields: further ones, see encode()."""
        self._serial += 1
        message = encode(kind, self._serial, signature, body, flags, len(descriptors), path=path,
                         interface=interface, member=member, destination=destination,
                         **fields)
        if descriptors:
            sent = socket.send_fds(self.socket, [message], descriptors)
            message = message[sent:]
        self.socket.sendall(message)
        return self._serial

    def _receive_exactly(self, length):
        data = bytearray()
        while len(data) < length:
            piece = self.socket.recv(min(length - len(data), 1 << 20))
            assert piece, "the bus has disconnected the client"
            data += piece
        return bytes(data)

    def receive(self):
        """Returns the type, the fields and the body of the next message."""
        head = self._receive_exactly(16)
        self.flags = head[2]
        body_length, = struct.unpack_from("<I", head, 4)
        fields_length, = struct.unpack_from("<I", head, 12)
        rest = self._receive_exactly(fields_length + -fields_length % 8 + body_length)
        fields = read_fields(rest[:fields_length])
        return head[1], fields, rest[len(rest) - body_length:]

    def wait_for(self, serial):
        """Returns the name of the error, None for a reply; drops the messages before."""
        while True:
            kind, fields, _ = self.receive()
            if kind in (RETURN, ERROR) and fields.get(REPLY_SERIAL) == serial:
                return fields.get(ERROR_NAME)

    def call(self, *arguments, **options):
        return self.wait_for(self.send(*arguments, **options))

    def monitor(self, *rules):
        """From now on receives all messages of the bus that match one of the rules."""
        texts = b""
        for rule in rules:
            texts = align(texts, 4) + string(rule)
        error = self.call("BecomeMonitor", "asu", align(array(texts), 4) + bytes(4),
                          destination=BUS, path="/org/freedesktop/DBus",
                          interface=BUS + ".Monitoring")
        assert error is None, error

    def close(self):
        self.socket.close()
