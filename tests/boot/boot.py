#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""boot.py IMAGE RESULTS MACHINE...: boots the machines (machines.py), one after the other.

Prints the TAP output of their tests, and then the numbers of passed and failed tests.
"""

import asyncio
import re
import sys

from machine import Machine
from machines import MACHINES

LIMIT_S = 900 # emulation is slow, and slower on a busy machine


class Tally:
    """Prints and counts TAP lines. A program that ends before its plan is complete is a failure."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self._missing = 1

    def line(self, text: str) -> None:
        print(text, flush=True)
        if plan := re.fullmatch(r"1\.\.(\d+)", text):
            self._missing = int(plan[1])
        elif verdict := re.match(r"(ok|not ok) \d+ [^#]*(# SKIP)?", text):
            self._missing -= 1
            self.skipped += bool(verdict[2])
            self.passed += verdict[1] == "ok" and not verdict[2]
            self.failed += verdict[1] == "not ok"

    def ended(self, machine: str) -> None:
        if self._missing:
            self.line(f"not ok 0 {machine} ended early")
        self._missing = 1


async def boot(name: str, image: str, results: str, tally: Tally) -> None:
    tally.line(f"# {name}")
    try:
        await Machine(name, image, results, tally.line).run(MACHINES[name], LIMIT_S)
    except asyncio.TimeoutError:
        tally.line(f"# not done after {LIMIT_S} s")
    tally.ended(name)


def main(image: str, results: str, *names: str) -> bool:
    tally = Tally()
    for name in names:
        asyncio.run(boot(name, image, results, tally))
    print(f"{tally.passed} passed, {tally.failed} failed"
          + (f", {tally.skipped} skipped" if tally.skipped else ""))
    return tally.failed == 0


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
