# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test bed with simulated readers, and the programs that measure in it."""

import os
import shutil
import subprocess
from contextlib import contextmanager

from gi.repository import Gio
from scdtest.testbed.broker import Broker
from scdtest.testbed.polkit import Polkit
from scdtest.testbed.simulator import Simulator
from scdtest.testbed.testbed import SOURCE, TestBed, built, connect_to_bus, simulated_reader

# Allows calls to the other programs of the bench as well. dbus-broker has other limits.
POLICY = os.path.join(SOURCE, "tests", "bench", "bench.conf")
POLICY_WITH_LIMITS = os.path.join(SOURCE, "tests", "bench", "bench-limits.conf")

# The maximum for one library in pcscd. Orders for cards reach the readers of the first copy.
READERS_OF_LIBRARY = 250


def libraries(folder, count):
    """Yields the library of the simulated reader for each of count readers."""
    original = built("tests/sim/libscd-sim.so")
    for number in range(count):
        copy = number // READERS_OF_LIBRARY
        path = os.path.join(folder, f"libscd-sim-{copy}.so") if copy else original
        if not os.path.exists(path):
            shutil.copy(original, path)
        yield path


@contextmanager
def testbed(readers=("A",), service=True, card=None, broker=False, polkit_rule=None):
    made = TestBed()
    polkit = None
    try:
        if broker:
            made.bus = Broker(made.folder, POLICY)
        else:
            made.start_bus(policy=POLICY_WITH_LIMITS)
        made.start_pcscd([simulated_reader(name, card=card, library=library)
                          for name, library in zip(readers, libraries(made.folder, len(readers)))])
        if polkit_rule:
            polkit = Polkit()
            polkit.start(polkit_rule)
        if service:
            made.start_service()
        yield made
    finally:
        if polkit:
            polkit.close()
        made.close()


@contextmanager
def beside(program, *arguments):
    """Runs a program of the bench that answers on the bus; yields the first line of its output."""
    with subprocess.Popen([built("tests/bench/" + program), *arguments], stdout=subprocess.PIPE,
                          text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextmanager
def running(program, *arguments):
    """Runs a program of the bench until it has printed a line; yields its process number."""
    with subprocess.Popen([built("tests/bench/" + program), *arguments], stdout=subprocess.PIPE,
                          text=True) as process:
        try:
            process.stdout.readline()
            yield process.pid
        finally:
            process.terminate()


def reader_name(reader, number=0):
    """Returns the PC/SC name of a simulated reader; number: its index in the test bed."""
    return f"Simulated Reader {reader} {number:02X} 00"


def reader_names(readers):
    return [reader_name(reader, number) for number, reader in enumerate(readers)]


def size_of_objects():
    """Returns the size of the answer of GetManagedObjects, in bytes."""
    bus = connect_to_bus()
    answer = bus.call_sync("org.smartcardd1", "/org/smartcardd1",
                           "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", None, None,
                           Gio.DBusCallFlags.NONE, -1, None)
    bus.close_sync(None)
    return answer.get_size()


def set_delay(readers, milliseconds):
    """Sets the time that the cards take for each command."""
    simulator = Simulator()
    for reader in readers:
        simulator.order("delay", reader, milliseconds)
    simulator.close()


def numbers(line):
    return [float(word) for word in line.split()]


def measure(program, *arguments, user=None):
    """Runs a program, as a user; returns a list of numbers for each line of its output."""
    output = subprocess.run([built("tests/bench/" + program), *map(str, arguments)], check=True,
                            stdout=subprocess.PIPE, text=True, user=user).stdout
    return [numbers(line) for line in output.splitlines()]


def measure_in_turn(rounds, *programs):
    """Runs several programs whose rounds alternate.

    programs: the user, and the words of each, which have "-" as the number of
    rounds. Returns a list of numbers for each round, those of all programs.
    """
    children = [subprocess.Popen([built("tests/bench/" + words[0]), *map(str, words[1:])],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, user=user)
                for user, words in programs]

    def next_numbers(child):
        child.stdin.write("\n")
        child.stdin.flush()
        return numbers(child.stdout.readline())

    lines = [[number for child in children for number in next_numbers(child)]
             for _ in range(rounds + 1)]
    for child in children:
        child.communicate()
    return lines[1:]  # the first round is for warming up
