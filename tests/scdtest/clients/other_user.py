# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the service that runs for another user, in a process of its own."""

import json
import os
import pwd
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


class OtherUser:
    """The main loop receives its replies and signals, and serves the other clients of the test.

    launcher: a command that runs another one for that user; else it is simply started.
    """

    def __init__(self, user, launcher=()):
        account = pwd.getpwnam(user)
        with open(PROGRAM, encoding="utf-8") as file:
            program = file.read()
        identity = {} if launcher else {"user": account.pw_uid, "group": account.pw_gid,
                                        "extra_groups": []}
        self._child = subprocess.Popen(
            [*launcher, "/usr/bin/python3", "-c", program, BUS_ADDRESS,
             str(int(events.LIMIT_S * 1000))],
            cwd="/", bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **identity)
        self.pid, self.uid = self._child.pid, account.pw_uid
        self.name = None
        self.signals = []  # of its sessions: (path, member, arguments)
        self._number = 0
        self._answers = {}
        self._rest = b""
        self._ended = False
        GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, self._child.stdout.fileno(),
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
        self._child.stdin.write(json.dumps(order).encode() + b"\n")
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
        self._child.kill()
        self._child.wait()

    def close(self):
        """A launcher may leave its child behind, which ends when its input is closed."""
        self.leave()
        self._child.stdin.close()
        events.wait_until(lambda: self._ended, "the end of the other user's program")
        self._child.stdout.close()
