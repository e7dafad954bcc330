# SPDX-License-Identifier: LGPL-2.1-or-later
"""A card for vpcd, the virtual reader of the vsmartcard project, which is a third-party driver.

The card is ours all the same: vicc, the project's own, does not run on Debian 12. Its package
puts the modules where no Python looks for them, and they need either PyCrypto, which Debian no
longer has, or a module of Python 2. The protocol between the two is small: vpcd listens on
one TCP port a slot, and a card is in as long as it is connected. A message is two bytes of
length, the highest first, and that many more. One byte of them is an order of the reader,
anything longer is a command APDU. Only commands and GIVE_ATR are answered.

vpcd has no thread for events: pcscd polls it every 400 ms.
"""

import contextlib
import socket
import threading

from scdtest.testbed import events

DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
PORT = 0x8C7B
ATR = "3B80800101"
POWER_ON, GIVE_ATR = b"\x01", b"\x04"
# The last one is from pcscd's next poll: before it, pcscd has announced the card to its clients.
KNOWN = POWER_ON + GIVE_ATR + GIVE_ATR

# For reader.conf: a reader with two slots, the second one on the next port.
READER = ('FRIENDLYNAME "Virtual PCD"\n'
          f"DEVICENAME /dev/null:{PORT:#x}\n"
          f"CHANNELID {PORT:#x}\n"
          f"LIBPATH {DRIVER}\n")


def refuse(_command):
    return b"\x6D\x00"


def echo(command):
    """The data of a short command, then 9000."""
    return command[5:5 + command[4]] + b"\x90\x00"


class VirtualCard:
    """The card is inserted from the start until it is closed, or pcscd ends.

    The next card of a slot must wait until pcscd has seen that there is none: vpcd may take it
    for the one before, without an event.

    answer: a function from a command to its response; it runs in the card's thread, so that it runs
    while the test waits for the answer.
    """

    def __init__(self, slot=0, atr=ATR, answer=refuse):
        self._atr, self._answer = bytes.fromhex(atr), answer
        self._orders = b""
        self._is_known = threading.Event()
        self._socket = socket.create_connection(("127.0.0.1", PORT + slot))
        self._thread = threading.Thread(target=self._serve_in_thread, daemon=True)
        self._thread.start()

    def _serve_in_thread(self):
        """Closes the socket in any case, since pcscd would wait for ever."""
        with contextlib.suppress(ConnectionError), self._socket, \
                self._socket.makefile("rb") as messages:
            while length := self._read_in_thread(messages, 2):
                message = self._read_in_thread(messages, int.from_bytes(length, "big"))
                response = self._respond_in_thread(message)
                if response:
                    self._socket.sendall(len(response).to_bytes(2, "big") + response)

    def _read_in_thread(self, messages, count):
        """vpcd sends the length alone, and the rest when that has been acknowledged: at once."""
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return messages.read(count)

    def _respond_in_thread(self, message):
        if len(message) > 1:
            return self._answer(message)
        self._orders = (self._orders + message)[-len(KNOWN):]
        if self._orders == KNOWN:
            self._is_known.set()
        return self._atr if message == GIVE_ATR else None

    def wait_until_known(self):
        """Waits until new clients of pcscd see the card."""
        if not self._is_known.wait(events.LIMIT_S):
            raise AssertionError("pcscd does not see the virtual card")

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
