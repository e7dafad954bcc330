# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two programs that use the same card: the order of their transactions, and how long they wait."""

from collections import namedtuple

import report
import stage
from report import median, p99
from scdtest.testbed.simulator import ATR

LOOP_S = 6
TURNS = 20  # of each program, if they alternate
DELAYS_MS = (0, 1, 5)
PAUSE_US = 1000  # between two turns of a program that has other work to do

# From the end of one transaction to the begin of the waiting one, in milliseconds.
LONGEST_MS = 5
P99_MS = 2
# In relation to two plain programs.
HAND_OVER_MARK = 0.003

Turn = namedtuple("Turn", ("who", "asked", "begun", "ending", "over"))


def run_turns(kinds, *mode):
    """Returns the turns in the order of their begin; times are in milliseconds."""
    lines = stage.measure("contention", *kinds, stage.reader_name("A"), *mode)
    turns = [Turn(int(who), *(time / 1000 for time in times)) for who, *times in lines]
    return sorted(turns, key=lambda turn: turn.begun)


def hand_overs(turns):
    """Returns the times from the end of a turn to the begin of the other program's waiting turn."""
    return [after.begun - before.ending for before, after in zip(turns, turns[1:])
            if after.who != before.who and after.asked < before.ending]


def waits(turns, who):
    return [turn.begun - turn.asked for turn in turns if turn.who == who]


def waits_beyond_turns(turns):
    """Returns the times by which each wait was longer than the turn before it."""
    return [after.begun - after.asked -
            (before.ending - before.begun if before.who != after.who else 0)
            for before, after in zip(turns, turns[1:])]


def share(turns, who):
    """Returns the share of the turns that began in time, in percent."""
    in_time = [turn.who for turn in turns if turn.begun < LOOP_S * 1000]
    return 100 * in_time.count(who) / len(in_time)


def report_sessions(delay):
    turns = run_turns(("session", "session"), "loop", LOOP_S, 0)
    beyond = waits_beyond_turns(turns)
    report.row(f"two sessions, card of {delay} ms", len(turns), "turns")
    report.row("  share of the first", share(turns, 0), "%", least=48, most=52)
    report.row("  longest wait beyond the other's turn", max(beyond), "ms", most=LONGEST_MS)
    report.row("  p99 of that", p99(beyond), "ms", most=P99_MS)


def report_others(what, kinds, delay, pause_us):
    """The order is decided by pcscd, which has no queue."""
    turns = run_turns(kinds, "loop", LOOP_S, pause_us)
    pauses = f", pauses of {pause_us / 1000:g} ms" if pause_us else ""
    report.row(f"{what}, card of {delay} ms{pauses}", len(turns), "turns")
    for who, name in enumerate(kinds):
        report.row(f"  share of the {'first' if who == 0 else 'second'} ({name})",
                   share(turns, who), "%",
                   note=f"longest wait {max(waits(turns, who)) / 1000:.2f} s")


def report_hand_over():
    plain = hand_overs(run_turns(("plain", "plain"), "alternate", TURNS))
    session = hand_overs(run_turns(("session", "session"), "alternate", TURNS))
    report.row("hand-over between two plain programs", median(plain), "ms", p99(plain))
    report.judge("hand-over between two programs", session, median(plain),
                 "two PC/SC programs", HAND_OVER_MARK, "ms")


def bench_contention():
    """two programs that use the same card"""
    with stage.testbed(card=ATR), report.table("two programs that use the same card"):
        report_hand_over()
        for delay in DELAYS_MS:
            stage.set_delay("A", delay)
            report_sessions(delay)
            for pause_us in (0, PAUSE_US):
                report_others("two plain programs", ("plain", "plain"), delay, pause_us)
                report_others("one of each", ("session", "plain"), delay, pause_us)
