# SPDX-License-Identifier: LGPL-2.1-or-later
"""The time of commands, from their start to their end."""

import subprocess
import time

import report
import stage
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import built

READERS = ("A", "B")
ROUNDS = 30
MARK = 0.9

LIST = (built("cli/smartcardctl"), "list")
TREE = ("busctl", "--system", "--no-pager", "tree", "org.smartcardd1")


def run(command):
    """Returns how long it takes, in ms."""
    start = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - start) * 1e3


def bench_commands():
    """smartcardctl as a whole process"""
    with stage.testbed(READERS, card=ATR), report.table("commands, two readers with cards"):
        for command in (TREE, LIST):
            run(command)
        tree, control, ours = zip(*((run(TREE), run(TREE), run(LIST)) for _ in range(ROUNDS)))
        report.timed("busctl tree", tree, "ms")
        report.control("the same again: the control", control, tree, "ms")
        report.judge("smartcardctl list, two readers with cards", ours, tree, "busctl tree", MARK,
                     "ms")
