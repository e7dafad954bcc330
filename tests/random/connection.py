# SPDX-License-Identifier: LGPL-2.1-or-later
"""A connection to the bus that sees every message, so that a second answer is not lost."""

import array
import collections
import os
import select
import socket
import struct

from gi.repository import Gio, GLib

BUS_SOCKET = "/run/dbus/system_bus_socket"
SERVICE, ROOT, BUS = "org.smartcardd1", "/org/smartcardd1", "org.freedesktop.DBus"
KIND = Gio.DBusMessageType
NO_REPLY = Gio.DBusMessageFlags.NO_REPLY_EXPECTED
CAPABILITIES = Gio.DBusCapabilityFlags.UNIX_FD_PASSING
HEAD_SIZE, PIECE_SIZE, DESCRIPTORS_MAX = 16, 1 << 18, 16
LIMIT_S = 60  # for an answer


class Gone(Exception):
    """The other end has closed the connection."""


def message_size(data):
    """Returns the size of the message that begins with these 16 bytes."""
    body, _serial, fields = struct.unpack_from("<III", data, 4)
    return HEAD_SIZE + fields + -fields % 8 + body


class Connection:
    """Blocks only while it connects, and in wait()."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(BUS_SOCKET)
        self._socket.sendall(b"\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n")
        lines = b""
        while lines.count(b"\r\n") < 3:
            lines += self._socket.recv(1)
        self._data = bytearray()
        self._unsent = bytearray()
        self._serial = 0
        self._messages = collections.deque()
        self.descriptors = collections.deque()  # in the order of their arrival
        self.name = self.ask_bus("Hello").unpack()[0]

    def fileno(self):
        return self._socket.fileno()

    def call(self, method, arguments=None, interface=SERVICE + ".Manager", path=ROOT,
             destination=SERVICE, flags=Gio.DBusMessageFlags.NONE):
        """Sends a call; returns its serial number."""
        message = Gio.DBusMessage.new_method_call(destination, path, interface, method)
        self._serial += 1
        message.set_serial(self._serial)
        message.set_flags(flags)
        if arguments is not None:
            message.set_body(arguments)
        self._unsent += bytes(message.to_blob(CAPABILITIES))
        self.flush()
        return self._serial

    def flush(self):
        """Sends as much as the socket takes."""
        try:
            while self._unsent:
                del self._unsent[:self._socket.send(self._unsent, socket.MSG_DONTWAIT)]
        except BlockingIOError:
            pass
        except OSError as error:
            raise Gone(f"the bus: {error}") from None

    def has_unsent(self):
        return bool(self._unsent)

    def receive(self):
        """Returns the next message, or None if there is none yet."""
        if not self._messages:
            self._read()
        return self._messages.popleft() if self._messages else None

    def _read(self):
        try:
            data, control, _flags, _address = self._socket.recvmsg(
                PIECE_SIZE, socket.CMSG_SPACE(4 * DESCRIPTORS_MAX), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError as error:
            raise Gone(f"the bus: {error}") from None
        if not data:
            raise Gone("the bus has closed the connection")
        for _level, _kind, content in control:
            self.descriptors.extend(array.array("i", content))
        self._data += data
        while len(self._data) >= HEAD_SIZE and len(self._data) >= message_size(self._data):
            size = message_size(self._data)
            self._messages.append(
                Gio.DBusMessage.new_from_blob(bytes(self._data[:size]), CAPABILITIES))
            del self._data[:size]

    def wait(self, limit_s):
        """Waits for a message, and for room for those that are not sent."""
        if self._messages:
            return
        select.select([self], [self] if self._unsent else [], [], limit_s)
        self.flush()

    def ask(self, method, arguments=None, handle=lambda message: None, **options):
        """Calls, and waits for the answer; handle() gets all other messages meanwhile.

        Returns the body, or raises GLib.Error.
        """
        serial = self.call(method, arguments, **options)
        while True:
            message = self.receive()
            if message is None:
                self.wait(LIMIT_S)
                continue
            if message.get_reply_serial() == serial and message.get_message_type() in (
                    KIND.METHOD_RETURN, KIND.ERROR):
                message.to_gerror()
                return message.get_body()
            handle(message)

    def ask_bus(self, method, arguments=None, **options):
        return self.ask(method, arguments, interface=BUS, path="/org/freedesktop/DBus",
                        destination=BUS, **options)

    def take_descriptor(self):
        return self.descriptors.popleft()

    def close(self):
        """Leaves the bus at once."""
        self._socket.close()
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors.clear()

