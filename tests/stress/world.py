# SPDX-License-Identifier: LGPL-2.1-or-later
"""All that changes around the service in a soak: cards, readers, aliases, pcscd, polkit, clients.

Each change is one of the methods in World.CHANGES, which returns when the objects of the service
are as they should be after it.
"""

import contextlib
import itertools
import os
import signal

from gi.repository import GLib
from load import Load, kinds
from scdtest.cases.sessions import ATR
from scdtest.clients import winscard
from scdtest.clients.client import Client, Refused, hex_data, options
from scdtest.clients.recorder import CARD, MANAGER, READER, ROOT
from scdtest.testbed.polkit import Polkit
from scdtest.testbed.simulator import Simulator
from scdtest.testbed.testbed import SIMULATOR_SOCKET, TestBed
from scdtest.testbed.usb import Bus, Reader
from scdtest.testbed.users import as_user

READERS, LOADS = 4, 4
OTHER_USER = "nobody"
ALIASES = ("desk", "till", "Front door", "7", "")
ALLOW, DENY = "return polkit.Result.YES;", "return polkit.Result.NO;"
SELECT, VERIFY = "00A40400", "00200080083132333435363738"
NONE = "/"


def cards_in_pcscd():
    """Returns whether each reader has a card as pcscd reports it."""
    context = winscard.new_context()
    _, readers = winscard.names(context)
    _, *states = winscard.wait(context, 0, *[(reader, 0) for reader in readers])
    winscard.release(context)
    return {reader: bool(state & winscard.PRESENT) for reader, state in zip(readers, states)}


class World:
    """numbers: the random numbers that decide. counts: what was done, by name."""

    def __init__(self, numbers):
        self.numbers = numbers
        self.counts = dict.fromkeys(["uses", "changes", "missed", *self.CHANGES], 0)
        self._cleanup = contextlib.ExitStack()
        self.testbed = TestBed()
        self._cleanup.callback(self.testbed.close)
        self._usb = Bus()
        self._cleanup.callback(self._usb.close)
        self.testbed.start_bus()
        self._polkit = Polkit()
        self._cleanup.callback(self._polkit.close)
        self._polkit.start(ALLOW)
        self.readers = [Reader(self._usb, f"1-{number}", number + 1, serial=f"S{number}")
                        for number in range(1, READERS + 1)]
        self._plugged, self._with_card = set(self.readers), set(self.readers)
        self._aliases = dict.fromkeys(self.readers, "")
        for reader in self.readers:
            reader.plug()
        self._start_pcscd()
        state = os.path.join(self.testbed.folder, "state")
        os.mkdir(state)
        self.testbed.start_service("--state", state, "--sysfs", self._usb.testbed.get_sys_dir())
        self.client = Client()
        self._last = []  # names of changes
        self._swapped = None  # the path of a card that must not be there any more
        self._loads, self._seeds = [], itertools.count(numbers.randrange(1 << 32))
        self.settle()

    # The world as it should be.

    def _expected(self):
        return {reader.port: (reader in self._with_card, self._aliases[reader])
                for reader in self._plugged}

    @staticmethod
    def _observed(client):
        return {properties["UsbPath"].partition(":")[0]:
                (properties["Card"] != NONE, properties["Alias"])
                for _, properties in client.readers().values()}

    def settle(self):
        """Waits until the objects of the service are as they should be.

        pcscd with the simulated reader misses an insertion now and then. Then the service is right
        if it agrees with pcscd, which is restarted.
        """
        try:
            self._wait_until_right()
        except AssertionError as error:
            if not self._agrees_with_pcscd():
                raise
            print("pcscd has missed something:", error, flush=True)
            self.counts["missed"] += 1
            self.restart_pcscd()
            self._wait_until_right()

    def _wait_until_right(self):
        expected = self._expected()
        try:
            self.client.wait_for_state(lambda client: self._observed(client) == expected
                                       and self._swapped not in client.cards(),
                                       "the objects are right")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self._observed(self.client)} instead of {expected} "
                                 f"after {self._last}; pcscd has {cards_in_pcscd()}") from None

    def _agrees_with_pcscd(self):
        return cards_in_pcscd() == {name: properties["Card"] != NONE
                                    for name, (_, properties) in self.client.readers().items()}

    # pcscd

    def _start_pcscd(self):
        """It has no cards of before: the simulated ones end with it."""
        if os.path.exists(SIMULATOR_SOCKET):
            os.unlink(SIMULATOR_SOCKET)
        self.testbed.start_pcscd(environment=self._usb.environment())
        self.cards = Simulator()
        for reader in self._plugged:
            self.cards.wait_until_listed(reader.name())
        for reader in self._with_card:
            self.cards.insert(reader.name(), ATR)

    def restart_pcscd(self):
        self.cards.close()
        self.testbed.pcscd.send_signal(self.numbers.choice([signal.SIGTERM, signal.SIGKILL]))
        self.client.wait_for_state(lambda client: not client.manager("Available"), "pcscd has gone")
        self.testbed.stop_pcscd(signal.SIGKILL)  # pcsc-lite 1.9.9 may crash when it stops readers
        self._start_pcscd()

    # Cards and readers

    def change_card(self):
        reader = self._any_reader()
        if reader not in self._with_card:
            self.cards.insert(reader.name(), ATR)
            self._with_card.add(reader)
        elif self.numbers.random() < 0.5:
            self.cards.remove(reader.name())
            self._with_card.remove(reader)
        else:
            self._swap_card(reader)

    def _swap_card(self, reader):
        """The card that was there must go, for the other one looks the same."""
        _, properties = self.client.readers()[self._name(reader)]
        self._swapped = properties["Card"]
        self.cards.swap(reader.name(), ATR)

    def plug_or_unplug(self):
        """One reader stays, and with it pcscd keeps the driver."""
        reader = self.numbers.choice(self.readers)
        if reader not in self._plugged:
            reader.plug()
            self._plugged.add(reader)
        elif len(self._plugged) > 1:
            reader.unplug()
            self._plugged.remove(reader)
            self._with_card.discard(reader)

    def change_alias(self):
        reader = self._any_reader()
        alias = self.numbers.choice(ALIASES)
        if alias and alias in self._aliases.values():
            alias = ""
        self.client.ask(self._path(reader), READER, "SetAlias", alias, options())
        self._aliases[reader] = alias

    def _any_reader(self):
        """Sorted, for a run with the same seed makes the same choices."""
        return self.numbers.choice(sorted(self._plugged, key=lambda reader: reader.port))

    def name_of_reader_with_card(self):
        """Inserts a card first if there is none."""
        if not self._with_card:
            reader = self._any_reader()
            self.cards.insert(reader.name(), ATR)
            self._with_card.add(reader)
            self.settle()
        return next(name for name, (_, properties) in self.client.readers().items()
                    if properties["Card"] != NONE)

    def _name(self, reader):
        """Returns the name by which PC/SC knows it now."""
        return next(name for name, (path, _) in self.client.readers().items()
                    if path == self._path(reader))

    def _path(self, reader):
        return "/org/smartcardd1/readers/usb_" + reader.port.replace("-", "_")

    # polkit

    def restart_polkit(self):
        self._polkit.stop()
        self._polkit.start(ALLOW)

    def change_rule(self):
        """The sessions of the other user are revoked."""
        self._polkit.change_rule(DENY)
        self._polkit.change_rule(ALLOW)

    # Clients

    def use_and_leave(self):
        """A client that leaves with its session, perhaps in a transaction and in a command."""
        with as_user(self.numbers.choice(["root", OTHER_USER])):
            client = Client()
        with contextlib.suppress(Refused):
            session = client.connect(self._path(self._any_reader()))
            session.transmit(VERIFY)
            if self.numbers.random() < 0.5:
                session.begin()
            session.send_transmit(SELECT)
        client.close()

    def call(self):
        """Calls that need no session, some of which are refused."""
        path = self._path(self._any_reader())
        self._ask(path, CARD if self.numbers.random() < 0.1 else READER, "TransmitHex", SELECT)
        self._ask(path, READER, "Control", 0x42000D48, hex_data(""), options())
        self._ask(ROOT, MANAGER, "CanConnect", GLib.Variant("o", path))
        self._ask(ROOT, MANAGER, "WaitForCard", options(new=True, timeout_ms=1))
        self._ask(ROOT, MANAGER, "ListSessions")
        self._ask(ROOT + "/cards/1", CARD, "TransmitHex", SELECT)

    def _ask(self, *call):
        with contextlib.suppress(Refused):
            self.client.ask(*call)

    def replace_load(self):
        """Kills a program in the middle of its use of a card, and starts another one."""
        if self._loads:
            self._close_load(self._loads.pop(0))
        self._start_load()

    def _start_load(self):
        kind = self.numbers.choice(kinds())
        account = self.numbers.choice(["root", OTHER_USER])
        self._loads.append(Load(kind, next(self._seeds), account))

    def _close_load(self, load):
        load.check()
        self.counts["uses"] += load.uses
        load.close()

    def start_loads(self):
        while len(self._loads) < LOADS:
            self._start_load()

    def stop_loads(self):
        while self._loads:
            self._close_load(self._loads.pop())

    # All of it

    CHANGES = {"change_card": 30, "plug_or_unplug": 6, "change_alias": 6, "use_and_leave": 20,
               "call": 20, "replace_load": 4, "change_rule": 1, "restart_polkit": 1,
               "restart_pcscd": 1}

    def change(self):
        """Makes one change."""
        name, = self.numbers.choices(list(self.CHANGES), list(self.CHANGES.values()))
        del self.client.signals[:], self.client.done[:]
        self._last = [*self._last[-5:], name]
        getattr(self, name)()
        self.settle()
        self.counts["changes"] += 1
        self.counts[name] += 1
        for load in self._loads:
            load.check()

    def close(self):
        for load in self._loads:
            load.close()
        self.client.close()
        self.cards.close()
        self._cleanup.close()
