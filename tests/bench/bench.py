#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures smartcardd beside the real pcscd, and prints a table.

Everything runs on one CPU, with real-time priority where that is allowed, so that
others who use the machine are not measured too; what is compared is interleaved,
and a row is judged by a ratio within this run: it is worth nothing where a control
is not good. Only for people: no test looks at it. Arguments choose the parts.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest import namespace


def have_one_cpu():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError as error:
        print(f"# no real-time priority: {error.strerror}", flush=True)


def main():
    import report
    from contention import bench_contention
    from latency import bench_latency
    from life import bench_idle, bench_kill, bench_start
    from throughput import bench_throughput
    from transmit import bench_transmit
    have_one_cpu()
    report.heading()
    for bench in (bench_latency, bench_kill, bench_start, bench_idle, bench_transmit,
                  bench_contention, bench_throughput):
        if len(sys.argv) < 2 or bench.__name__.removeprefix("bench_") in sys.argv[1:]:
            bench()


if __name__ == "__main__":
    namespace.enter()
    main()
