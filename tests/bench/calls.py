# SPDX-License-Identifier: LGPL-2.1-or-later
"""System calls of the service for a command on the channel, counted by strace."""

import os
import re
import shutil
import signal
import subprocess

import report
import stage
from scdtest.testbed.simulator import ATR
from transmit import measure_paths

FEW, MANY = 640, 25600
MARK = 13


def count_calls(pid, folder, echo, path, commands):
    """Counts those of all threads while a client connects, sends the commands, and disconnects."""
    output = os.path.join(folder, "calls")
    with subprocess.Popen(["strace", "-f", "-c", "-o", output, "-p", str(pid)],
                          stderr=subprocess.PIPE, text=True) as strace:
        strace.stderr.readline()  # printed once it is attached
        measure_paths(echo, 5, (path,), rounds=1, calls=commands)
        strace.send_signal(signal.SIGINT)
        strace.stderr.read()
    with open(output, encoding="utf-8") as file:
        total = file.read().splitlines()[-1]
    return int(re.match(r"100\.00\s+[\d.]+\s+(?:\d+\s+)?(\d+)", total)[1])


def bench_calls():
    """system calls of the service for a command on the channel (strace -f -c)"""
    if not shutil.which("strace"):
        return
    with stage.testbed(card=ATR) as testbed, stage.beside("echo") as echo, \
            report.table("system calls of the service, a command of 5 bytes (strace -f -c)"):
        for path, what, mark in (("channel", "channel, one at a time", MARK),
                                 ("in-flight", "channel, 32 in flight", None),
                                 ("session", "Session.Transmit, sd-bus client", None)):
            few, many = (count_calls(testbed.service.pid, testbed.folder, echo, path, count)
                         for count in (FEW, MANY))
            report.row(what, round((many - few) / (MANY - FEW), 2), most=mark)
