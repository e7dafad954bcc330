# SPDX-License-Identifier: LGPL-2.1-or-later
"""The process of a PC/SC program in Python: see scdtest.clients.winscard."""

import os
import subprocess

from gi.repository import GLib

from scdtest.clients import winscard
from scdtest.testbed import events


class Script:
    """Reads the lines of the program in the main loop, which serves the test's other clients."""

    def __init__(self, way, function, *arguments, environment=None):
        """way: how the command line begins, see scdtest.clients.library."""
        self._child = subprocess.Popen(
            [*way, "env", "ASAN_OPTIONS=detect_leaks=0", *winscard.command_of(function, *arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, **(environment or {})})
        self.pid = self._child.pid
        self._bytes = b""
        self._ended = False
        self._source = GLib.unix_fd_add_full(
            GLib.PRIORITY_DEFAULT, self._child.stdout.fileno(),
            GLib.IOCondition.IN | GLib.IOCondition.HUP, self._read)

    def _read(self, fd, _condition):
        piece = os.read(fd, 65536)
        self._bytes += piece
        self._ended = not piece
        return bool(piece)

    def has_line(self):
        return b"\n" in self._bytes

    def line(self):
        """The next line; None after the last one."""
        events.wait_until(lambda: self.has_line() or self._ended, "the program prints a line")
        if not self.has_line():
            return None
        line, _, self._bytes = self._bytes.partition(b"\n")
        return line.decode()

    def words(self):
        return self.line().split(" ")

    def rest(self):
        """All further lines, until all processes of the program have ended."""
        return list(iter(self.line, None))

    def go_on(self):
        self._child.stdin.write(b"\n")
        self._child.stdin.flush()

    def wait(self):
        """The exit status of the process that was started; it must have begun to end."""
        return self._child.wait(events.LIMIT_S)

    def kill(self):
        self._child.kill()
        self._child.wait()

    def close(self):
        self.kill()
        if not self._ended:
            GLib.source_remove(self._source)
        self._child.stdin.close()
        self._child.stdout.close()
