# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: a world with simulated readers, and the programs that measure in it."""

import os
import shutil
import subprocess
from contextlib import contextmanager

from broker import Broker
from gi.repository import Gio
from scdtest.testbed.simulator import Simulator
from scdtest.testbed.testbed import SOURCE, TestBed, built, connect_to_bus, simulated_reader

# Lets the other programs of the bench be called, beside the service.
POLICY = os.path.join(SOURCE, "tests", "bench", "bench.conf")


# pcscd takes so many of one library; what orders cards in and out finds those of the first one.
READERS_OF_LIBRARY = 250


def libraries(folder, count):
    """The simulated reader's for each of so many readers."""
    original = built("tests/sim/libscd-sim.so")
    for number in range(count):
        copy = number // READERS_OF_LIBRARY
        path = os.path.join(folder, f"libscd-sim-{copy}.so") if copy else original
        if not os.path.exists(path):
            shutil.copy(original, path)
        yield path


@contextmanager
def testbed(readers=("A",), service=True, card=None, broker=False):
    made = TestBed()
    try:
        if broker:
            made.bus = Broker(made.folder, POLICY)
        else:
            made.start_bus(policy=POLICY)
        made.start_pcscd([simulated_reader(name, card=card, library=library)
                          for name, library in zip(readers, libraries(made.folder, len(readers)))])
        if service:
            made.start_service()
        yield made
    finally:
        made.close()


@contextmanager
def beside(program, *arguments):
    """A program of the bench that answers on the bus; gives the line that it prints first."""
    with subprocess.Popen([built("tests/bench/" + program), *arguments], stdout=subprocess.PIPE,
                          text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def reader_name(reader, number=0):
    """PC/SC's, of a simulated reader; number: its place among those of its world."""
    return f"Simulated Reader {reader} {number:02X} 00"


def reader_names(readers):
    return [reader_name(reader, number) for number, reader in enumerate(readers)]


def size_of_objects():
    """Bytes of the answer of GetManagedObjects."""
    bus = connect_to_bus()
    answer = bus.call_sync("org.smartcardd1", "/org/smartcardd1",
                           "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", None, None,
                           Gio.DBusCallFlags.NONE, -1, None)
    bus.close_sync(None)
    return answer.get_size()


def set_delay(readers, milliseconds):
    """How long each command takes the cards from now on."""
    simulator = Simulator()
    for reader in readers:
        simulator.order("delay", reader, milliseconds)
    simulator.close()


def measure(program, *arguments):
    """Lists of numbers, one for each line that the program prints."""
    output = subprocess.run([built("tests/bench/" + program), *map(str, arguments)], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    return [[float(word) for word in line.split()] for line in output.splitlines()]
