# SPDX-License-Identifier: LGPL-2.1-or-later
"""A user floods the service from two processes, and another one uses a card.

The flood and the bus have one CPU, the service, pcscd and the program that uses
the card have another: so the figures are about the service, and not about a CPU
that is shared.
"""

import os
from contextlib import contextmanager

import report
import stage
from scdtest.clients.flood import Flood
from scdtest.testbed.simulator import ATR
from users import USER

FLOODER = "nobody"
RULE = 'return subject.user == "nobody" ? polkit.Result.NO : polkit.Result.YES;'
ROUNDS, CALLS = 20, 32
MARK = 2
PATHS = ("channel", "session", "echo")
FLOODS = {"GetManagedObjects": True, "GetManagedObjects without replies": False}


@contextmanager
def on_cpus(cpus):
    """For the processes that are started meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure_user(echo):
    lines = stage.measure("transmit", stage.reader_name("A"), echo, 5, ROUNDS, CALLS, *PATHS,
                          user=USER)
    return dict(zip(PATHS, zip(*lines)))


def report_flood(what, replies, echo, quiet, cpus):
    with on_cpus(cpus):
        flood = Flood(FLOODER, "objects", replies)
    with flood:
        times = measure_user(echo)
    report.judge(f"channel, in a flood of {what}", times["channel"],
                 report.median(quiet["channel"]), "without the flood", MARK)
    report.judge(f"Session.Transmit, in a flood of {what}", times["session"], times["echo"],
                 "an echo beside it", MARK)


def bench_flood():
    """a user of a card while another user floods the service"""
    *others, own = sorted(os.sched_getaffinity(0))
    if not others:
        return
    with on_cpus({own}), stage.testbed(card=ATR, polkit_rule=RULE) as testbed, \
            stage.beside("echo") as echo, report.table("two users, one of whom floods the service"):
        os.sched_setaffinity(testbed.bus.pid, others)
        quiet = measure_user(echo)
        for path, times in quiet.items():
            report.timed(f"{path}, without a flood", times)
        for what, replies in FLOODS.items():
            report_flood(what, replies, echo, quiet, others)
