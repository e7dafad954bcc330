#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From the event of a reader that is plugged in to the notification of a program.

As a program, with umockdev loaded before it: prints the times of each round in
milliseconds, directly, directly again, and by the bus.
"""

import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import report
from scdtest.testbed.testbed import TestBed, built

PRELOAD = "libumockdev-preload.so.0"
ROUNDS = 30
SETTLE_S = 0.2
MARK = 1.2


class Watcher:
    """A program that prints when it is notified of a reader."""

    def __init__(self, kind):
        self._process = subprocess.Popen([built("tests/bench/plugging"), kind],
                                         stdout=subprocess.PIPE, text=True)
        self.read()
        time.sleep(SETTLE_S)  # until it waits

    def read(self):
        return int(self._process.stdout.readline()) / 1000000

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def measure_plug(reader, watcher):
    """Returns the milliseconds from the last event of the device to the notification."""
    begin = reader.plug_and_note_time()
    heard = watcher.read()
    time.sleep(SETTLE_S)
    reader.unplug()
    watcher.read()
    time.sleep(SETTLE_S)
    return heard - begin


def measure_direct(testbed, reader):
    """Stops the service meanwhile: a program alone is measured, as one alone is on a desktop."""
    watcher = Watcher("direct")
    os.kill(testbed.service.pid, signal.SIGSTOP)
    try:
        return measure_plug(reader, watcher)
    finally:
        os.kill(testbed.service.pid, signal.SIGCONT)
        watcher.close()
        time.sleep(SETTLE_S)


def measure_bus(reader):
    watcher = Watcher("bus")
    try:
        return measure_plug(reader, watcher)
    finally:
        watcher.close()


def print_rounds():
    from scdtest.testbed import usb

    class TimedReader(usb.Reader):
        """A device with one interface, whose event is the last one."""

        def plug_and_note_time(self):
            self.plug()
            return self._bus.last_event

    class TimedBus(usb.Bus):
        last_event = 0

        def add(self, *arguments):
            self.last_event = time.monotonic_ns() / 1000000
            return super().add(*arguments)

    bus = TimedBus()
    testbed = TestBed()
    try:
        testbed.start_bus()
        testbed.start_pcscd(environment=bus.environment())
        testbed.start_service("--sysfs", bus.testbed.get_sys_dir())
        reader = TimedReader(bus, "1-1", 2, serial="S1")
        for _ in range(ROUNDS):
            print(measure_direct(testbed, reader), measure_direct(testbed, reader),
                  measure_bus(reader), flush=True)
    finally:
        testbed.close()
        bus.close()


def bench_plug():
    """a reader that is plugged in, if umockdev is installed"""
    if not has_umockdev():
        return
    lines = subprocess.run([sys.executable, os.path.abspath(__file__)], check=True, text=True,
                           stdout=subprocess.PIPE,
                           env={**os.environ, "LD_PRELOAD": PRELOAD}).stdout.splitlines()
    with report.table("a reader is plugged in (umockdev)"):
        direct, control, bus = zip(*([float(word) for word in line.split()] for line in lines))
        report.timed("→ SCardGetStatusChange, SCardListReaders", direct, "ms")
        report.control("the same again: the control", control, direct, "ms")
        report.judge("a reader is plugged in → InterfacesAdded", bus, direct,
                     "SCardGetStatusChange, SCardListReaders", MARK, "ms")


def has_umockdev():
    return bool(subprocess.run(["/usr/bin/python3", "-c", "import gi;"
                                "gi.require_version('UMockdev', '1.0')"],
                               stderr=subprocess.DEVNULL, check=False).returncode == 0)


if __name__ == "__main__":
    os.environ.pop("LD_PRELOAD", None)
    print_rounds()
