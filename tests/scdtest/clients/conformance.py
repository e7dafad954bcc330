# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the conformance program: executes its requests, and collects the lines of its cases."""

import os
import selectors
import subprocess

from scdtest.clients.pcsc_client import PcscClient
from scdtest.testbed import events
from scdtest.testbed.testbed import BUILD


class Conformance:
    """orders: by the first word of a request, a function from the other words to the result.
    Other requests go to the simulated reader.

    build: the build folder of the program.
    """

    def __init__(self, simulator, command=(), orders=None, other_command=(), environment=None,
                 build=BUILD):
        self._simulator = simulator
        self._orders = {"other": self._order_other, **(orders or {})}
        self._command, self._other_command = command, other_command
        self._environment = {**os.environ, **(environment or {})}
        self._program = os.path.join(build, "tests/library/scd-conformance")
        self._other = None

    def run(self, *subjects):
        """The lines of all cases."""
        lines = []
        with subprocess.Popen([*self._command, self._program, *subjects], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, env=self._environment) as program:
            try:
                for line in self._read(program, lines):
                    if line.startswith("? "):
                        program.stdin.write((self._do(*line[2:].split(" ")) + "\n").encode())
                        program.stdin.flush()
                    else:
                        lines.append(line)
            finally:
                program.kill()
                if self._other:
                    self._other.close()
                    self._other = None
        assert program.returncode == 0, f"ended with {program.returncode} after {lines[-3:]}"
        return lines

    @staticmethod
    def _read(program, lines):
        """Yields each line as it arrives; fails when none arrives in time."""
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(program.stdout, selectors.EVENT_READ)
            while True:
                assert selector.select(events.LIMIT_S), f"it hangs after {lines[-3:]}"
                piece = os.read(program.stdout.fileno(), 65536)
                if not piece:
                    program.wait(events.LIMIT_S)
                    return
                *whole, rest = (rest + piece).split(b"\n")
                yield from (line.decode() for line in whole)

    def _do(self, word, *words):
        order = self._orders.get(word)
        return order(*words) if order else self._simulator().order(word, *words)

    def _order_other(self, word, *words):
        """Executes a request of another PC/SC program, which runs until "leave"."""
        if not self._other:
            self._other = PcscClient(command=self._other_command)
        if word == "send":
            self._other.send(*words)
            return ""
        if word == "leave":
            self._other.close()
            self._other = None
            return ""
        return " ".join(self._other.answer() if word == "answer"
                        else self._other.order(word, *words))
