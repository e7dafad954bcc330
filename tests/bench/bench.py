#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures smartcardd beside the real pcscd, and prints a table.

Everything runs on one CPU, what is compared is interleaved, and a row is judged
by the ratio of medians within this run. Only for people: no test looks at it.
"""

import os
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest import namespace

ROUNDS = 200
STARTS = 20
KILLS = 20
IDLE_S = 30
READERS = ("A", "B")


def median(values):
    return statistics.median(values)


def p99(values):
    return sorted(values)[int(len(values) * 0.99)]


def row(what, value, mark="", verdict=""):
    print(f"{what:<52} {value:>16}  {mark:>10}  {verdict}", flush=True)


def judged(what, value, unit, limit):
    row(what, f"{value:.2f} {unit}", f"≤ {limit:g}", "" if value <= limit else "MISSED")


def pin_to_one_cpu():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def new_world(service=True, card=None):
    from scdtest.world import World, simulated_reader
    world = World()
    world.start_bus()
    world.start_pcscd([simulated_reader(name, card=card) for name in READERS])
    if service:
        world.start_service()
    return world


def bench_latency():
    from scdtest.world import SIMULATOR_SOCKET, built
    world = new_world()
    output = subprocess.run([built("tests/bench/latency"), SIMULATOR_SOCKET, READERS[0],
                             str(world.service.pid), str(ROUNDS)],
                            check=True, stdout=subprocess.PIPE, text=True).stdout
    world.close()
    rounds = [[float(word) for word in line.split()] for line in output.splitlines()]
    direct, control, bus, bare = zip(*rounds)
    row("insertion → SCardGetStatusChange", f"{median(direct):.0f} µs", "",
        f"p99 {p99(direct):.0f} µs")
    row("insertion → CardInserted at an sd-bus client", f"{median(bus):.0f} µs", "",
        f"p99 {p99(bus):.0f} µs")
    row("  of which three such signals, by the bus alone", f"{median(bare):.0f} µs", "",
        f"p99 {p99(bare):.0f} µs")
    row("  control: direct to direct", f"{median(control) / median(direct):.2f}", "0.9–1.1",
        "" if 0.9 <= median(control) / median(direct) <= 1.1 else "REPEAT THE RUN")
    judged("  ratio to direct", median(bus) / median(direct), "", 2.5)


def bench_kill():
    from scdtest.recorder import Recorder
    times = []
    for _ in range(KILLS):
        world = new_world()
        client = Recorder()
        heard = []

        def note(signal_, heard=heard):
            if signal_.arguments[1].get("Available") is False:
                heard.append(time.monotonic())
        client.on_signal = lambda s: s.member == "PropertiesChanged" and note(s)
        killed = time.monotonic()
        os.kill(world.pcscd.pid, signal.SIGKILL)
        client.wait(lambda heard=heard: heard, "Available is false")
        times.append((heard[0] - killed) * 1000)
        client.close()
        world.pcscd.kill()
        world.pcscd = None
        world.close()
    judged("SIGKILL of pcscd → Available = false at a client", median(times), "ms", 5)


def bench_start():
    times = []
    world = new_world(service=False)
    for _ in range(STARTS):
        begin = time.monotonic()
        world.start_service()
        times.append((time.monotonic() - begin) * 1000)
        world.stop_service()
    world.close()
    judged("start → name owned, first snapshot exported", median(times), "ms", 100)


def switches(pid):
    """Context switches of each thread there is."""
    counts = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as file:
            counts[task] = sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return counts


def memory(pid, name):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":")) / 1024


def bench_idle():
    world = new_world(card="3B021450")
    pid = world.service.pid
    time.sleep(5)
    before = switches(pid)
    time.sleep(IDLE_S)
    # A thread that ended meanwhile woke up once for that.
    after = switches(pid)
    count = sum(after.get(task, before.get(task, 0) + 1) - before.get(task, 0)
                for task in {*before, *after})
    judged(f"context switches in {IDLE_S} s, two readers with cards", count, "", 3)
    judged("RSS", memory(pid, "Rss"), "MiB", 8)
    row("PSS", f"{memory(pid, 'Pss'):.2f} MiB")
    world.close()


def main():
    pin_to_one_cpu()
    row("what", "median", "mark")
    for bench in (bench_latency, bench_kill, bench_start, bench_idle):
        if len(sys.argv) < 2 or bench.__name__.removeprefix("bench_") in sys.argv[1:]:
            bench()


if __name__ == "__main__":
    namespace.enter()
    main()
