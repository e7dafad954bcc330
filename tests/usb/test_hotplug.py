#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""USB readers are plugged and unplugged while the service runs."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case, plugging
from scdtest.clients.channel import UNPLUGGED, Channel, transmit
from scdtest.clients.client import Client, options
from scdtest.clients.recorder import MANAGER, ROOT
from scdtest.testbed.faults import Faults
from scdtest.testbed.testbed import pcscd_version

PLUG = ["InterfacesAdded"]
UNPLUG_WITH_CARD = ["CardRemoved", "PropertiesChanged", "InterfacesRemoved", "InterfacesRemoved"]


class Hotplug(plugging.PluggingTest):
    def start(self):
        self.testbed.start_pcscd(environment=self.bus.environment())
        self.testbed.start_service()
        self.client = self.recorder()

    def events(self):
        """The recorded signals, without changes of the manager, which counts the readers."""
        return [event for event in self.client.signals
                if (event.member, event.path) != ("PropertiesChanged", ROOT)]

    def members(self):
        return [event.member for event in self.events()]

    def wait_for_readers(self, count):
        self.client.wait_for_state(lambda c: len(c.readers()) == count, f"{count} readers")

    def test_plugged_before_the_service_starts(self):
        self.usb_reader("1-1", 2, serial="S1").plug()
        self.start()
        self.wait_for_readers(1)
        (name, (path, properties)), = self.client.readers().items()
        self.assertEqual(name, "Simulated USB Reader (S1) 00 00")
        self.assertEqual(properties["Serial"], "S1")
        self.assertEqual(self.client.call("/org/smartcardd1", "org.smartcardd1.Manager",
                                          "FindReader", self.string("S1")), (path,))

    def string(self, text):
        return GLib.Variant("(s)", (text,))

    def test_plugged_and_unplugged(self):
        self.start()
        self.assertEqual(self.client.readers(), {})
        reader = self.usb_reader("1-1", 2)
        reader.plug()
        self.wait_for_readers(1)
        (path, _), = self.client.readers().values()
        self.assertEqual(self.members(), PLUG)
        reader.unplug()
        self.wait_for_readers(0)
        # The driver may fail first: then the reader is unavailable before it is removed.
        events = [event for event in self.client.members() if event != "PropertiesChanged"]
        self.assertEqual(events, PLUG + ["InterfacesRemoved"])
        reader.plug()
        self.wait_for_readers(1)
        self.assertEqual(self.client.readers().popitem()[1][0], path)

    def test_unplugged_with_a_card(self):
        reader = self.usb_reader("1-1", 2)
        reader.plug()
        self.start()
        self.wait_for_readers(1)
        self.simulator().insert(reader.name())
        self.client.wait_for_signal("CardInserted")
        (path, properties), = self.client.readers().values()
        del self.client.signals[:]
        reader.unplug()
        self.wait_for_readers(0)
        self.assertEqual(self.client.cards(), {})
        self.assertEqual(self.members()[:3], UNPLUG_WITH_CARD[:3])
        self.assertEqual(self.members()[-1], UNPLUG_WITH_CARD[3])
        self.assertEqual(self.events()[0].arguments, (properties["Card"],))
        self.assertEqual(self.events()[-1].arguments, (path, ["org.smartcardd1.Reader"]))

    def open_sessions(self, reader, count):
        """Opens sessions with the card of a reader whose commands take long."""
        reader.plug()
        self.start()
        self.wait_for_readers(1)
        self.cards = self.simulator()
        self.cards.insert(reader.name())
        self.client.wait_for_signal("CardInserted")
        self.cards.order("delay", reader.name(), 5000)
        user = Client()
        self.addCleanup(user.close)
        return [user.connect(user.reader("Simulated")) for _ in range(count)]

    def unplug_during_a_command(self, reader):
        """Removes the device first: pcscd would wait for the end of the command."""
        self.cards.wait_for(reader.name(), "busy=1")
        self.cards.order("unplugged", reader.name(), "on")
        reader.unplug()

    def test_unplugged_during_a_transmit(self):
        reader = self.usb_reader("1-1", 2)
        session, = self.open_sessions(reader, 1)
        calls = [session.send_transmit("00A40400") for _ in range(2)]
        self.unplug_during_a_command(reader)
        for call in calls:
            self.assertIn(call.error(), ("ReaderUnavailable", "RemovedCard"))
        self.assertEqual(session.wait_for_closed(), "reader-removed")
        self.wait_for_readers(0)
        self.assertTrue(self.client.manager("Available"))

    def test_unplugged_while_a_call_waits_for_the_removal(self):
        reader = self.usb_reader("1-1", 2)
        session, = self.open_sessions(reader, 1)
        (card,) = self.client.cards()
        wait = session.client.send(ROOT, MANAGER, "WaitForRemoval", GLib.Variant("o", card),
                                   options())
        session.client.manager("Version")
        reader.unplug()
        self.assertIsNone(wait.wait())
        self.assertEqual(session.wait_for_closed(), "reader-removed")

    def test_unplugged_while_channels_are_open(self):
        reader = self.usb_reader("1-1", 2)
        channel, idle = [Channel(session) for session in self.open_sessions(reader, 2)]
        self.addCleanup(channel.close)
        self.addCleanup(idle.close)
        channel.send(*[transmit("00A40400")] * 5)
        self.unplug_during_a_command(reader)
        codes = channel.receive_all()
        self.assertTrue(codes)
        self.assertLessEqual(set(codes), UNPLUGGED)
        self.assertEqual(idle.receive_all(), [])
        self.wait_for_readers(0)

    def test_two_interfaces(self):
        self.start()
        reader = self.usb_reader("1-1", 2, interfaces=("Contact", "Contactless"))
        reader.plug()
        self.wait_for_readers(2)
        self.simulator().insert(reader.name(1))
        self.client.wait_for_signal("CardInserted", self.client.reader("[Contactless]"))

    def test_sixteen_at_once(self):
        self.start()
        readers = [self.usb_reader(f"1-{port}", port + 1, serial=f"S{port}") for port in range(1, 17)]
        for _ in range(3):
            for reader in readers:
                reader.plug()
            self.wait_for_readers(16)
            cards = self.simulator()
            for reader in readers:
                cards.insert(reader.name())
            self.client.wait_for_state(lambda c: len(c.cards()) == 16, "16 cards")
            readers[7].unplug()
            self.wait_for_readers(15)
            readers[7].plug()
            self.wait_for_readers(16)
            for reader in readers:
                reader.unplug()
            self.wait_for_readers(0)
            self.assertEqual(self.client.objects(), {})

    def test_reader_that_appears_between_two_waits(self):
        """As all slots of a device but the first: the event of another reader shows it."""
        faults = Faults(self.testbed)
        faults.order("plug-missed")
        one, other = self.usb_reader("1-1", 2), self.usb_reader("1-2", 3)
        one.plug()
        self.testbed.start_pcscd(environment=self.bus.environment())
        self.testbed.start_service(environment=faults.environment)
        self.client = self.recorder()
        self.wait_for_readers(1)
        faults.wait_until_quiet()
        other.plug()
        simulator = self.simulator()
        simulator.wait_until_listed(other.name())
        simulator.insert(one.name())
        self.wait_for_readers(2)

    def test_mocked_devices_go_with_the_test(self):
        """Nothing of them is outside the private /run: a test that is killed leaves no files."""
        root = os.stat(self.bus.testbed.get_root_dir())
        self.assertEqual(root.st_dev, os.stat("/run").st_dev)

    def test_garbage_in_the_reader_list(self):
        """The list is read again without a further event."""
        if pcscd_version() < (2, 3):
            self.skipTest("a reader that comes just as a wait begins is not seen before 2.3")
        faults = Faults(self.testbed)
        faults.order("list-garbage")
        self.testbed.start_pcscd(environment=self.bus.environment())
        self.testbed.start_service(environment=faults.environment)
        self.client = self.recorder()
        reader = self.usb_reader("1-1", 2)
        for _ in range(3):
            for change, count in ((reader.plug, 1), (reader.unplug, 0)):
                faults.wait_until_quiet()
                change()
                self.wait_for_readers(count)


if __name__ == "__main__":
    case.main(preload="libumockdev-preload.so.0")
