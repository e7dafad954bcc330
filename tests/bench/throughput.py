# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many readers at once, with one program each."""

import report
import stage
from scdtest.testbed.simulator import ATR

READERS = [f"R{number}" for number in range(16)]
DELAY_MS = 20
ROUNDS = 6
ROUND_MS = 1000
BUS_MARK, CHANNEL_MARK = 0.93, 0.97


def bench_throughput():
    """16 readers at once"""
    with stage.testbed(READERS, card=ATR), \
            report.table(f"{len(READERS)} readers at once, cards of {DELAY_MS} ms"):
        stage.set_delay(READERS, DELAY_MS)
        rounds = stage.measure("throughput", ROUNDS, ROUND_MS, *stage.reader_names(READERS))
        direct, control, session, channel = zip(*rounds)
        report.rate("SCardTransmit", direct)
        report.control("SCardTransmit again: the control", control, direct, unit="APDU/s")
        report.rate("Session.Transmit", session, direct, BUS_MARK)
        report.rate("channel", channel, direct, CHANNEL_MARK)
