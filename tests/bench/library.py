# SPDX-License-Identifier: LGPL-2.1-or-later
"""PC/SC programs through the library over the bus, compared with the same programs directly."""

import os
import pty
import signal
import subprocess
import time

import report
import stage
from life import switches
from scdtest.clients.library import DIRECT, LIBRARY_FOLDER, THROUGH_LIBRARY
from scdtest.testbed.simulator import ATR, Simulator
from scdtest.testbed.testbed import built
from transmit import add_times

LIBRARY = LIBRARY_FOLDER + "/libpcsclite-dbus.so.1"
ROUNDS, CALLS = 40, 64
CONNECTIONS = 16  # in a round
INSERTIONS, BLOCK = 50, 10
PROGRAMS = 100
IDLE_S = 60

TRANSMIT_MARK = 1.03
CONNECT_MARK = 1.2
INSERTION_MARK = 1  # ms more than directly
IDLE_MARK = 0


def bench_library():
    """PC/SC programs through the library over the bus"""
    with stage.testbed(("A", "B"), card=ATR), report.table("PC/SC through the library"):
        with stage.beside("echo") as echo:
            compare_transmit(echo)
            compare_connect(echo)
        bench_insertion()
        bench_programs()
        bench_wait()


def compare(what, call, calls, echo, *paths):
    """Returns the times directly, through the library, and by paths of the program transmit."""
    reader = stage.reader_name("A")
    direct, control, library, *others = zip(*stage.measure_in_turn(
        ROUNDS, (None, ("library", call, LIBRARY, reader, "-", calls)),
        (None, ("transmit", reader, echo, 5, "-", calls, *paths))))
    report.timed(f"{what}, directly", direct)
    report.control("the same again: the control", control, direct)
    report.timed("through the library", library, to=direct)
    return direct, library, *others


def compare_transmit(echo):
    _, library, channel = compare("SCardTransmit, 5 bytes", "transmit", CALLS, echo, "channel")
    report.judge("SCardTransmit through the library", library, channel, "channel, one at a time",
                 TRANSMIT_MARK)


def compare_connect(echo):
    direct, library, echo_times = compare("SCardConnect + SCardDisconnect", "connect", CONNECTIONS,
                                          echo, "echo")
    report.judge("SCardConnect and SCardDisconnect through the library", library,
                 add_times(direct, echo_times, echo_times), "the same directly, two echoes",
                 CONNECT_MARK)


def bench_insertion():
    """Until pcsc_scan prints it; in blocks, because two at once would slow each other down."""
    times = {DIRECT: [], THROUGH_LIBRARY: []}
    simulator = Simulator()
    for _ in range(INSERTIONS // BLOCK):
        for way, taken in times.items():
            taken += insertions(way, simulator)
    simulator.close()
    report.timed("insertion → pcsc_scan prints it, directly", times[DIRECT], "ms")
    report.timed("through the library", times[THROUGH_LIBRARY], "ms")
    report.row("  difference", report.median(times[THROUGH_LIBRARY])
               - report.median(times[DIRECT]), "ms", most=INSERTION_MARK)


def insertions(way, simulator):
    """Returns a block of times in milliseconds. pcsc_scan does not buffer output to a terminal."""
    own_end, child_end = pty.openpty()
    with subprocess.Popen([*way, "pcsc_scan", "-n"], stdin=subprocess.DEVNULL, stdout=child_end,
                          start_new_session=True) as scan:
        os.close(child_end)
        read_until(own_end, b"Reader 1", b"Card state")
        taken = []
        for _ in range(BLOCK):
            simulator.remove("A")
            read_until(own_end, b"Card removed")
            start = time.monotonic()
            simulator.insert("A")
            read_until(own_end, b"Card inserted")
            taken.append((time.monotonic() - start) * 1000)
        scan.send_signal(signal.SIGINT)
    os.close(own_end)
    return taken


def read_until(terminal, *words):
    """Reads until all words have occurred, in this order, with any text in between."""
    text = b""
    for word in words:
        while word not in text:
            text += os.read(terminal, 65536)
        text = text.partition(word)[2]


def bench_programs():
    """PROGRAMS programs at once, each of which connects, transmits and disconnects."""
    orders = f"connect shared {stage.reader_name('A')}\ntransmit 00A40400\ndisconnect leave\n"
    for what, way in ((f"{PROGRAMS} programs at once, directly", DIRECT),
                      ("through the library", THROUGH_LIBRARY)):
        start = time.monotonic()
        programs = [subprocess.Popen([*way, built("tests/pcsc-client/scd-pcsc-client")], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                    for _ in range(PROGRAMS)]
        for program in programs:
            program.stdin.write(orders)
            program.stdin.close()
        answers = [program.stdout.read() for program in programs]
        for program in programs:
            program.stdout.close()
            program.wait()
        served = sum(answer == "ok\nok 9000\nok\n" for answer in answers)
        report.row(what, time.monotonic() - start, "s", note=f"{served} of {PROGRAMS} served")


def bench_wait():
    with subprocess.Popen([built("tests/bench/library"), "wait", LIBRARY, stage.reader_name("A")],
                          stdout=subprocess.PIPE) as program:
        program.stdout.readline()
        time.sleep(1)  # until it waits
        before = switches(program.pid)
        time.sleep(IDLE_S)
        count = sum(switches(program.pid).values()) - sum(before.values())
        program.kill()
    report.row(f"wake-ups of SCardGetStatusChange in {IDLE_S} s", count, most=IDLE_MARK)
