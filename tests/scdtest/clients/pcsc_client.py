# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that uses pcscd directly: see tests/pcsc-client/pcsc-client.c."""

import os
import subprocess

from gi.repository import GLib

from scdtest.testbed import events
from scdtest.testbed.testbed import built


class PcscClient:
    """It executes the commands one after the other; the main loop reads the results."""

    def __init__(self, environment=None, command=(), program=None):
        """command: a command line prefix. program: the path of a copy of the program."""
        program = program or built("tests/pcsc-client/scd-pcsc-client")
        self._child = subprocess.Popen([*command, program],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       env=environment)
        self.pid = self._child.pid
        self._lines = []
        self._rest = b""  # of a line that is not complete
        self._source = GLib.io_add_watch(self._child.stdout, GLib.IOCondition.IN, self._read)

    def _read(self, stream, _condition):
        """Not readline(): its buffer may keep a second result, for which no event comes."""
        *lines, self._rest = (self._rest + os.read(stream.fileno(), 65536)).split(b"\n")
        self._lines += [line.decode() for line in lines]
        return True

    def send(self, *words):
        """Without waiting for the answer."""
        self._child.stdin.write((" ".join(words) + "\n").encode(errors="surrogateescape"))
        self._child.stdin.flush()

    def answer(self):
        """("ok", value) or ("error", code in hex)."""
        line = events.wait_until(lambda: self._lines and self._lines.pop(0),
                                 "the PC/SC program has a result")
        verdict, _, value = line.partition(" ")
        return verdict, value

    def has_answer(self):
        return bool(self._lines)

    def order(self, *words):
        self.send(*words)
        return self.answer()

    def do(self, *words):
        """Executes a command that must succeed; returns its value."""
        verdict, value = self.order(*words)
        assert verdict == "ok", f"{words}: {value}"
        return value

    def leave(self):
        """Kills the program at once."""
        self._child.kill()
        self._child.wait()

    def close(self):
        self.leave()
        GLib.source_remove(self._source)
        self._child.stdin.close()
        self._child.stdout.close()
