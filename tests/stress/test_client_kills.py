#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients of all kinds are killed, from their start to the middle of a command."""

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from load import kinds
from scdtest.cases import case
from scdtest.testbed.testbed import built
from stress import StressTest, count

AT_ONCE = 4
LONGEST_PAUSE_S = 0.15

# Commands of smartcardctl that use a card, or wait.
COMMANDS = (["monitor"], ["list"], ["status"], ["wait", "--removal"], ["hold", "A 00 00"],
            ["transmit", "A 00 00", *["8010000003010203"] * 20], ["script", "A 00 00", "-"],
            ["reset", "B 01 00"], ["who"])


class Command:
    """A command of smartcardctl, whose results do not matter."""

    def __init__(self, arguments):
        self._child = subprocess.Popen([built("cli/smartcardctl"), *arguments],
                                       stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        self._child.stdin.write(b"begin\n00A40400\n" * 20)
        self._child.stdin.flush()

    def close(self):
        self._child.send_signal(signal.SIGKILL)
        self._child.wait()
        self._child.stdin.close()


class Kills(StressTest):
    def start_any(self):
        kind = self.numbers.choice([*kinds(), "command"])
        return Command(self.numbers.choice(COMMANDS)) if kind == "command" else self.start_load(kind)

    def end(self, client):
        if isinstance(client, Command):
            client.close()
        else:
            client.check()
            self.close_load(client)

    def test_kills(self):
        self.start()
        alive = []
        for _ in range(count(30, 1000)):
            if len(alive) == AT_ONCE:
                self.end(alive.pop(self.numbers.randrange(AT_ONCE)))
            alive.append(self.start_any())
            self.pause(LONGEST_PAUSE_S)
        for client in alive:
            self.end(client)
        self.assert_nothing_left()


if __name__ == "__main__":
    case.main()
