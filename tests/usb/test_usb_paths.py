#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Object paths of USB readers depend on the port alone, not on the order of plugging."""

import itertools
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case, plugging
from scdtest.clients import client
from scdtest.clients.pcsc_client import PcscClient
from scdtest.clients.program import Program
from scdtest.testbed.testbed import built
from scdtest.testbed.usb import Hub

READERS = "/org/smartcardd1/readers/"
PORTS = ("1-1", "1-2", "1-3", "1-4")


def label(port):
    return "usb_" + port.replace("-", "_").replace(".", "_")


class UsbPaths(plugging.PluggingTest):
    def start(self):
        self.testbed.start_pcscd(environment=self.bus.environment())
        self.start_service()

    def start_service(self):
        self.testbed.start_service("--sysfs", self.bus.testbed.get_sys_dir())
        self.client = self.recorder()

    def readers(self):
        """Label → properties."""
        return {path.removeprefix(READERS): properties
                for path, properties in self.client.readers().values()}

    def wait_for(self, *labels):
        try:
            self.client.wait_for_state(lambda c: set(self.readers()) == set(labels),
                                       f"the readers are {labels}")
        except AssertionError:
            print(f"# {sorted(self.readers())}", self.testbed.service.output,
                  self.testbed.pcscd.output, sep="\n# ")
            raise

    def assert_has(self, found, **expected):
        properties = self.readers()[found]
        self.assertEqual({name: properties[name] for name in expected}, expected)

    def test_direct_port_and_hubs(self):
        outer = Hub(self.bus, "1-2", 2)
        inner = Hub(self.bus, "1-2.4", 3, parent=outer)
        readers = [self.usb_reader("1-1", 4), self.usb_reader("1-2.3", 5, hub=outer),
                   self.usb_reader("1-2.4.1", 6, hub=inner)]
        readers[0].plug()
        self.start()
        for reader in readers[1:]:
            reader.plug()
        self.wait_for("usb_1_1", "usb_1_2_3", "usb_1_2_4_1")
        for address, port in ((4, "1-1"), (5, "1-2.3"), (6, "1-2.4.1")):
            self.assert_has(label(port), UsbPath=port + ":1.0", UsbBus=1, UsbAddress=address,
                            UsbVendorId=0x5C0D, UsbProductId=1, Product="Simulated USB Reader",
                            Seat="seat0", LoginCandidate=True)

    def test_two_identical_readers_swap_their_ports(self):
        self.start()
        one, other = self.usb_reader("1-1", 2), self.usb_reader("1-2", 3)
        one.plug()
        other.plug()
        self.wait_for("usb_1_1", "usb_1_2")
        for address in (4, 6):
            one.unplug()
            self.wait_for(label(other.port))
            other.unplug()
            self.wait_for()
            one_port = one.port
            one.plug(other.port, address)
            self.wait_for(label(one.port))
            other.plug(one_port, address + 1)
            self.wait_for("usb_1_1", "usb_1_2")
            for reader, number in ((one, address), (other, address + 1)):
                self.assert_has(label(reader.port), UsbPath=reader.port + ":1.0",
                                UsbAddress=number)
                self.simulator().insert(reader.name())
                inserted = self.client.wait_for_signal("CardInserted",
                                                       READERS + label(reader.port))
                self.client.signals.remove(inserted)

    def test_four_readers_in_every_order(self):
        self.start()
        addresses = itertools.count(2)
        for order in itertools.permutations(PORTS):
            plugged = []
            for port in order:
                reader = self.usb_reader(port, next(addresses) % 127 + 1)
                reader.plug()
                plugged.append(reader)
                self.wait_for(*(label(reader.port) for reader in plugged))
            for reader in plugged:
                address = int(reader.name().partition("/")[2])
                self.assert_has(label(reader.port), UsbPath=reader.port + ":1.0",
                                UsbAddress=address)
            for reader in plugged:
                reader.unplug()
            self.wait_for()

    def test_four_readers_at_once_in_every_order(self):
        self.start()
        for number, order in enumerate(itertools.permutations(PORTS)):
            readers = [self.usb_reader(port, 2 + 4 * number + place)
                       for place, port in enumerate(order)]
            for reader in readers:
                reader.plug()
            self.wait_for(*map(label, PORTS))
            for place, reader in enumerate(readers):
                self.assert_has(label(reader.port), UsbAddress=2 + 4 * number + place)
            for reader in readers:
                reader.unplug()
            self.wait_for()

    def test_four_slots(self):
        self.start()
        reader = self.usb_reader("1-3", 2, slots=4)
        reader.plug()
        slots = ["usb_1_3", "usb_1_3_slot1", "usb_1_3_slot2", "usb_1_3_slot3"]
        self.wait_for(*slots)
        for number, slot in enumerate(slots):
            self.assert_has(slot, Slot=number, UsbPath="1-3:1.0")
        self.simulator().insert(reader.name() + "@2")
        self.client.wait_for_signal("CardInserted", READERS + slots[2])

    def test_two_interfaces_of_one_device(self):
        self.start()
        reader = self.usb_reader("1-3", 2, interfaces=("Contact", "Contactless"))
        for _ in range(2):
            reader.plug()
            self.wait_for("usb_1_3", "usb_1_3_if1")
            self.assertIn("[Contact]", self.readers()["usb_1_3"]["Name"])
            self.assert_has("usb_1_3_if1", UsbPath="1-3:1.1", UsbAddress=2)
            self.assertIn("[Contactless]", self.readers()["usb_1_3_if1"]["Name"])
            reader.unplug()
            self.wait_for()

    def smartcardctl(self, *arguments, **options):
        program = Program([built("cli/smartcardctl"), *arguments], **options)
        self.addCleanup(program.close)
        self.assertEqual(program.wait(), 0, program.shown)
        return program

    def test_ports_in_the_list_name_their_readers(self):
        """Those of slots and of second interfaces, too, on a terminal and in a pipe."""
        self.start()
        for reader in (self.usb_reader("1-1", 2), self.usb_reader("1-2", 3, slots=4),
                       self.usb_reader("1-3", 4, interfaces=("Contact", "Contactless"))):
            reader.plug()
        self.wait_for("usb_1_1", "usb_1_2", "usb_1_2_slot1", "usb_1_2_slot2", "usb_1_2_slot3",
                      "usb_1_3", "usb_1_3_if1")
        names = sorted(reader["Name"] for reader in self.readers().values())
        ports = ["1-1", "1-2/0", "1-2/1", "1-2/2", "1-2/3", "1-3:1.0", "1-3:1.1"]
        paths = ["1-1:1.0", "1-2:1.0/0", "1-2:1.0/1", "1-2:1.0/2", "1-2:1.0/3", "1-3:1.0", "1-3:1.1"]
        screen = self.smartcardctl("list", columns=200).screen[1:-1]
        shown = {line[:max(map(len, names))].rstrip(): line[max(map(len, names)):].split()[0]
                 for line in screen}
        self.assertEqual(sorted(shown.values()), ports)
        fields = [line.split("\t") for line in self.smartcardctl("list").lines]
        self.assertEqual(sorted(line[5] for line in fields), paths)
        for name, port in [*shown.items(), *((line[0], line[5]) for line in fields)]:
            self.assertEqual(self.smartcardctl("show", port).lines[0], name)
            found = self.client.call("/org/smartcardd1", "org.smartcardd1.Manager", "FindReader",
                                     GLib.Variant("(s)", (port,)))
            self.assertEqual(found[0], self.client.reader(name))
        for port in ("1-2", "1-2/4", "1-2/01", "1-2/", "1-2:1.0", "/0"):
            with self.assertRaises(GLib.Error):
                self.client.call("/org/smartcardd1", "org.smartcardd1.Manager", "FindReader",
                                 GLib.Variant("(s)", (port,)))

    def test_properties(self):
        self.usb_reader("1-5", 2, serial="S1", manufacturer="Maker", removable="fixed").plug()
        self.start()
        self.assert_has("usb_1_5", Vendor="Maker", Serial="S1", BuiltIn=True)

    def test_seats(self):
        """The service reads seats from the real /sys only, so a mocked one is mounted there."""
        self.usb_reader("1-1", 2, seat="seat-desk").plug()
        self.usb_reader("1-2", 3).plug()
        self.testbed.start_pcscd(environment=self.bus.environment())
        environment = {**self.bus.environment(), "ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.testbed.start_service(environment=environment)
        self.client = self.recorder()
        self.wait_for("usb_1_1", "usb_1_2")
        self.assert_has("usb_1_1", Seat="seat-desk", LoginCandidate=False)
        self.assert_has("usb_1_2", Seat="seat0", LoginCandidate=True)
        self.testbed.stop_service()
        settings = os.path.join(self.testbed.folder, "smartcardd.conf")
        with open(settings, "w", encoding="utf-8") as file:
            file.write("[Reader desk]\nMatchPort=1-1\nLogin=yes\n")
        self.testbed.start_service("--config", settings, environment=environment)
        self.client = self.recorder()
        self.wait_for("usb_1_1", "usb_1_2")
        self.assert_has("usb_1_1", Seat="seat-desk", LoginCandidate=True)

    def test_seat_changes(self):
        """The administrator attaches a reader to another seat while it is plugged in."""
        moved, other = self.usb_reader("1-1", 2), self.usb_reader("1-2", 3)
        moved.plug()
        other.plug()
        self.testbed.start_pcscd(environment=self.bus.environment())
        self.testbed.start_service(environment={
            **self.bus.environment(), "ASAN_OPTIONS": "verify_asan_link_order=0"})
        self.client = self.recorder()
        self.wait_for("usb_1_1", "usb_1_2")
        for seat, is_candidate in (("seat-desk", False), (None, True), ("seat-desk", False)):
            since = len(self.client.signals)
            moved.attach(seat)
            change = self.client.wait_for_signal("PropertiesChanged", READERS + "usb_1_1",
                                                 since=since)
            self.assertEqual(change.arguments[1], {"Seat": seat or "seat0",
                                                   "LoginCandidate": is_candidate})
        self.assert_has("usb_1_1", Seat="seat-desk", LoginCandidate=False)
        self.assert_has("usb_1_2", Seat="seat0", LoginCandidate=True)
        moved.unplug()
        self.wait_for("usb_1_2")

    def test_swap_while_the_service_is_paused(self):
        """pcscd assigns the name of the removed reader to another one."""
        self.start()
        one, other = self.usb_reader("1-1", 2, seat="seat0"), self.usb_reader("1-3", 4)
        one.plug()
        self.wait_for("usb_1_1")
        self.set_alias("usb_1_1", "login")
        name = self.readers()["usb_1_1"]["Name"]
        self.testbed.service.send_signal(signal.SIGSTOP)
        one.unplug()
        one.plug("1-2", 3)
        other.plug()
        self.simulator().wait_until_listed(other.name())
        self.testbed.service.send_signal(signal.SIGCONT)
        self.wait_for("usb_1_2", "usb_1_3")
        self.assert_has("usb_1_2", Name=name, UsbPath="1-2:1.0", UsbAddress=3, Alias="")
        self.simulator().insert(one.name())
        self.client.wait_for_signal("CardInserted", READERS + "usb_1_2")

    def test_pcscd_restarts(self):
        """The names change their order, the paths stay the same."""
        self.start()
        readers = [self.usb_reader(port, 2 + number) for number, port in enumerate(PORTS)]
        for reader in reversed(readers):
            reader.plug()
            self.client.wait_for_state(lambda c: label(reader.port) in self.readers(),
                                       reader.port)
        names = {found: properties["Name"] for found, properties in self.readers().items()}
        for _ in range(3):
            self.testbed.stop_pcscd(signal.SIGKILL)
            self.wait_for()
            self.testbed.start_pcscd(environment=self.bus.environment())
            self.wait_for(*map(label, PORTS))
        self.assertNotEqual(names, {found: properties["Name"]
                                    for found, properties in self.readers().items()})

    def set_alias(self, found, alias, **options):
        self.client.call(READERS + found, "org.smartcardd1.Reader", "SetAlias",
                         GLib.Variant.new_tuple(GLib.Variant("s", alias),
                                                client.options(**options)))

    def aliases(self):
        return {found: properties["Alias"] for found, properties in self.readers().items()}

    def wait_for_aliases(self, expected):
        self.client.wait_for_state(lambda c: self.aliases() == expected, f"{expected}")

    def test_alias_of_a_port(self):
        """The alias belongs to the port, for every reader that is plugged in there."""
        self.start()
        one, other = self.usb_reader("1-1", 2), self.usb_reader("1-2", 3)
        one.plug()
        other.plug()
        self.wait_for("usb_1_1", "usb_1_2")
        self.set_alias("usb_1_1", "login")
        for reader in (one, other):
            reader.unplug()
        self.wait_for()
        one.plug("1-2", 4)
        self.wait_for_aliases({"usb_1_2": ""})
        other.plug("1-1", 5)
        self.wait_for_aliases({"usb_1_1": "login", "usb_1_2": ""})
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.wait_for()
        self.testbed.start_pcscd(environment=self.bus.environment())
        self.wait_for_aliases({"usb_1_1": "login", "usb_1_2": ""})

    def test_alias_of_a_serial_number(self):
        """The alias moves with the reader, and has no effect while two readers have that number."""
        self.start()
        one, other = self.usb_reader("1-1", 2, serial="S1"), self.usb_reader("1-2", 3, serial="S1")
        one.plug()
        self.wait_for("usb_1_1")
        self.set_alias("usb_1_1", "badge", bind="serial")
        one.unplug()
        self.wait_for()
        one.plug("1-3", 4)
        self.wait_for_aliases({"usb_1_3": "badge"})
        other.plug()
        self.wait_for_aliases({"usb_1_2": "", "usb_1_3": ""})
        self.assertEqual(self.testbed.service.output.count("Alias 'badge' names no reader"), 1)
        other.unplug()
        self.wait_for_aliases({"usb_1_3": "badge"})

    def start_held(self, held, *others):
        """Starts a PC/SC program with a transaction before the service; returns the program."""
        readers = (held, *others)
        for reader in readers:
            reader.plug()
        self.start()
        self.wait_for(*(label(reader.port) for reader in readers))
        name = self.readers()[label(held.port)]["Name"]
        self.simulator().insert(held.name())
        self.client.wait_for_state(lambda c: self.readers()[label(held.port)]["CardPresent"],
                                   "the card is there")
        self.testbed.stop_service()
        holder = PcscClient()
        self.addCleanup(holder.close)
        holder.do("connect", "shared", name)
        holder.do("begin")
        self.start_service()
        self.wait_for(*(label(reader.port) for reader in readers))
        return holder

    def test_held_reader_does_not_delay_others(self):
        one, other = self.usb_reader("1-1", 2, serial="S1"), self.usb_reader("1-2", 3)
        self.start_held(one, other)
        other.unplug()
        self.wait_for("usb_1_1")
        other.plug()
        self.wait_for("usb_1_1", "usb_1_2")
        self.assert_has("usb_1_1", UsbPath="1-1:1.0", UsbAddress=2)
        self.assert_has("usb_1_2", UsbPath="1-2:1.0", UsbAddress=3)

    def test_held_reader_loses_its_name(self):
        """pcscd releases a removed reader when no client waits for it."""
        one, other = self.usb_reader("1-1", 2), self.usb_reader("1-2", 3)
        holder = self.start_held(one)
        name = self.readers()["usb_1_1"]["Name"]
        one.unplug()
        holder.leave()
        self.wait_for()
        other.plug()
        self.wait_for("usb_1_2")
        self.assert_has("usb_1_2", Name=name, UsbPath="1-2:1.0", UsbAddress=3)


if __name__ == "__main__":
    case.main(preload="libumockdev-preload.so.0")
