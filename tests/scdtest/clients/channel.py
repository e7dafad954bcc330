# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client's end of a channel (Session.OpenChannel): packets, and the end of file."""

import fcntl
import itertools
import os
import select
import socket
import struct
import termios

from gi.repository import Gio, GLib

from scdtest.clients.client import SESSION, Refused, join
from scdtest.clients.client import options as new_options
from scdtest.clients.recorder import NAME
from scdtest.testbed import events

TRANSMIT, CONTROL, GET_ATTRIBUTE, BEGIN, END, CANCEL = range(6)
VERSION = 2
NO_LIMIT = 0xFFFFFFFF
LEAVE, RESET, UNPOWER, EJECT = range(4)

# PC/SC's codes.
SUCCESS = 0
CANCELLED = 0x80100002
TIMEOUT = 0x8010000A
SHUTDOWN = 0x80100018
NO_SMARTCARD = 0x8010000C
PROTO_MISMATCH = 0x8010000F
INVALID_VALUE = 0x80100011
COMM_ERROR = 0x80100013
NOT_TRANSACTED = 0x80100016
READER_UNAVAILABLE = 0x80100017
NO_SERVICE = 0x8010001D
SERVICE_STOPPED = 0x8010001E
UNSUPPORTED_FEATURE = 0x8010001F
RESET_CARD = 0x80100068
REMOVED_CARD = 0x80100069
SECURITY_VIOLATION = 0x8010006A

# Errors of a command when pcscd stops, and when the reader is removed.
LOST = {COMM_ERROR, NO_SERVICE, SECURITY_VIOLATION}
UNPLUGGED = {INVALID_VALUE, NO_SMARTCARD, NOT_TRANSACTED, READER_UNAVAILABLE, REMOVED_CARD}

LONGEST = 12 + 65548  # bytes of a packet


def request(operation, argument=0, data=b"", limit_ms=NO_LIMIT):
    return struct.pack("<BB2xII", operation, VERSION, argument, limit_ms) + data


def transmit(command):
    """command: in hex."""
    return request(TRANSMIT, 0, bytes.fromhex(command))


class Channel:
    """An answer is (code, data); None is the end of file. Any other end is an error."""

    def __init__(self, session, client=None, **options):
        """client: the caller, when that is not the session's owner."""
        arguments = join(new_options(**options))
        try:
            answer, descriptors = (client or session.client).connection.call_with_unix_fd_list_sync(
                NAME, session.path, SESSION, "OpenChannel", arguments,
                GLib.VariantType("(h)"), Gio.DBusCallFlags.NONE, int(events.LIMIT_S * 1000), None,
                None)
        except GLib.Error as error:
            raise Refused(error) from None
        self.socket = socket.socket(fileno=descriptors.get(answer.unpack()[0]))
        self.socket.settimeout(events.LIMIT_S)
        self._left_over = None

    def send(self, *packets):
        for packet in packets:
            self.socket.send(packet)

    def send_what_fits(self, packets):
        """Sends from an endless iterator without blocking; returns the number of packets."""
        self.socket.setblocking(False)
        count = 0
        try:
            while True:
                self._left_over = self._left_over or next(packets)
                self.socket.send(self._left_over)
                self._left_over = None
                count += 1
        except BlockingIOError:
            return count
        finally:
            self.socket.settimeout(events.LIMIT_S)

    def send_until_it_ends(self, packet):
        """Does not read responses meanwhile, which must not keep the service from closing."""
        try:
            while True:
                self.socket.send(packet)
        except BrokenPipeError:
            pass

    def wait_until_read(self):
        """Waits until the service has read all requests: it reads 32 that it has not answered."""
        def unread():
            size = fcntl.ioctl(self.socket, termios.TIOCOUTQ, bytes(4))
            return struct.unpack("i", size)[0]
        events.poll_until(lambda: unread() == 0, "the service reads the requests")

    def has_answer(self):
        return bool(select.select([self.socket], [], [], 0)[0])

    def receive_with_number(self):
        packet = self.socket.recv(LONGEST + 1)
        if not packet:
            return None
        code, number = struct.unpack_from("<II", packet)
        assert code == SUCCESS or (number == 0 and len(packet) == 8), packet[:16]
        return code, number, packet[8:]

    def receive(self):
        answer = self.receive_with_number()
        if not answer:
            return None
        code, number, data = answer
        assert number in (0, 1), number  # 1: others have used the card before this BEGIN
        return code, data

    def receive_all(self, most=None):
        """Returns the codes of all responses until the end of file, or of so many."""
        answers = itertools.islice(iter(self.receive, None), most)
        return [code for code, _ in answers]

    def ask(self, packet):
        self.send(packet)
        return self.receive()

    def transmit(self, command):
        """Hex in, upper-case hex out."""
        code, response = self.ask(transmit(command))
        assert code == SUCCESS, hex(code)
        return response.hex().upper()

    def close(self):
        self.socket.close()


def send_descriptor(channel, packet):
    """Sends it with one end of a pipe; returns the other, readable when the first is closed."""
    reading, writing = os.pipe()
    socket.send_fds(channel.socket, [packet], [writing])
    os.close(writing)
    return os.fdopen(reading, "rb")
