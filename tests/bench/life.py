# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service alone: its start, its memory, its wake-ups while idle, and the end of pcscd."""

import os
import signal
import time

import report
import stage
from report import median
from scdtest.clients.recorder import Recorder
from scdtest.testbed.process import Process
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import built

READERS = ("A", "B")
STARTS = 40
KILLS = 20
SETTLE_S = 10  # pcscd powers down an unused card after 5
IDLE_S = 120  # libpcsclite itself wakes up once a minute

START_MARK = 1.8
SIZE_MARK = 1.2
IDLE_MARK = 0.08  # a second
KILL_MARK = 5     # ms

# Similar services, if they are installed.
COMPARED = "upowerd"
OTHERS = {"boltd": "/usr/libexec/boltd", "upowerd": "/usr/libexec/upowerd"}


def bench_start():
    """from exec to the name on the bus"""
    with stage.testbed(READERS, service=False, card=ATR), report.table("start to name owned"):
        echo, control, service = zip(*stage.measure(
            "start", STARTS, "org.smartcardd1.Echo", built("tests/bench/echo"),
            "org.smartcardd1.Echo", built("tests/bench/echo"),
            "org.smartcardd1", built("service/smartcardd")))
        report.timed("a minimal GDBus service", echo, "ms")
        report.control("the same again: the control", control, echo, "ms")
        report.judge("start to name owned, two readers with cards", service, echo,
                     "a minimal GDBus service", START_MARK, "ms")


def memory(pid, *names):
    """Returns the sum of these lines of smaps_rollup, in MiB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.split(":")[0] in names) / 1024


def report_memory(name, pid):
    """Returns the PSS."""
    size = memory(pid, "Pss")
    report.row(f"{name}: RSS", memory(pid, "Rss"), "MiB")
    report.row(f"{name}: PSS", size, "MiB")
    return size


def bench_memory():
    """the memory of the service"""
    with stage.testbed(READERS, card=ATR) as testbed, report.table("memory"):
        others = {name: Process(name, [path]) for name, path in OTHERS.items()
                  if os.path.exists(path)}
        time.sleep(3)  # until all have finished their initialization
        sizes = {name: report_memory(name, process.pid) for name, process in others.items()
                 if process.is_running()}
        own = report_memory("smartcardd", testbed.service.pid)
        if COMPARED in sizes:
            report.judge("PSS, two readers with cards", own, sizes[COMPARED], COMPARED, SIZE_MARK,
                         "MiB")
        for process in others.values():
            process.kill()


def switches(pid):
    """Returns the number of context switches by thread."""
    counts = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as file:
            counts[task] = sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return counts


def bench_idle():
    """context switches while nothing happens"""
    with stage.testbed(READERS, card=ATR) as testbed, report.table("idle"):
        time.sleep(SETTLE_S)
        before = switches(testbed.service.pid)
        time.sleep(IDLE_S)
        # A thread that ended in the meantime woke up once for that.
        after = switches(testbed.service.pid)
        count = sum(after.get(task, before.get(task, 0) + 1) - before.get(task, 0)
                    for task in {*before, *after})
        report.row("context switches, two readers with cards", count / IDLE_S, "/s",
                   most=IDLE_MARK)


def kill_pcscd():
    """Returns the time until a client is notified, in milliseconds."""
    with stage.testbed(READERS) as testbed:
        client = Recorder()
        notified = []

        def note(event):
            if event.member == "PropertiesChanged" and event.arguments[1].get("Available") is False:
                notified.append(time.monotonic())
        client.on_signal = note
        killed = time.monotonic()
        os.kill(testbed.pcscd.pid, signal.SIGKILL)
        client.wait(lambda: notified, "Available is false")
        client.close()
        testbed.pcscd.kill()
        testbed.pcscd = None
    return (notified[0] - killed) * 1000


def bench_kill():
    """from SIGKILL of pcscd to the notification of a client"""
    with report.table("SIGKILL of pcscd"):
        times = [kill_pcscd() for _ in range(KILLS)]
        report.row("→ Available is false at a client", median(times), "ms", report.p99(times),
                   most=KILL_MARK)
