# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a command costs by each path to the card, as a ratio to a direct SCardTransmit."""

import os
import subprocess

import report
import stage
from report import median, p99
from scdtest.simulator import ATR
from scdtest.world import built

ROUNDS = 40
CALLS = 64  # a round, of each path

# The most that a command may take, by the delay of the card.
MARKS = {0: {"Session.Transmit": 7.0, "TransmitMany of 32": 1.35},
         5: {"Session.Transmit": 1.10, "TransmitMany of 32": 1.03}}
ECHO_MARK = 1.15

POLICY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "echo.conf")


def ratios(times, to):
    return median(mine / its for mine, its in zip(times, to))


def bench_size(echo_name, length, delay):
    rounds = stage.measure("transmit", stage.reader_name("A"), echo_name, length, ROUNDS, CALLS)
    direct, control, session, many, few, echo = zip(*rounds)
    report.row(f"SCardTransmit, {length} bytes, card of {delay} ms", f"{median(direct):.1f} µs", "",
               f"p99 {p99(direct):.1f} µs")
    report.control(ratios(control, direct))
    for what, times in (("Session.Transmit", session), ("TransmitMany of 32", many),
                        ("TransmitMany of 8", few), ("echo of the bus alone", echo)):
        mark = MARKS[delay].get(what)
        if mark:
            report.at_most(f"  {what}, to direct", ratios(times, direct), "", mark)
        else:
            report.row(f"  {what}, to direct", f"{ratios(times, direct):.2f} ")
    bare = [mine + its for mine, its in zip(direct, echo)]
    report.at_most("  Session.Transmit, to direct and echo", ratios(session, bare), "", ECHO_MARK)


def bench_transmit():
    world = stage.new_world(card=ATR, policy=POLICY)
    with subprocess.Popen([built("tests/bench/echo")], stdout=subprocess.PIPE, text=True) as echo:
        name = echo.stdout.readline().strip()
        for delay in MARKS:
            stage.set_delay("A", delay)
            for length in (5, 261):
                bench_size(name, length, delay)
        echo.terminate()
    world.close()
