# SPDX-License-Identifier: LGPL-2.1-or-later
"""A child process whose exit status is checked."""

import os
import shutil
import signal
import subprocess
import tempfile

from scdtest.testbed import events


SIGNALS = ("SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt")


def _read(path):
    """Returns the content of a file in /proc, or nothing if what it is of has gone meanwhile."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _describe_thread(folder):
    status = dict(line.split(":\t", 1) for line in _read(folder + "/status").splitlines())
    sets = [f"{name} {status.get(name)}" for name in SIGNALS]
    return (f"{os.path.basename(folder)} {status.get('Name')}: state {status.get('State')}, "
            f"in {_read(folder + '/wchan')}, system call {_read(folder + '/syscall').strip()}, "
            + ", ".join(sets))


def _read_stacks(pid):
    """Returns the calls that each thread is in, if gdb is installed."""
    if not shutil.which("gdb"):
        return ""
    command = ["gdb", "-nx", "-batch", "-p", str(pid), "-ex", "thread apply all bt"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False).stdout.decode(errors="replace")


def describe_threads(pid):
    """Returns a line for each thread: what it waits for, and its signals; and its calls."""
    folder = f"/proc/{pid}/task"
    lines = [_describe_thread(os.path.join(folder, thread))
             for thread in sorted(os.listdir(folder), key=int)]
    return "\n".join([*lines, _read_stacks(pid)])


class Process:
    """Keeps the output in a file, for error messages."""

    def __init__(self, name, command, environment=None, **options):
        self.name = name
        self._log = tempfile.TemporaryFile(prefix=name + "-")
        options.setdefault("stdout", self._log)
        options.setdefault("stderr", self._log)
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("start_new_session", True)  # Ctrl-C must not reach it
        assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ()), \
            f"{name} would not end: it would inherit that SIGTERM is blocked"
        self._child = subprocess.Popen(command, env={**os.environ, **(environment or {})},
                                       **options)
        self.pid = self._child.pid

    @property
    def output(self):
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode(errors="replace")

    def is_running(self):
        return self._child.poll() is None

    def has_timer(self):
        """Returns whether a timer of the process is set: it would wake up without an event."""
        folder = f"/proc/{self.pid}/fdinfo"
        texts = [_read(os.path.join(folder, fd)) for fd in os.listdir(folder)]
        return any("clockid" in text and "it_value: (0, 0)" not in text for text in texts)

    def send_signal(self, number):
        """Returns after SIGSTOP when all threads stand: one may still run when kill() returns."""
        self._child.send_signal(number)
        if number == signal.SIGSTOP:
            events.poll_until(self._is_stopped, f"{self.name} stops")

    def _is_stopped(self):
        folder = f"/proc/{self.pid}/task"
        return all("\nState:\tT" in _read(os.path.join(folder, task, "status"))
                   for task in os.listdir(folder))

    def wait(self):
        """Waits for the end and returns the status; a process that does not end is an error."""
        try:
            return self._child.wait(timeout=events.LIMIT_S)
        except subprocess.TimeoutExpired:
            threads = describe_threads(self.pid)
            self.kill()
            raise AssertionError(
                f"{self.name} does not end:\n{self.output}\n{threads}") from None

    def stop(self, number=signal.SIGTERM, expect=(0,)):
        if self.is_running():
            self._child.send_signal(number)
        status = self.wait()
        assert status in expect, f"{self.name} ended with {status}:\n{self.output}"

    def kill(self):
        self._child.kill()
        self._child.wait()
