# SPDX-License-Identifier: LGPL-2.1-or-later
"""A channel with random requests: each gets one answer, in their order, or the end of file."""

import collections
import socket
import struct
import time

from bus_calls import ATR_STRING, GET_FEATURE_REQUEST
from model import LIMIT_S, Wrong, check_response

TRANSMIT, CONTROL, GET_ATTRIBUTE, BEGIN, END, CANCEL = range(6)
VERSION, NO_LIMIT = 2, 0xFFFFFFFF
PENDING_MAX = 30
LONGEST = 8 + 65548
CODES_BASE = 0x80100000


def is_code(code):
    """Whether the code is success, or one of winscard.h."""
    return code == 0 or 0 < code - CODES_BASE <= 0x31 or 0x65 <= code - CODES_BASE <= 0x6F


class Channel:
    """Takes the descriptor."""

    def __init__(self, descriptor, dice, commands):
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        self._dice, self._commands = dice, commands
        self._has_begun = False
        self._pending = collections.deque()  # of the expected response or None, and the time

    def fileno(self):
        return self._socket.fileno()

    def _make_request(self):
        """Returns the packet without its time limit, and the expected response."""
        operation = self._dice.choices((TRANSMIT, CONTROL, GET_ATTRIBUTE, BEGIN, END, CANCEL),
                                       (20, 2, 3, 6, 20 if self._has_begun else 2, 1))[0]
        self._has_begun = (operation == BEGIN or self._has_begun) and operation != END
        argument, data, expected = 0, b"", None
        if operation == TRANSMIT:
            data, expected = self._commands.echo()
        elif operation == CONTROL:
            argument = self._dice.choice((GET_FEATURE_REQUEST, 1))
        elif operation == GET_ATTRIBUTE:
            argument = self._dice.choice((ATR_STRING, 1))
        elif operation == END:
            argument = self._dice.choice((0, 0, 0, 1, 2, 3))
        limit_ms = self._dice.choice((NO_LIMIT, NO_LIMIT, 0, 1, 100, 3000))
        return operation, struct.pack("<BB2xII", operation, VERSION, argument,
                                      limit_ms) + data, expected

    def send(self):
        """Sends a request, unless too many are pending."""
        if self._pending and time.monotonic() > self._pending[0][1] + LIMIT_S:
            raise Wrong("no answer on a channel")
        if len(self._pending) >= PENDING_MAX:
            return
        operation, packet, expected = self._make_request()
        try:
            self._socket.send(packet)
        except BlockingIOError:
            return
        except OSError:  # the service has closed it, which receive() finds
            return
        if operation != CANCEL:
            self._pending.append((expected, time.monotonic()))

    def receive(self):
        """Handles one answer; returns whether the channel is still open."""
        try:
            packet = self._socket.recv(LONGEST + 1)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not packet:
            return False
        if not self._pending:
            raise Wrong("an answer without a request on a channel")
        expected, _since = self._pending.popleft()
        code, _number = struct.unpack_from("<II", packet)
        if not is_code(code):
            raise Wrong(f"the code {code:08X} on a channel")
        if code == 0 and expected is not None:
            check_response(packet[8:], expected)
        if code != 0 and len(packet) != 8:
            raise Wrong(f"data after the error {code:08X} on a channel")
        return True

    def close(self):
        self._socket.close()

