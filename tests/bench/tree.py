# SPDX-License-Identifier: LGPL-2.1-or-later
"""The time of one answer with all objects."""

import report
import stage
from scdtest.testbed.simulator import ATR

READERS = [f"R{number}" for number in range(16)]
ROUNDS, CALLS = 40, 16
MARK = 0.4


def bench_tree():
    """GetManagedObjects of 16 readers, each with a card"""
    with stage.testbed(READERS, card=ATR), stage.beside("stock") as stock, \
            report.table(f"GetManagedObjects, {len(READERS)} readers with cards"):
        times, control, ours = zip(*stage.measure("objects", ROUNDS, CALLS, stock, stock,
                                                  "org.smartcardd1"))
        report.timed("a stock GDBusObjectManagerServer with the same content", times)
        report.control("the same again: the control", control, times)
        report.judge(f"GetManagedObjects, {len(READERS)} readers with cards", ours, times,
                     "a stock GDBusObjectManagerServer", MARK)
