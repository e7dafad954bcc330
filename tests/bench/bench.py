#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures smartcardd in comparison with pcscd, and prints tables; see ./bench --help.

All tables but the last ones run on one CPU, with real-time priority if that is
allowed, so that other processes do not affect them. Compared measurements are
interleaved, and marks apply to ratios within one run: they mean nothing if a
control is not good. No test uses the results.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import plot
import report
from calls import bench_calls
from commands import bench_commands
from contention import bench_contention
from cpu import in_child, one_cpu
from flood import bench_flood
from glib_client import bench_glib
from latency import bench_latency
from library import bench_library
from life import bench_idle, bench_kill, bench_memory, bench_start
from plug import bench_plug
from scale import bench_scale
from scdtest.testbed import namespace
from throughput import bench_throughput
from transmit import bench_broker, bench_free, bench_paths, bench_slow
from tree import bench_tree
from users import bench_users
from watchers import bench_watchers


def benches():
    """Returns the benches by their names for --only, in the order in which they run."""
    return {bench.__name__.removeprefix("bench_"): bench
            for bench in (bench_paths, bench_broker, bench_users, bench_calls, bench_slow,
                          bench_throughput, bench_contention, bench_latency, bench_watchers,
                          bench_plug, bench_tree, bench_scale, bench_library, bench_glib,
                          bench_commands, bench_start, bench_memory, bench_idle, bench_kill,
                          bench_flood, bench_free)}


def parse_arguments(tables):
    """The options are described by ./bench --help."""
    parser = argparse.ArgumentParser(prog="./bench", add_help=False, usage="see ./bench --help")
    parser.add_argument("--only", action="append", metavar="TABLE", choices=tables)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plot", metavar="FILE.svg")
    return parser.parse_args()


def measure(tables, options):
    if options.json:
        report.be_quiet()
    report.heading()
    chosen = {name: bench for name, bench in tables.items()
              if not options.only or name in options.only}
    on_all_cpus = [chosen.pop(name) for name in ("flood", "free") if name in chosen]
    with one_cpu():
        for bench in chosen.values():
            bench()
    for bench in on_all_cpus:
        bench()
    report.ending()
    if options.json:
        report.print_json()
    if options.plot:
        plot.draw(report.rows, options.plot)


def main():
    tables = benches()
    options = parse_arguments(tables)
    return in_child(lambda: measure(tables, options))


if __name__ == "__main__":
    namespace.enter()
    sys.exit(main())
