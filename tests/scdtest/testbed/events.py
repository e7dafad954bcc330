# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waiting for events, never for time. The limit ends waits for events that never happen."""

import ctypes
import os
import select
import socket
import time

import gi

gi.require_version("GLib", "2.0")
from gi.repository import GLib  # noqa: E402

PAUSE_S = 0.002
IN_MOVED_TO, IN_CREATE = 0x80, 0x100
LIMIT_S = float(os.environ.get("SCD_TEST_LIMIT_S", "30"))

_libc = ctypes.CDLL(None, use_errno=True)


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
    """The folder must exist.

    This is not done with GFileMonitor, whose thread has all signals blocked and looks at the file,
    too. In a process that has umockdev preloaded, before its version 0.18.4, a call with a path
    blocks all signals, and keeps the mask of its thread in a variable that the threads share and no
    lock protects. So this thread could restore the mask of the other one, and all programs that it
    starts from then on would have SIGTERM blocked.
    """
    inotify = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    source = GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, inotify, GLib.IOCondition.IN,
                                   lambda *_: bool(os.read(inotify, 4096)))
    try:
        folder = os.fsencode(os.path.dirname(path))
        if _libc.inotify_add_watch(inotify, folder, IN_CREATE | IN_MOVED_TO) < 0:
            raise OSError(ctypes.get_errno(), "cannot watch the folder", folder)
        wait_until(lambda: os.path.exists(path), path + " appears")
    finally:
        GLib.source_remove(source)
        os.close(inotify)


def _is_listening(path):
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
        return any(line.split()[3] == "00010000" and line.endswith(f" {path}\n") for line in file)


def wait_for_listener(path):
    """For a socket: its file is there some time before the program listens."""
    wait_for_file(path)
    poll_until(lambda: _is_listening(path), path + " has a listener")


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
