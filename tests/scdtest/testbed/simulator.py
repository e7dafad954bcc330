# SPDX-License-Identifier: LGPL-2.1-or-later
"""Inserts and removes cards: the client of the simulated reader's socket."""

import contextlib
import socket

from scdtest.testbed import events
from scdtest.testbed.testbed import SIMULATOR_SOCKET

DAY_MS = 24 * 3600 * 1000
ATR = "3B9F11801F4E53696D756C617465642D3100"


class Simulator:
    def __init__(self, path=SIMULATOR_SOCKET):
        self._path = path
        self._connect()

    def _connect(self):
        events.wait_for_file(self._path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        events.poll_until(self._is_connected, "the simulator listens")
        self._answers = self._socket.makefile("r")

    def _is_connected(self):
        """The file is there some time before the simulator listens."""
        try:
            self._socket.connect(self._path)
        except ConnectionRefusedError:
            return False
        return True

    def order(self, *words):
        """Sends one command and returns the value of its answer."""
        self._socket.sendall((" ".join(str(word) for word in words) + "\n").encode())
        verdict, _, value = self._answers.readline().rstrip("\n").partition(" ")
        assert verdict == "ok", f"the simulated reader refuses {words}: {value}"
        return value

    def hold_commands(self, reader):
        """Commands take for ever, until release_commands()."""
        self.order("delay", reader, DAY_MS)

    def finish_command(self, reader):
        """Ends the one that is running; the next one is held as well."""
        self.order("finish", reader)

    def release_commands(self, reader):
        self.order("delay", reader, 0)
        self.order("finish", reader)

    def insert(self, reader, atr=""):
        self.order("insert", reader, atr)

    def remove(self, reader):
        self.order("remove", reader)

    def swap(self, reader, atr=""):
        self.order("swap", reader, atr)

    def status(self, reader):
        return dict(word.split("=") for word in self.order("status", reader).split())

    def wait_for(self, reader, word, command="status"):
        """Polls the status until it has the word, since the simulator sends no events."""
        events.poll_until(lambda: word in self.order(command, reader).split(),
                          lambda: f"{reader} has {word}: {self.order(command, reader)}")

    def is_listed(self, reader):
        """pcsc-lite 2.5 unloads the driver with its last reader, and the socket goes with it."""
        try:
            return reader in self.order("list").split()
        except (OSError, AssertionError):
            self.close()
            with contextlib.suppress(OSError):
                self._connect()
            return False

    def wait_until_listed(self, reader):
        """Polls the list of readers until it has this one."""
        events.poll_until(lambda: self.is_listed(reader), f"{reader} comes")

    def powerups(self, reader):
        """Returns how often pcscd has powered a card up, as it does with each new card."""
        return int(self.status(reader)["powerups"])

    def close(self):
        self._answers.close()
        self._socket.close()
