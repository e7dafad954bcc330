#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""boot.py IMAGE RESULTS MACHINE...: boots the machines (machines.py), one for each processor at once.

Prints the TAP output of the test of each machine when it is off, and at the end the numbers of
passed and failed tests.
"""

import asyncio
import os
import re
import sys

from machine import Machine
from machines import MACHINES

LIMIT_S = 900 # emulation is slow, and slower on a busy machine


class Tally:
    """Counts the TAP lines of a test. One that ends before its plan is complete is a failure."""

    def __init__(self):
        self.lines = []
        self.passed = self.failed = self.skipped = 0
        self._missing = 1

    def line(self, text: str) -> None:
        self.lines.append(text)
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


async def boot(name: str, image: str, results: str, free: asyncio.Semaphore) -> Tally:
    tally = Tally()
    tally.line(f"# {name}")
    async with free:
        try:
            await Machine(name, image, results, tally.line).run(MACHINES[name], LIMIT_S)
        except asyncio.TimeoutError:
            tally.line(f"# not done after {LIMIT_S} s")
    tally.ended(name)
    print(*tally.lines, sep="\n", flush=True)
    return tally


async def boot_all(image: str, results: str, names: tuple[str, ...]) -> list[Tally]:
    free = asyncio.Semaphore(os.cpu_count() or 1)  # QEMU emulates one processor in one thread
    return await asyncio.gather(*(boot(name, image, results, free) for name in names))


def main(image: str, results: str, *names: str) -> bool:
    tallies = asyncio.run(boot_all(image, results, names))
    passed, failed, skipped = (sum(getattr(tally, kind) for tally in tallies)
                               for kind in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return failed == 0


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
