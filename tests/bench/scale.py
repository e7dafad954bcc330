# SPDX-License-Identifier: LGPL-2.1-or-later
"""Increasing numbers of readers: the memory and time of the service for them and for one event.

pcscd supports 16 readers before 2.5, and any number since.
"""

import time

import report
import stage
from latency import SETTLE_MS
from life import memory
from scdtest.testbed.testbed import SIMULATOR_SOCKET, pcscd_version

ROUNDS, CALLS = 20, 4
INSERTIONS = 20
SUBSCRIBERS, SUBSCRIBED_INSERTIONS = 1000, 5
SETTLE_S = 3  # until the threads for the start have ended
MARK_KB = {(1, 16): 10}  # private memory for each reader; else:
OTHER_MARK_KB = 9
MANY = 1000
START_MARK_MS, INSERTION_MARK = 400, 1.5


def steps():
    return (1, 16) if pcscd_version() < (2, 5) else (1, 10, 100, 300, 1000)


def private_kb(pid):
    """Returns the written pages: pages of files are private only while no other process reads them."""
    return 1024 * memory(pid, "Private_Dirty")


def report_objects():
    (times,) = zip(*stage.measure("objects", ROUNDS, CALLS, "org.smartcardd1"))
    report.timed("  GetManagedObjects", times)
    report.row("  its answer", stage.size_of_objects() / 1024, "kB")


def report_insertion(pid, count):
    settle_ms = SETTLE_MS + count // 10
    direct, _, bus, _ = zip(*stage.measure("latency", SIMULATOR_SOCKET, "R0", pid, INSERTIONS,
                                           settle_ms))
    report.timed("  insertion → SCardGetStatusChange of that one", direct)
    report.timed("  insertion → CardInserted at an sd-bus client", bus, to=direct)
    if count == MANY:
        report.judge(f"insertion → CardInserted, {MANY:,} readers", bus, direct,
                     "SCardGetStatusChange", INSERTION_MARK)


def report_step(count):
    """Returns the private memory before the first call of a client, in kB."""
    with stage.testbed([f"R{number}" for number in range(count)], service=False) as testbed:
        begin = time.monotonic()
        testbed.start_service()
        started = (time.monotonic() - begin) * 1000
        report.row(f"{count} readers: start until all are there", started, "ms")
        if count == MANY:
            report.judge_alone(f"start with {MANY:,} readers", started, START_MARK_MS, "ms")
        time.sleep(SETTLE_S)
        private = private_kb(testbed.service.pid)
        report_objects()
        report_insertion(testbed.service.pid, count)
        if count == steps()[-1]:
            lines = stage.measure("watchers", "bus", SUBSCRIBERS, SUBSCRIBED_INSERTIONS,
                                  SIMULATOR_SOCKET, "R0", stage.reader_name("R0"))
            report.timed(f"  insertion → the last of {SUBSCRIBERS} clients",
                         [last for _, last in lines])
    return private


def bench_scale():
    """increasing numbers of readers"""
    with report.table("more and more readers"):
        sizes = [(count, report_step(count)) for count in steps()]
        for (few, before), (many, after) in zip(sizes, sizes[1:]):
            report.row(f"private memory of a reader, from {few} of them to {many}",
                       (after - before) / (many - few), "kB")
        (few, before), (many, after) = sizes[0], sizes[-1]
        report.judge_alone(f"private memory of a reader, from {few} of them to {many:,}",
                           (after - before) / (many - few),
                           MARK_KB.get((few, many), OTHER_MARK_KB), "kB")
