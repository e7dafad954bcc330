#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uses the service for minutes or hours, and fails if it has grown: see tests/soak --help."""

import argparse
import os
import random
import statistics
import sys
import time

os.environ.setdefault("SCD_TEST_LIMIT_S", "90")  # pcsc-lite before 2.3 may show a reader late
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from figures import take_figures
from gi.repository import GLib
from scdtest.testbed import namespace
from scdtest.testbed.usb import PRELOAD
from world import World

MINUTE_S = 60
ERASE_LINE = "\r\x1b[K"

# How much more the end may have than the beginning.
MEMORY_MIB = 1
DESCRIPTORS = 2  # the last one of some kind is closed when the next one is opened
LATENCY = 1.5

HEAD = ("minute", "uses", "changes", "pcscd", "polkit", "MiB", "files", "threads", "call", "bus",
        "command", "direct")


class Soak:
    def __init__(self, minutes, numbers):
        self._minutes = minutes
        self._world = World(numbers)
        self._service = self._world.testbed.service
        self._on_terminal = sys.stdout.isatty()
        self._figures = []  # of each minute

    def run(self):
        """Returns the reasons why the service has failed."""
        try:
            print(row(HEAD), flush=True)
            for minute in range(1, self._minutes + 1):
                self._run_for_a_minute(minute)
                self._add_row(minute)
            self._show("")
            return self._compare()
        finally:
            self._world.close()

    def _run_for_a_minute(self, minute):
        end = time.monotonic() + MINUTE_S
        self._world.start_loads()
        while (left := end - time.monotonic()) > 0:
            self._show(f"minute {minute} of {self._minutes}: {left:.0f} s left, "
                       f"{self._world.counts['changes']} changes. Press Ctrl-C to stop.")
            try:
                self._world.change()
            finally:
                if not self._service.is_running():
                    raise AssertionError("\n".join([
                        f"the service has ended with {self._service.wait()}:",
                        *warnings_of(self._service)]))
        self._world.stop_loads()

    def _show(self, text):
        if self._on_terminal:
            print(ERASE_LINE + text, end="", flush=True)

    def _add_row(self, minute):
        world = self._world
        reader = world.name_of_reader_with_card()
        figures = take_figures(world.client, self._service.pid, reader)
        self._figures.append(figures)
        self._show("")
        print(row([minute, world.counts["uses"], world.counts["changes"],
                   world.counts["restart_pcscd"], world.counts["restart_polkit"],
                   f"{figures.private:.2f}", figures.descriptors, figures.threads,
                   *[f"{value:.0f}" for value in figures[3:]]]), flush=True)

    def _compare(self):
        ratios = [figures._replace(call=figures.call / figures.bus,
                                   command=figures.command / figures.direct)
                  for figures in self._figures]
        reasons = []
        for name, unit, is_too_much in (
                ("private", "MiB of private memory", lambda start, end: end > start + MEMORY_MIB),
                ("descriptors", "descriptors", lambda start, end: end > start + DESCRIPTORS),
                ("threads", "threads", lambda start, end: end > start),
                ("call", "times a call to the bus for a method call", is_slower),
                ("command", "times a direct command for a command", is_slower)):
            start, end = start_and_end([getattr(figures, name) for figures in ratios])
            print(f"{start:.2f} {unit} at the start, {end:.2f} at the end")
            if is_too_much(start, end):
                reasons.append(f"{start:.2f} {unit} have become {end:.2f}")
        if missed := self._world.counts["missed"]:
            print(f"pcscd has missed {missed} changes.")
        if warnings := warnings_of(self._service):
            print("The service has logged:", *warnings, sep="\n")
        return reasons


def is_slower(start, end):
    return end > start * LATENCY


def warnings_of(service):
    """Returns the last lines that are no consequence of what the soak does."""
    expected = ("-INFO: ", "pcscd: ", "was refused reader", "no longer authorized",
                " were dropped: opened sessions")
    return [line for line in service.output.splitlines()
            if line and not any(words in line for words in expected)][-50:]


def start_and_end(values):
    """Returns medians of a part of the values at each end: of 5 values if there are enough."""
    count = max(1, min(5, len(values) // 3))
    return statistics.median(values[:count]), statistics.median(values[-count:])


def row(values):
    return "  ".join(f"{value:>{len(name)}}" for value, name in zip(values, HEAD))


def parse_arguments():
    """The options are described by tests/soak --help."""
    parser = argparse.ArgumentParser(prog="tests/soak", add_help=False,
                                     usage="see tests/soak --help")
    parser.add_argument("minutes", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    return parser.parse_args()


def main(options):
    print(f"Seed: {options.seed}", flush=True)
    try:
        reasons = Soak(options.minutes, random.Random(options.seed)).run()
    except KeyboardInterrupt:
        print()
        return 130
    except (AssertionError, GLib.Error, OSError) as error:
        print()
        reasons = [str(error)]
    for reason in reasons:
        print(f"soak: {reason}", file=sys.stderr)
    return 1 if reasons else 0


if __name__ == "__main__":
    arguments = parse_arguments()
    namespace.enter(preload=PRELOAD)
    sys.exit(main(arguments))
