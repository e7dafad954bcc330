# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waiting for events, never for time. The limit ends waits for events that never happen."""

import os
import select
import socket
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

PAUSE_S = 0.002
LIMIT_S = float(os.environ.get("SCD_TEST_LIMIT_S", "30"))


def wait_until(condition, what):
    """Runs the main loop until condition() is true; returns its result."""
    over = []
    limit = GLib.timeout_add(int(LIMIT_S * 1000), lambda: over.append(True))
    try:
        while not (value := condition()):
            if over:
                raise AssertionError("this did not happen: " + what)
            GLib.MainContext.default().iteration(True)
        if over:
            raise AssertionError("no event announced this: " + what)
    finally:
        if not over:
            GLib.source_remove(limit)
    return value


def poll_until(condition, what):
    """For what sends no event: asks again and again until condition() is true; returns its result.

    The pause leaves the processor to the programs that are waited for.

    what: the text of the failure, or a function that returns it.
    """
    deadline = time.monotonic() + LIMIT_S
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError("this did not happen: " + (what() if callable(what) else what))
        time.sleep(PAUSE_S)
    return value


def wait_for_file(path):
    """The folder must exist: GIO polls for a missing one every 4 seconds only."""
    monitor = Gio.File.new_for_path(path).monitor(Gio.FileMonitorFlags.NONE)
    wait_until(lambda: os.path.exists(path), path + " appears")
    monitor.cancel()


class NotifySocket:
    """Receives the messages that a service sends to systemd."""

    def __init__(self, path):
        self.path = path
        if os.path.exists(path):
            os.unlink(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        os.chmod(path, 0o777)
        self._socket.settimeout(LIMIT_S)

    def _receive(self):
        return self._socket.recv(4096).decode().splitlines()

    def wait_for(self, line):
        while line not in self._receive():
            pass

    def wait_for_line_with(self, words):
        while not any(words in line for line in self._receive()):
            pass

    def wait_in_loop(self, words):
        """Waits for a line with these words, while the main loop serves a fake service."""
        seen = []
        source = GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, self._socket.fileno(),
                                       GLib.IOCondition.IN,
                                       lambda *_: seen.extend(self._receive()) or True)
        try:
            wait_until(lambda: any(words in line for line in seen), words)
        finally:
            GLib.source_remove(source)

    def lines_until(self, is_over):
        """Returns the lines that are received until is_over() is true."""
        lines = []
        while not is_over():
            if select.select([self._socket], [], [], 0.1)[0]:
                lines += self._receive()
        return lines

    def close(self):
        self._socket.close()
        os.unlink(self.path)
