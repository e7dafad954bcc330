# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: a world with simulated readers, and the programs that measure in it."""

import subprocess

from scdtest.simulator import Simulator
from scdtest.world import World, built, simulated_reader


def new_world(readers=("A",), service=True, card=None, **bus_options):
    world = World()
    world.start_bus(**bus_options)
    world.start_pcscd([simulated_reader(name, card=card) for name in readers])
    if service:
        world.start_service()
    return world


def reader_name(reader, number=0):
    """PC/SC's, of a simulated reader; number: its place among those of its world."""
    return f"Simulated Reader {reader} {number:02X} 00"


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
