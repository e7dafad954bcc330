# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a card that goes in to the program that hears of it."""

import report
import stage
from report import median, p99
from scdtest.world import SIMULATOR_SOCKET

ROUNDS = 200


def bench_latency():
    world = stage.new_world()
    rounds = stage.measure("latency", SIMULATOR_SOCKET, "A", world.service.pid, ROUNDS)
    world.close()
    direct, control, bus, bare = zip(*rounds)
    for what, times in (("insertion → SCardGetStatusChange", direct),
                        ("insertion → CardInserted at an sd-bus client", bus),
                        ("  of which three such signals, by the bus alone", bare)):
        report.row(what, f"{median(times):.0f} µs", "", f"p99 {p99(times):.0f} µs")
    report.control(median(control) / median(direct))
    report.at_most("  ratio to direct", median(bus) / median(direct), "", 2.5)
