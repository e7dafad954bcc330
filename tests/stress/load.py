# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that keeps the service busy, and tries again when it fails: see load_program.py."""

import collections
import os
import subprocess
import sys
import tempfile

from gi.repository import GLib

from scdtest.cases.glib_library import TYPELIB
from scdtest.clients.library import THROUGH_LIBRARY
from scdtest.testbed import events

CALL_LIMIT_S = "120"  # longer than pcscd or the service is away

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "load_program.py")


def kinds():
    """Those that this build has: clients of the service, and as the last one a program beside it.

    bus, channel: D-Bus calls, and a channel beside them; library: the client library; pcsc: the
    PC/SC library over the bus; pcscd: pcscd, without the service.
    """
    return ["bus", "channel", *(["library"] if os.path.exists(TYPELIB) else []), "pcsc", "pcscd"]


class Load:
    """failures: the errors of the attempts that failed, with their numbers."""

    def __init__(self, kind, seed, account="root"):
        """account: the user that the kinds "bus" and "channel" connect as."""
        self.kind, self.seed = kind, seed
        self.uses, self.failures = 0, collections.Counter()
        self._errors = tempfile.TemporaryFile(prefix="errors-")
        self._child = subprocess.Popen(
            [*(THROUGH_LIBRARY if kind == "pcsc" else ()), "env", "ASAN_OPTIONS=detect_leaks=0",
             sys.executable, PROGRAM, kind, str(seed), account],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors,
            env={**os.environ, "SCD_TEST_LIMIT_S": CALL_LIMIT_S})
        self.pid = self._child.pid
        self._rest, self._ended = b"", False
        self._source = GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, self._child.stdout.fileno(),
                                             GLib.IOCondition.IN | GLib.IOCondition.HUP, self._read)

    def __repr__(self):
        return f"{self.kind} with seed {self.seed}"

    def _read(self, descriptor, _condition):
        piece = os.read(descriptor, 65536)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            word, _, error = line.decode().partition(" ")
            if word == "used":
                self.uses += 1
            else:
                self.failures[error] += 1
        self._ended = not piece
        return bool(piece)

    def check(self):
        """Fails if the program has ended."""
        if self._ended:
            self._child.wait()
            self._errors.seek(0)
            raise AssertionError(f"{self} ended with {self._child.returncode}: "
                                 + self._errors.read().decode())

    def wait_for_use(self):
        """Returns when it has used a card, from beginning to end, since this call."""
        while GLib.MainContext.default().iteration(False):
            pass
        enough = self.uses + 2
        try:
            events.wait_until(lambda: self.uses >= enough or self._ended, f"{self} uses a card")
        except AssertionError as error:
            raise AssertionError(f"{error}; its failures: {self.failures}") from None
        self.check()

    def kill(self):
        """Ends it at once, whatever it is doing."""
        self._child.kill()
        self._child.wait()

    def close(self):
        self.kill()
        if not self._ended:
            GLib.source_remove(self._source)
        self._child.stdout.close()
        self._errors.close()
