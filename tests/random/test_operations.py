#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random operations of eight clients, while calls of libpcsclite fail and cards come and go.

All follows from a seed, but the order in which threads and processes run. The model is small: each
call gets exactly one answer, and a response that belongs to its command; no session outlives its
owner; no charge, descriptor or thread is left; and the objects are those of the simulated readers.

SCD_RANDOM_SEED=N       the seed; that of a failure repeats it
SCD_RANDOM_RUNS=N       how many runs, each with the next seed
SCD_RANDOM_OPERATIONS=N operations of all clients in a run
"""

import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

import capacity
from model import NAMES, READERS
from scdtest.cases import case, glib_library
from scdtest.cases.sessions import ATR, SELECT, SessionTest
from scdtest.clients.library import THROUGH_LIBRARY
from scdtest.clients.recorder import CARD, NAME, READER, ROOT
from scdtest.testbed import events
from scdtest.testbed.process import describe_threads
from scdtest.testbed.random_faults import RandomFaults

SEED = int(os.environ.get("SCD_RANDOM_SEED", "20261129"))
RUNS = int(os.environ.get("SCD_RANDOM_RUNS", "1"))
OPERATIONS = int(os.environ.get("SCD_RANDOM_OPERATIONS", "20000"))

# Of 65,536 calls of libpcsclite.
RATES = {"fail": 800, "late": 1000, "hang": 30, "length": 800, "vanish": 80}

PYTHON, FOLDER = "/usr/bin/python3", os.path.dirname(os.path.abspath(__file__))
KINDS = (("bus_client.py", "0"),) * 3 + (("bus_client.py", "60"),) * 2 + (
    ("pcsc_client.py",),) * 2 + (
        # A build with sanitizers has no introspection data.
        ("library_client.py",) if glib_library.Smartcardd else ("bus_client.py", "30"),)
LIFE = 600  # operations of one process
KILL_EACH = 60  # reports, on average
SILENCE_S = 90

ATRS = (ATR, "3B9F11801F4E53696D756C617465642D3100", "3B00")


class Member:
    """One of the clients: process after process, until all operations are done."""

    def __init__(self, test, number, operations, dice):
        self._test, self.number, self._dice = test, number, dice
        self.left = operations
        self.killed = False
        self.child = None

    def start(self):
        program, *words = KINDS[self.number]
        operations = min(self.left, LIFE)
        self.left -= operations
        self.killed = False
        seed = self._dice.getrandbits(31)
        way = THROUGH_LIBRARY if program == "pcsc_client.py" else ()
        environment = glib_library.environment() if program == "library_client.py" else {}
        self.child = subprocess.Popen(
            [*way, PYTHON, os.path.join(FOLDER, program), str(seed), str(self.number),
             str(operations), *words], stdout=subprocess.PIPE,
            env={**os.environ, **environment})
        GLib.io_add_watch(self.child.stdout, GLib.IOCondition.IN | GLib.IOCondition.HUP,
                          self._read)
        self._rest = b""

    def _read(self, pipe, _condition):
        piece = os.read(pipe.fileno(), 65536)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._test.handle_line(self, line.decode(errors="replace"))
        if piece:
            return True
        pipe.close()
        status = self.child.wait()
        self.child = None
        self._test.handle_end(self, status)
        return False

    def kill(self):
        self.killed = True
        self.child.kill()


class World:
    """The simulated readers: each step changes something. Knows which card is in."""

    def __init__(self, readers, dice):
        self._readers, self._dice = readers, dice
        self.cards = {name: ATR for name in READERS}

    def step(self):
        name = self._dice.choice(READERS)
        chance = self._dice.random()
        if self.cards[name] is None and chance < 0.5 or chance < 0.1:
            self._change_card(name)
        elif chance < 0.2:
            self._readers.order("delay", name, self._dice.choice((0, 0, 1, 10)))
        elif chance < 0.24:
            self._readers.order("fail", name, self._dice.choice((1, 2)))

    def _change_card(self, name):
        atr = self._dice.choice(ATRS)
        if self.cards[name] is None:
            self._readers.insert(name, atr)
            self.cards[name] = atr
        elif self._dice.random() < 0.7:
            self._readers.swap(name, atr)
            self.cards[name] = atr
        else:
            self._readers.remove(name)
            self.cards[name] = None

    def settle(self):
        """Leaves new cards in all readers: a client may have set the old ones to "raw"."""
        for name in READERS:
            self._readers.order("delay", name, 0)
            self._readers.order("fail", name, 0)
            if self.cards[name] is None:
                self._readers.insert(name, ATR)
            else:
                self._readers.swap(name, ATR)
            self.cards[name] = ATR


class RandomOperations(SessionTest):
    readers = READERS

    def handle_line(self, member, line):
        self._heard_at = time.monotonic()
        if line == ".":
            self._world.step()
            if self._dice.randrange(KILL_EACH) == 0 and member.child:
                member.kill()
        elif line:
            self._problems.append(f"{KINDS[member.number][0]}: {line}")

    def handle_end(self, member, status):
        if status != 0 and not (member.killed and status == -signal.SIGKILL):
            self._problems.append(f"{KINDS[member.number][0]} ended with {status}")
        if member.left > 0:
            member.start()

    def _start_world(self, seed):
        self._dice = random.Random(seed)
        self._problems = []
        self._faults = RandomFaults(self.testbed, self._dice.getrandbits(63), RATES)
        self.start(capacity.SETTINGS, self._faults.environment)
        self._world = World(self.cards, self._dice)

    def _run_clients(self):
        members = [Member(self, number, OPERATIONS // len(KINDS), self._dice)
                   for number in range(len(KINDS))]
        self._heard_at = time.monotonic()
        for member in members:
            member.start()
        timer = GLib.timeout_add_seconds(1, lambda: True)
        try:
            while any(member.child for member in members) and not self._problems:
                GLib.MainContext.default().iteration(True)
                if time.monotonic() > self._heard_at + SILENCE_S:
                    left = [KINDS[member.number][0] for member in members if member.child]
                    self._problems.append(f"none of {left} went on for {SILENCE_S} seconds")
                if not self.testbed.service.is_running():
                    self._problems.append("the service has ended")
                elif self._problems:
                    self._problems.append(describe_threads(self.testbed.service.pid))
        finally:
            GLib.source_remove(timer)
            for member in members:
                member.left = 0
                if member.child:
                    member.kill()
        while any(member.child for member in members):
            GLib.MainContext.default().iteration(True)

    def _tree(self):
        """Returns the ATRs in the tree by the names of the readers; None without a card."""
        objects = self._user.objects()
        tree = {interfaces[READER]["Name"]: None for interfaces in objects.values()
                if READER in interfaces}
        for interfaces in objects.values():
            if CARD in interfaces:
                reader = objects[interfaces[CARD]["Reader"]][READER]["Name"]
                tree[reader] = bytes(interfaces[CARD]["Atr"]).hex().upper()
        return tree

    def _check_end(self, before):
        """All is as it was before the clients came."""
        world = dict(zip(NAMES, self._world.cards.values()))
        events.poll_until(lambda: self._tree() == world, lambda: f"{self._tree()} is {world}")
        events.poll_until(lambda: self._user.ask(ROOT, NAME + ".Manager", "ListSessions")
                          == [], "all sessions end")
        self.assertEqual(self.count_sessions(), 0)
        self.assertEqual(capacity.measure("Reader A"), before)
        for name in READERS:
            self.assertEqual(self.session(name).transmit(SELECT), "9000")

    def _run(self, seed):
        self._start_world(seed)
        self._user = self.client()
        before = capacity.measure("Reader A")
        mirror = Gio.DBusObjectManagerClient.new_sync(
            self._user.connection, Gio.DBusObjectManagerClientFlags.NONE, NAME, ROOT, None, None,
            None)
        self._faults.start()
        self._run_clients()
        self._faults.stop()
        calls, counts = self._faults.counts()
        print(f"# seed {seed}: {OPERATIONS} operations, {calls} calls of libpcsclite, "
              + ", ".join(f"{kind} {number}" for kind, number in counts.items()), flush=True)
        self.assertFalse(self._problems, "\n".join([f"SCD_RANDOM_SEED={seed}", *self._problems,
                                                    *self._log()]))
        self._world.settle()
        try:
            self._check_end(before)
            self._check_mirror(mirror)
        except Exception as error:
            raise AssertionError(f"SCD_RANDOM_SEED={seed}") from error

    def _log(self):
        """Returns the last lines of the service, but the audit."""
        lines = self.testbed.service.output.splitlines()
        return [line for line in lines if "uses reader" not in line][-40:]

    def _check_mirror(self, mirror):
        """The signals have told a client of all changes."""
        objects = {path: interfaces for path, interfaces in self._user.objects().items()
                   if READER in interfaces or CARD in interfaces}
        mirrored = {}
        for item in mirror.get_objects():
            for interface in item.get_interfaces():
                name = interface.get_interface_name()
                if name in (READER, CARD):
                    values = {key: interface.get_cached_property(key).unpack()
                              for key in interface.get_cached_property_names() or ()}
                    mirrored.setdefault(item.get_object_path(), {})[name] = values
        self.assertEqual({path: {name: interfaces[name] for name in interfaces
                                 if name in (READER, CARD)}
                          for path, interfaces in objects.items()}, mirrored)


def add_runs():
    """Each run is a test of its own, with a test bed of its own."""
    for seed in range(SEED, SEED + RUNS):
        setattr(RandomOperations, f"test_seed_{seed}", lambda self, seed=seed: self._run(seed))


add_runs()

if __name__ == "__main__":
    case.main()
