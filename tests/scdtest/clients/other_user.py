# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the service that runs for another user, in a process of its own."""

import contextlib
import functools
import json
import os
import pwd
import select
import signal
import socket
import subprocess

from gi.repository import GLib

from scdtest.clients.methods import needs_options
from scdtest.testbed import events
from scdtest.testbed.testbed import BUS_ADDRESS

SERVICE, BUS = "org.smartcardd1", "org.freedesktop.DBus"
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "other_user_program.py")


class CallError(Exception):
    """name: of the D-Bus error."""

    def __init__(self, name, message):
        super().__init__(f"{name}: {message}")
        self.name, self.message = name, message


def _command(*arguments):
    """The command line of the program; its text is an argument, which each user can read."""
    with open(PROGRAM, encoding="utf-8") as file:
        return ["/usr/bin/python3", "-c", file.read(), *map(str, arguments), BUS_ADDRESS,
                str(int(events.LIMIT_S * 1000))]


@functools.cache
def _starter():
    """Returns the socket of the process that starts the programs; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(_command(theirs.fileno()), cwd="/", pass_fds=[theirs.fileno()])
    return ours


class _Started:
    """A program that runs for that user."""

    def __init__(self, account):
        their_input, self.stdin = os.pipe()
        self.stdout, their_output = os.pipe()
        order = json.dumps([account.pw_uid, account.pw_gid]).encode()
        socket.send_fds(_starter(), [order], [their_input, their_output])
        os.close(their_input)
        os.close(their_output)
        self.pid = int(_starter().recv(100))
        self._handle = os.pidfd_open(self.pid)

    def leave(self):
        """Kills it, and waits until it has ended."""
        if self._handle is None:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        ended, _, _ = select.select([self._handle], [], [], events.LIMIT_S)
        assert ended, "the other user's program does not end"
        os.close(self._handle)
        self._handle = None


class _Launched:
    """A program that another one, the launcher, runs for the user."""

    def __init__(self, launcher):
        self._child = subprocess.Popen([*launcher, *_command()], cwd="/", stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        self.pid = self._child.pid
        self.stdin, self.stdout = (os.dup(pipe.fileno())
                                   for pipe in (self._child.stdin, self._child.stdout))
        self._child.stdin.close()
        self._child.stdout.close()

    def leave(self):
        self._child.kill()
        self._child.wait()


class OtherUser:
    """The main loop receives its replies and signals, and serves the other clients of the test.

    launcher: a command that runs another one for that user; else it is simply started.
    """

    def __init__(self, user, launcher=()):
        account = pwd.getpwnam(user)
        self._program = _Launched(launcher) if launcher else _Started(account)
        self.pid, self.uid = self._program.pid, account.pw_uid
        self.name = None
        self.signals = []  # of its sessions: (path, member, arguments)
        self._number = 0
        self._answers = {}
        self._rest = b""
        self._ended = False
        GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, self._program.stdout,
                              GLib.IOCondition.IN | GLib.IOCondition.HUP, self._read)
        self._wait(lambda: self.name, "it is on the bus")

    def _read(self, descriptor, _condition):
        piece = os.read(descriptor, 65536)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._note(json.loads(line))
        self._ended = not piece
        return bool(piece)

    def _note(self, words):
        if "name" in words:
            self.name = words["name"]
        elif "number" in words:
            self._answers[words["number"]] = words
        else:
            self.signals.append((words["path"], words["signal"], words["arguments"]))

    def _wait(self, condition, what):
        events.wait_until(lambda: condition() or self._ended, what)
        assert condition(), "the other user's program has ended before " + what

    def send(self, path, interface, method, signature="()", *arguments, interactive=False,
             destination=SERVICE):
        """Calls without waiting for the reply; returns a number for wait_for()."""
        if needs_options(method, len(arguments)):
            signature, arguments = signature[:-1] + "a{sv})", (*arguments, {})
        self._number += 1
        order = {"number": self._number, "path": path, "interface": interface, "method": method,
                 "signature": signature, "arguments": arguments, "interactive": interactive,
                 "destination": destination}
        os.write(self._program.stdin, json.dumps(order).encode() + b"\n")
        return self._number

    def wait_for(self, number):
        self._wait(lambda: number in self._answers, "the answer")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise CallError(answer["error"], answer["message"])
        return answer["answer"]

    def call(self, *order, **options):
        return self.wait_for(self.send(*order, **options))

    def wait_until_sent(self):
        """Waits until the bus has received all its earlier messages."""
        self.call("/", BUS, "GetId", destination=BUS)

    def wait_for_signal(self, path, member):
        """Returns its arguments."""
        def find():
            return [arguments for at, name, arguments in self.signals
                    if (at, name) == (path, member)]
        self._wait(find, f"{member} from {path}")
        return find()[0]

    def leave(self):
        """Kills the program at once."""
        self._program.leave()

    def close(self):
        """A launcher may leave its child behind, which ends when its input is closed."""
        self.leave()
        os.close(self._program.stdin)
        events.wait_until(lambda: self._ended, "the end of the other user's program")
        os.close(self._program.stdout)
