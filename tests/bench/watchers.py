# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many programs that watch many readers: the time until the last one is notified of a card."""

import os
import signal

import report
import stage
from scdtest.testbed.testbed import SIMULATOR_SOCKET

READERS = [f"R{number}" for number in range(16)]
FEW, MANY = 100, 1000  # pcscd takes 200 direct ones
RUNS, ROUNDS = 4, 5
MARK = 0.3


def measure_last(kind, count, rounds):
    """Returns the times in microseconds, one for each round."""
    names = stage.reader_names(READERS)
    lines = stage.measure("watchers", kind, count, rounds, SIMULATOR_SOCKET, READERS[0], *names)
    return [last for _, last in lines]


def measure_direct(service):
    """Stops the service while the direct programs wait for pcscd."""
    os.kill(service.pid, signal.SIGSTOP)
    try:
        return measure_last("direct", FEW, ROUNDS)
    finally:
        os.kill(service.pid, signal.SIGCONT)


def bench_watchers():
    """100 and 1,000 programs that watch 16 readers"""
    with stage.testbed(READERS) as testbed, \
            report.table(f"insertion, to the last of many programs that watch {len(READERS)} readers"):
        direct, control, bus, bare = [], [], [], []
        for _ in range(RUNS):
            direct += measure_direct(testbed.service)
            control += measure_direct(testbed.service)
            bus += measure_last("bus", FEW, ROUNDS)
            bare += measure_last("bare", FEW, ROUNDS)
        report.timed(f"{FEW} in SCardGetStatusChange", direct)
        report.control(f"{FEW} in SCardGetStatusChange again: the control", control, direct)
        report.timed(f"such signals to {FEW} sd-bus clients, by the bus alone", bare, to=direct)
        report.judge(f"insertion → the last of {FEW} clients", bus, direct,
                     f"{FEW} in SCardGetStatusChange", MARK)
        report.timed(f"{MANY} sd-bus clients", measure_last("bus", MANY, ROUNDS))
