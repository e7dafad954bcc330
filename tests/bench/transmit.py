# SPDX-License-Identifier: LGPL-2.1-or-later
"""The time of a command by each path to the card, as a ratio to a direct SCardTransmit."""

import report
import stage
from scdtest.testbed import broker
from scdtest.testbed.simulator import ATR

SIZES = (5, 261, 4096, 65000)
DAEMON, BROKER = "dbus-daemon", "dbus-broker"
ROUNDS = 40

# Each path of the program transmit, its title, and the path with which it is compared.
CONTROL = "direct again"
PATHS = {
    "direct": ("SCardTransmit", None),
    CONTROL: ("SCardTransmit again: the control", "direct"),
    "channel": ("channel, one at a time", "direct"),
    "bare": ("a bare thread in its place, without checks", "direct"),
    "in-flight": ("channel, 32 in flight", "direct"),
    "bare-in-flight": ("the bare thread, 32 in flight", "direct"),
    "many-32": ("TransmitMany of 32", "direct"),
    "many-8": ("TransmitMany of 8", "direct"),
    "session": ("Session.Transmit, sd-bus client", "direct"),
    "gdbus": ("Session.Transmit, GDBus client", "direct"),
    "echo": ("echo of the bare bus, sd-bus client", "direct"),
    "echo-32": ("echo of 32 at once, for each", "direct"),
    "direct-from-scratch": ("SCardConnect, Begin, Transmit, End, Disconnect", "direct"),
    "card": ("Card.Transmit, to that", "direct-from-scratch"),
    "connect-directly": ("SCardConnect and SCardDisconnect", "direct"),
    "connect": ("Reader.Connect and Session.Close, to that", "connect-directly"),
}

# The maximum ratios to the floors, if the card answers at once.
CHANNEL_MARK, IN_FLIGHT_MARK = 1.03, 1.05
SESSION_MARK = 1.03
CONNECT_MARK = 1.2
SHORT_SIZES, SCRIPT_SIZE = (5, 261), 4096
SCRIPT_MARK = 1.6

SLOW_MS = 5
SLOW_MARKS = {"session": 1.08, "channel": 1.01, "many-32": 1.02}
SLOW_ROUNDS = 10


def measure_paths(echo, length, paths, rounds=ROUNDS, calls=64):
    """Returns the times by path, one for each round."""
    words = [path.removesuffix(" again") for path in paths]
    lines = stage.measure("transmit", stage.reader_name("A"), echo, length, rounds, calls, *words)
    return dict(zip(paths, zip(*lines)))


def report_paths(times, marks=None):
    for path, those in times.items():
        what, to = PATHS[path]
        if path == CONTROL:
            report.control(what, those, times[to])
        else:
            report.timed(what, those, to=times[to] if to else None,
                         most=marks.get(path) if marks else None)


def add_times(*columns):
    """Returns the sum of the times of each round."""
    return [sum(times) for times in zip(*columns)]


def judge_channel(times, size):
    report.judge(f"channel, one at a time, {size}", times["channel"], times["bare"],
                 "a bare thread in its place", CHANNEL_MARK)
    report.judge(f"channel, 32 in flight, {size}", times["in-flight"], times["bare-in-flight"],
                 "the bare thread, 32 in flight", IN_FLIGHT_MARK)


def judge_session(times, what):
    report.judge(what, times["session"], add_times(times["direct"], times["echo"]),
                 "SCardTransmit and an echo", SESSION_MARK)


def judge_connect(times):
    report.judge("Connect and Close", times["connect"],
                 add_times(times["connect-directly"], times["echo"], times["echo"]),
                 "SCardConnect, SCardDisconnect, two echoes", CONNECT_MARK)


def judge_script(times, size):
    report.judge(f"TransmitMany of 32, {size} each", times["many-32"], times["direct"],
                 "SCardTransmit", SCRIPT_MARK)
    report.timed("  to SCardTransmit and the echo of as many bytes", times["many-32"],
                 to=add_times(times["direct"], times["echo-32"]))


def report_size(echo, length, title, bus):
    """bus: its name, or None if the rows are not judged."""
    size = f"{length:,} bytes"
    with report.table(f"{title}, {size}"):
        calls = 64 if length < 10000 else 32
        times = measure_paths(echo, length, PATHS, calls=calls)
        report_paths(times)
        if bus and length in SHORT_SIZES:
            judge_session(times, f"Session.Transmit, sd-bus client, {bus}, {size}")
        if bus == DAEMON and length in SHORT_SIZES:
            judge_channel(times, size)
        if bus == DAEMON and length == SHORT_SIZES[0]:
            judge_connect(times)
        if bus == DAEMON and length == SCRIPT_SIZE:
            judge_script(times, size)


def report_sizes(title, bus=None, on_broker=False):
    with stage.testbed(card=ATR, broker=on_broker), stage.beside("echo") as echo:
        for length in SIZES:
            report_size(echo, length, title, bus)


def bench_paths():
    """a command by each path to a card that answers at once"""
    report_sizes("a command", DAEMON)


def bench_broker():
    """the same with dbus-broker"""
    if broker.is_there():
        report_sizes("dbus-broker: a command", BROKER, on_broker=True)


def bench_slow():
    """the same with a slow card"""
    with stage.testbed(card=ATR), stage.beside("echo") as echo:
        stage.set_delay("A", SLOW_MS)
        with report.table(f"a command of 5 bytes, card of {SLOW_MS} ms"):
            paths = ("direct", CONTROL, "session", "channel", "many-32")
            report_paths(measure_paths(echo, 5, paths, rounds=SLOW_ROUNDS, calls=32), SLOW_MARKS)


def bench_free():
    """the first again, on all CPUs and without priority: no marks"""
    report_sizes("not judged, on all CPUs: a command")
