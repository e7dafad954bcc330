# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service by itself: its start, its idleness, and the end of pcscd."""

import os
import signal
import time

import report
import stage
from report import median

READERS = ("A", "B")
STARTS = 20
KILLS = 20
IDLE_S = 30


def bench_kill():
    from scdtest.recorder import Recorder
    times = []
    for _ in range(KILLS):
        world = stage.new_world(READERS)
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
    report.at_most("SIGKILL of pcscd → Available = false at a client", median(times), "ms", 5)


def bench_start():
    times = []
    world = stage.new_world(READERS, service=False)
    for _ in range(STARTS):
        begin = time.monotonic()
        world.start_service()
        times.append((time.monotonic() - begin) * 1000)
        world.stop_service()
    world.close()
    report.at_most("start → name owned, first snapshot exported", median(times), "ms", 100)


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
    world = stage.new_world(READERS, card="3B021450")
    pid = world.service.pid
    time.sleep(5)
    before = switches(pid)
    time.sleep(IDLE_S)
    # A thread that ended meanwhile woke up once for that.
    after = switches(pid)
    count = sum(after.get(task, before.get(task, 0) + 1) - before.get(task, 0)
                for task in {*before, *after})
    report.at_most(f"context switches in {IDLE_S} s, two readers with cards", count, "", 3)
    report.at_most("RSS", memory(pid, "Rss"), "MiB", 8)
    report.row("PSS", f"{memory(pid, 'Pss'):.2f} MiB")
    world.close()
