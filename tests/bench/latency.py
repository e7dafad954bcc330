# SPDX-License-Identifier: LGPL-2.1-or-later
"""From the insertion of a card to the notification of a program."""

import report
import stage
from scdtest.testbed.testbed import SIMULATOR_SOCKET
from transmit import add_times

ROUNDS = 200
SETTLE_MS = 3
MARK = 1.3


def bench_latency():
    """from the insertion of a card to the notification of a program"""
    with stage.testbed() as testbed, report.table("insertion of a card"):
        rounds = stage.measure("latency", SIMULATOR_SOCKET, "A", testbed.service.pid,
                               ROUNDS, SETTLE_MS)
        direct, control, bus, bare = zip(*rounds)
        report.timed("→ SCardGetStatusChange", direct)
        report.control("→ SCardGetStatusChange again: the control", control, direct)
        report.timed("→ CardInserted at an sd-bus client", bus, to=direct)
        report.timed("three such signals, by the bus alone", bare, to=direct)
        report.judge("insertion → CardInserted", bus, add_times(direct, bare),
                     "SCardGetStatusChange, three such signals", MARK)
