# SPDX-License-Identifier: LGPL-2.1-or-later
"""The size and the speed of a service that has nothing to do."""

import os
import re
import statistics
import time
from collections import namedtuple

from gi.repository import Gio, GLib
from scdtest.clients import winscard
from scdtest.clients.channel import SUCCESS, Channel, transmit
from scdtest.clients.client import Client, hex_data, options
from scdtest.clients.recorder import MANAGER, PROPERTIES, ROOT
from scdtest.testbed import events

ROUNDS = 200  # fewer calls than a user may make at once without being held back
PAUSE_S = 0.05  # between two questions
SELECT = "00A40400"
THREADS_OF_CARDS = {"worker", "probe"}  # they end some time after the last session

# private: MiB of memory. call: µs of a method call, and of a call to the bus; command: µs of a
# command on a channel, and of a direct one.
Figures = namedtuple("Figures", "private descriptors threads call bus command direct")


def names_of_threads(pid):
    """Without those of a pool of GIO, which end when they have had nothing to do for a while."""
    names = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/comm", encoding="ascii") as file:
                names.append(file.read().strip())
        except OSError:  # it has ended
            pass
    return [name for name in names if not name.startswith("pool-")]


def kinds_of_descriptors(pid):
    """Returns a word for each: socket, pipe, anon_inode:[eventfd], or the path of a file."""
    folder = f"/proc/{pid}/fd"
    return [re.sub(r":?[\[#]\d+\]?", "", os.readlink(os.path.join(folder, name)))
            for name in os.listdir(folder)]


def wait_until_quiet(client, pid):
    """Waits until all sessions have ended, and the threads of their readers too."""
    def is_quiet():
        time.sleep(PAUSE_S)
        return (not client.ask(ROOT, MANAGER, "ListSessions")
                and not THREADS_OF_CARDS & set(names_of_threads(pid)))
    events.poll_until(is_quiet, lambda: f"the service is quiet: {names_of_threads(pid)}")


def private_memory(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_")) / 1024


def take_figures(client, pid, reader):
    """reader: the name of one with a card in it."""
    wait_until_quiet(client, pid)
    size = (private_memory(pid), len(kinds_of_descriptors(pid)), len(names_of_threads(pid)))
    return Figures(*size, *measure_latency(reader))


def measure_latency(reader):
    """Returns µs of each call: the longest of the fastest tenth, which nothing has disturbed.

    The calls take turns.
    """
    client = Client()
    path, = (path for name, (path, _) in client.readers().items() if name == reader)
    channel = Channel(client.connect(path))
    context = winscard.new_context()
    _, card, protocol = winscard.connect(context, reader)

    def call(destination, path, interface, method, arguments=None):
        client.connection.call_sync(destination, path, interface, method, arguments, None,
                                    Gio.DBusCallFlags.NONE, int(events.LIMIT_S * 1000), None)

    available = GLib.Variant("(ss)", (MANAGER, "Available"))
    calls = [lambda: call("org.smartcardd1", ROOT, PROPERTIES, "Get", available),
             lambda: call("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId"),
             lambda: channel.ask(transmit(SELECT)),
             lambda: winscard.transmit(card, SELECT, protocol)]
    rows = [[microseconds_of(call) for call in calls] for _ in range(ROUNDS)]
    assert channel.ask(transmit(SELECT)) == (SUCCESS, b"\x90\x00"), "the card does not answer"
    channel.close()
    winscard.disconnect(card)
    winscard.release(context)
    client.close()
    return [statistics.quantiles(column, n=10)[0] for column in zip(*rows)]


def microseconds_of(call):
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e6
