# SPDX-License-Identifier: LGPL-2.1-or-later
"""The time of a command by each path to the card, as a ratio to a direct SCardTransmit."""

import report
import stage
from report import ratios
from scdtest.testbed import broker
from scdtest.testbed.simulator import ATR

SIZES = (5, 261, 4096, 65000)
ROUNDS = 40

# Each path of the program transmit, its title, and the path with which it is compared.
CONTROL = "direct again"
PATHS = {
    "direct": ("SCardTransmit", None),
    CONTROL: ("SCardTransmit again: the control", "direct"),
    "channel": ("channel, one at a time", "direct"),
    "bare": ("a bare thread in its place, without checks", "direct"),
    "in-flight": ("channel, 32 in flight", "direct"),
    "many-32": ("TransmitMany of 32", "direct"),
    "many-8": ("TransmitMany of 8", "direct"),
    "session": ("Session.Transmit, sd-bus client", "direct"),
    "gdbus": ("Session.Transmit, GDBus client", "direct"),
    "echo": ("echo of the bare bus, sd-bus client", "direct"),
    "direct-from-scratch": ("SCardConnect, Begin, Transmit, End, Disconnect", "direct"),
    "card": ("Card.Transmit, to that", "direct-from-scratch"),
    "connect-directly": ("SCardConnect and SCardDisconnect", "direct"),
    "connect": ("Reader.Connect and Session.Close, to that", "connect-directly"),
}

# The maximum ratio of a path if the card answers at once.
MARKS = {"channel": 1.5, "in-flight": 1.3, "many-32": 1.3, "session": 6.8, "gdbus": 10.8}
MARKED_SIZES = (5, 261)
BROKER_MARKS = {**MARKS, "session": 6.2}
ECHO_MARK = 1.10

SLOW_MS = 5
SLOW_MARKS = {"session": 1.08, "channel": 1.01, "many-32": 1.02}
SLOW_ROUNDS = 10


def measure_paths(echo, length, paths, rounds=ROUNDS, calls=64):
    """Returns the times by path, one for each round."""
    words = [path.removesuffix(" again") for path in paths]
    lines = stage.measure("transmit", stage.reader_name("A"), echo, length, rounds, calls, *words)
    return dict(zip(paths, zip(*lines)))


def report_paths(times, marks):
    for path, those in times.items():
        what, to = PATHS[path]
        if path == CONTROL:
            report.control(what, those, times[to])
        else:
            report.timed(what, those, to=times[to] if to else None, most=marks.get(path))


def report_size(echo, length, title, marks):
    with report.table(f"{title}, {length:,} bytes"):
        calls = 64 if length < 10000 else 32
        times = measure_paths(echo, length, PATHS, calls=calls)
        report_paths(times, marks if length in MARKED_SIZES else {})
        bare = [mine + its for mine, its in zip(times["direct"], times["echo"])]
        report.row("Session.Transmit, to SCardTransmit and echo", report.median(bare), "µs",
                   ratio=ratios(times["session"], bare),
                   most=ECHO_MARK if marks and length in MARKED_SIZES else None)


def report_sizes(title, marks, on_broker=False):
    with stage.testbed(card=ATR, broker=on_broker), stage.beside("echo") as echo:
        for length in SIZES:
            report_size(echo, length, title, marks)


def bench_paths():
    """a command by each path to a card that answers at once"""
    report_sizes("a command", MARKS)


def bench_broker():
    """the same with dbus-broker"""
    if broker.is_there():
        report_sizes("dbus-broker: a command", BROKER_MARKS, on_broker=True)


def bench_slow():
    """the same with a slow card"""
    with stage.testbed(card=ATR), stage.beside("echo") as echo:
        stage.set_delay("A", SLOW_MS)
        with report.table(f"a command of 5 bytes, card of {SLOW_MS} ms"):
            paths = ("direct", CONTROL, "session", "channel", "many-32")
            report_paths(measure_paths(echo, 5, paths, rounds=SLOW_ROUNDS, calls=32), SLOW_MARKS)


def bench_free():
    """the first again, on all CPUs and without priority: no marks"""
    report_sizes("not judged, on all CPUs: a command", {})
