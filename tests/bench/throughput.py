# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many readers at once, a program each."""

import report
import stage
from report import median
from scdtest.simulator import ATR

READERS = [f"R{number}" for number in range(16)]
DELAY_MS = 20
ROUNDS = 6
ROUND_MS = 1000


def bench_throughput():
    world = stage.new_world(READERS, card=ATR)
    stage.set_delay(READERS, DELAY_MS)
    names = [stage.reader_name(reader, number) for number, reader in enumerate(READERS)]
    rounds = stage.measure("throughput", ROUNDS, ROUND_MS, *names)
    world.close()
    direct, control, session = zip(*rounds)
    report.row(f"{len(READERS)} readers, cards of {DELAY_MS} ms, directly",
               f"{median(direct):.0f} APDU/s")
    report.control(median(mine / its for mine, its in zip(control, direct)))
    report.at_least("  Session.Transmit, to direct",
                    median(mine / its for mine, its in zip(session, direct)), "", 0.93)
