#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the conformance program with libpcsclite and with the library, and compares the lines.

Each run has a test bed of its own, and so the same initial state. The file "differences" lists the
permitted differences with reasons.
"""

import difflib
import fnmatch
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import ATR
from scdtest.clients.conformance import Conformance
from scdtest.clients.library import DIRECT, THROUGH_LIBRARY, Stage, through_library
from scdtest.testbed import usb
from scdtest.testbed.testbed import simulated_reader

LISTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "differences")

# All subjects except those that need a test bed of their own.
SUBJECTS = ["contexts", "lists", "texts", "connect", "reconnect", "states", "buffers",
            "attributes", "transmit", "transactions", "others", "changes", "cancel", "fork",
            "threads"]
WITH_OTHERS = ["others", "changes"]
READERS = [simulated_reader("A", card=ATR), simulated_reader("B"),
           simulated_reader("C", slots=2)]


def listed_differences():
    """Patterns of lines: "- " of libpcsclite, "+ " of the library."""
    with open(LISTED, encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file if line.startswith(("- ", "+ "))]


class ConformanceTest(unittest.TestCase):
    @staticmethod
    def run_at(way, other_way, subjects, **more):
        """Runs all subjects in one test bed."""
        with Stage(way, other_way) as stage:
            stage.start(READERS)
            return Conformance(stage.simulator, way, other_command=other_way,
                               **more).run(*subjects)

    def assert_same(self, direct, library):
        listed = listed_differences()
        different = [f"{line[0]} {line[1:]}"
                     for line in difflib.unified_diff(direct, library, n=0, lineterm="")
                     if not line.startswith(("---", "+++", "@@"))]
        unlisted = [line for line in different
                    if not any(fnmatch.fnmatchcase(line, pattern) for pattern in listed)]
        self.assertEqual(unlisted, [], "\n" + "\n".join(unlisted))


class Conforms(ConformanceTest):
    def test_simulated_readers(self):
        direct = self.run_at(DIRECT, DIRECT, SUBJECTS)
        self.assertGreater(len(direct), 1000)
        self.assert_same(direct, self.run_at(THROUGH_LIBRARY, THROUGH_LIBRARY, SUBJECTS))

    def test_other_program_uses_the_other_library(self):
        direct = self.run_at(DIRECT, DIRECT, WITH_OTHERS)
        self.assert_same(direct, self.run_at(THROUGH_LIBRARY, DIRECT, WITH_OTHERS))
        self.assert_same(direct, self.run_at(DIRECT, THROUGH_LIBRARY, WITH_OTHERS))

    def test_without_blocking(self):
        environment = {"PCSCLITE_NO_BLOCKING": "1"}
        self.assert_same(*(self.run_at(way, way, ["no-blocking"], environment=environment)
                           for way in (DIRECT, THROUGH_LIBRARY)))

    def test_pcscd_starts_and_stops(self):
        self.assert_same(*(self.run_beside_pcscd(way) for way in (DIRECT, THROUGH_LIBRARY)))

    @staticmethod
    def run_beside_pcscd(way):
        with Stage(way) as stage:
            def order(word):
                stage.forget_simulator()
                if word == "start":
                    stage.testbed.start_pcscd(READERS)
                else:
                    stage.testbed.stop_pcscd()
                stage.wait_for_readers(4 if word == "start" else 0)
                return ""
            stage.start_service()
            return Conformance(stage.simulator, way, orders={"pcscd": order}).run("no-service")

    def test_readers_are_plugged_and_unplugged(self):
        """The subject unplugs all readers at its end, so both runs begin without a reader."""
        bus = usb.Bus()
        self.addCleanup(bus.close)
        ports = {f"1-{number}": usb.Reader(bus, f"1-{number}", number + 1) for number in (1, 2)}
        self.assert_same(*(self.run_with_usb(way, bus, ports)
                           for way in (DIRECT, THROUGH_LIBRARY)))

    @staticmethod
    def run_with_usb(way, bus, ports):
        orders = {"plug": lambda port: ports[port].plug() or "",
                  "unplug": lambda port: ports[port].unplug() or ""}
        with Stage(way) as stage:
            stage.start((), environment=bus.environment())
            return Conformance(stage.simulator, way, orders=orders).run("unplug")


class UnderTools(ConformanceTest):
    """Slow: only run if an environment variable requests it."""

    @unittest.skipUnless("SCD_VALGRIND" in os.environ, "SCD_VALGRIND=1 runs it")
    def test_valgrind(self):
        way = (*THROUGH_LIBRARY, "valgrind", "--quiet", "--error-exitcode=1", "--leak-check=full")
        self.run_at(way, THROUGH_LIBRARY, SUBJECTS)

    @unittest.skipUnless("SCD_VALGRIND" in os.environ, "SCD_VALGRIND=1 runs it")
    def test_helgrind(self):
        """Messages are used and released under the lock of their context, also within sd-bus."""
        way = (*THROUGH_LIBRARY, "valgrind", "--tool=helgrind", "--quiet", "--error-exitcode=1")
        self.run_at(way, THROUGH_LIBRARY, ["cancel", "threads"])

    @unittest.skipUnless("SCD_TSAN_BUILD" in os.environ,
                         "SCD_TSAN_BUILD=FOLDER, one of -Db_sanitize=thread, runs it")
    def test_thread_sanitizer(self):
        build = os.path.abspath(os.environ["SCD_TSAN_BUILD"])
        self.run_at(through_library(build + "/libpcsclite-dbus"), THROUGH_LIBRARY, SUBJECTS, build=build)


if __name__ == "__main__":
    case.main(preload=usb.PRELOAD)
