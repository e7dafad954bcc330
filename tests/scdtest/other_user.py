# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the service that runs for another user, in a process of its own."""

import json
import os
import pwd
import subprocess

from . import events
from .world import BUS_ADDRESS

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "caller.py")


class CallError(Exception):
    """name: of the D-Bus error."""

    def __init__(self, name, message):
        super().__init__(f"{name}: {message}")
        self.name, self.message = name, message


class OtherUser:
    def __init__(self, user):
        account = pwd.getpwnam(user)
        with open(PROGRAM, encoding="utf-8") as file:
            program = file.read()
        self._child = subprocess.Popen(
            ["/usr/bin/python3", "-c", program, BUS_ADDRESS, str(int(events.LIMIT_S * 1000))],
            user=account.pw_uid, group=account.pw_gid, extra_groups=[], cwd="/", text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._number = 0
        self._answers = {}
        self.name = self._read()["name"]

    def _read(self):
        """Each call has its answer or an error in time, so this never waits for ever."""
        line = self._child.stdout.readline()
        assert line, "the other user's program has ended"
        return json.loads(line)

    def send(self, path, interface, method, signature="()", *arguments, interactive=False):
        """Calls, and does not wait for the answer. Gives a number for wait_for()."""
        self._number += 1
        order = {"number": self._number, "path": path, "interface": interface, "method": method,
                 "signature": signature, "arguments": arguments, "interactive": interactive}
        self._child.stdin.write(json.dumps(order) + "\n")
        self._child.stdin.flush()
        return self._number

    def wait_for(self, number):
        while number not in self._answers:
            answer = self._read()
            self._answers[answer["number"]] = answer
        answer = self._answers.pop(number)
        if "error" in answer:
            raise CallError(answer["error"], answer["message"])
        return answer["answer"]

    def call(self, *order, **options):
        return self.wait_for(self.send(*order, **options))

    def leave(self):
        """At once, whatever it waits for."""
        self._child.kill()
        self._child.wait()

    def close(self):
        self.leave()
        self._child.stdin.close()
        self._child.stdout.close()
