# SPDX-License-Identifier: LGPL-2.1-or-later
"""A command on a terminal, or with its output in a pipe."""

import fcntl
import os
import platform
import re
import subprocess
import tempfile
import termios

from gi.repository import GLib

from scdtest.testbed import events

# The number of the system call.
PPOLL = "271" if platform.machine() == "x86_64" else "73"

ERASE_LINE = "\x1b[K"


class Program:
    """The main loop reads its output, and serves the other clients of the test."""

    def __init__(self, command, columns=None, environment=None, text=None):
        """columns: of a terminal that has all three standard streams; without it, pipes.

        text: the content of the standard input.
        """
        self.output = ""
        self._terminal = columns is not None
        self._ended = False
        self._bytes = b""
        self._errors = tempfile.TemporaryFile(prefix="errors-")
        self._own_end, child_end = os.openpty() if columns else os.pipe()
        self._input = tempfile.TemporaryFile("w+", encoding="utf-8", prefix="input-")
        self._input.write(text or "")
        self._input.seek(0)
        options = {"stdin": self._input, "stdout": child_end, "stderr": self._errors}
        if columns:
            termios.tcsetwinsize(child_end, (24, columns))
            options = {"stdin": child_end, "stdout": child_end, "stderr": child_end,
                       "start_new_session": True, "preexec_fn": self._take_terminal}
        self._child = subprocess.Popen(command, env={**os.environ, **(environment or {})},
                                       **options)
        os.close(child_end)
        self._source = GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, self._own_end,
                                             GLib.IOCondition.IN | GLib.IOCondition.HUP,
                                             self._read)

    @staticmethod
    def _take_terminal():
        """So that Ctrl-C reaches the program."""
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def _read(self, fd, _condition):
        try:
            piece = os.read(fd, 65536)
        except OSError:  # EIO: no process has the terminal open any more
            piece = b""
        self._bytes += piece
        self.output = self._bytes.decode(errors="replace")
        self._ended = not piece
        return bool(piece)

    @property
    def errors(self):
        """The standard error of a program with pipes."""
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), size, 0).decode()

    def waits_without_limit(self):
        """Returns whether it sleeps in ppoll() without a time limit, and so only wakes by events."""
        with open(f"/proc/{self._child.pid}/syscall", encoding="ascii") as file:
            number, *arguments = file.read().split()
        return number == PPOLL and arguments[2] == "0x0"

    @property
    def raw_output(self):
        return self._bytes

    @property
    def lines(self):
        """Those that are complete, as they were written."""
        return self.output.split("\n")[:-1]

    @property
    def ended(self):
        return self._ended

    @property
    def screen(self):
        return screen_after(self.output)

    @property
    def shown(self):
        return self.screen if self._terminal else self.lines

    def wait_for(self, *words):
        """Waits until one visible line has all these words."""
        def found():
            return any(all(word in line for word in words) for line in self.shown)

        events.wait_until(lambda: found() or self._ended, f"{words} in {self.output!r}")
        assert found(), f"it ended without {words}: {self.output!r} {self.errors!r}"

    def wait_for_lines(self, count):
        events.wait_until(lambda: len(self.lines) >= count or self._ended, f"{count} lines")
        assert len(self.lines) >= count, f"it ended early: {self.output!r} {self.errors!r}"

    def type(self, text):
        os.write(self._own_end, text.encode())

    def send_signal(self, number):
        self._child.send_signal(number)

    def close_output(self):
        """Closes the reading end."""
        GLib.source_remove(self._source)
        os.close(self._own_end)
        self._own_end = None

    def wait(self):
        """Waits for the end and returns the status."""
        if self._own_end is not None:
            events.wait_until(lambda: self._ended, f"the end, after {self.output!r}")
        return self._child.wait(timeout=events.LIMIT_S)

    def close(self):
        self._child.kill()
        self._child.wait()
        if self._own_end is not None:
            if not self._ended:
                GLib.source_remove(self._source)
            os.close(self._own_end)
        self._errors.close()
        self._input.close()


def screen_after(text):
    """Returns the lines of a wide terminal after the text; fails on other control sequences."""
    lines, column = [""], 0
    for piece in re.findall(r"\x1b\[K|\r|\n|[^\x1b\r\n]+|\x1b", text):
        if piece == ERASE_LINE:
            lines[-1] = lines[-1][:column]
        elif piece == "\r":
            column = 0
        elif piece == "\n":
            lines.append("")
            column = 0
        else:
            assert piece.isprintable(), f"a terminal would obey {piece!r}"
            lines[-1] = lines[-1][:column] + piece + lines[-1][column + len(piece):]
            column += len(piece)
    return lines
