# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two programs that want the same card: who gets it, and after how long."""

from collections import namedtuple

import report
import stage
from report import median, p99
from scdtest.testbed.simulator import ATR

LOOP_S = 10
TURNS = 20  # of each, where they alternate
DELAYS_MS = (0, 1, 5)
PAUSE_US = 1000  # between two turns of a program that does something else, too

# A waiting program has the card so much later than its holder ends, in milliseconds.
LONGEST_MS = 5
P99_MS = 2
# Of what two plain programs need.
HAND_OVER_MARK = 0.005

Turn = namedtuple("Turn", ("who", "asked", "begun", "ending", "over"))


def play(kinds, *mode):
    """Turns in the order of their begin; times in milliseconds."""
    lines = stage.measure("contention", *kinds, stage.reader_name("A"), *mode)
    turns = [Turn(int(who), *(time / 1000 for time in times)) for who, *times in lines]
    return sorted(turns, key=lambda turn: turn.begun)


def hand_overs(turns):
    """From the end of one to the begin of the other, which waited for it."""
    return [after.begun - before.ending for before, after in zip(turns, turns[1:])
            if after.who != before.who and after.asked < before.ending]


def waits(turns, who):
    return [turn.begun - turn.asked for turn in turns if turn.who == who]


def waits_beyond_turns(turns):
    """What a wait was longer than the turn of the one who was waited for."""
    return [after.begun - after.asked -
            (before.ending - before.begun if before.who != after.who else 0)
            for before, after in zip(turns, turns[1:])]


def share(turns, who):
    """In percent, of the turns that began in time."""
    in_time = [turn.who for turn in turns if turn.begun < LOOP_S * 1000]
    return 100 * in_time.count(who) / len(in_time)


def report_sessions(delay):
    turns = play(("session", "session"), "loop", LOOP_S, 0)
    beyond = waits_beyond_turns(turns)
    report.row(f"two sessions, card of {delay} ms", len(turns), "turns")
    report.row("  share of the first", share(turns, 0), "%", least=48, most=52)
    report.row("  longest wait beyond the other's turn", max(beyond), "ms", most=LONGEST_MS)
    report.row("  p99 of that", p99(beyond), "ms", most=P99_MS)


def report_others(what, kinds, delay, pause_us):
    """Here pcscd decides, which knows no queue."""
    turns = play(kinds, "loop", LOOP_S, pause_us)
    pauses = f", pauses of {pause_us / 1000:g} ms" if pause_us else ""
    report.row(f"{what}, card of {delay} ms{pauses}", len(turns), "turns")
    for who, name in enumerate(kinds):
        report.row(f"  share of the {'first' if who == 0 else 'second'} ({name})",
                   share(turns, who), "%",
                   note=f"longest wait {max(waits(turns, who)) / 1000:.2f} s")


def report_hand_over():
    plain = hand_overs(play(("plain", "plain"), "alternate", TURNS))
    session = hand_overs(play(("session", "session"), "alternate", TURNS))
    report.row("hand-over between two plain programs", median(plain), "ms", p99(plain))
    report.row("hand-over between two sessions", median(session), "ms", p99(session),
               ratio=median(session) / median(plain), most=HAND_OVER_MARK)


def bench_contention():
    """two programs that want the same card"""
    with stage.testbed(card=ATR), report.table("two programs that want the same card"):
        report_hand_over()
        for delay in DELAYS_MS:
            stage.set_delay("A", delay)
            report_sessions(delay)
            for pause_us in (0, PAUSE_US):
                report_others("two plain programs", ("plain", "plain"), delay, pause_us)
                report_others("one of each", ("session", "plain"), delay, pause_us)
