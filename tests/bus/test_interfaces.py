#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The object tree and the interfaces are those of the XML files in introspection/."""

import os
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

from scdtest.cases import case
from scdtest.clients.methods import short_name
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import SOURCE, simulated_reader


def members(interface):
    """Returns kind, name and types of all members of an interface."""
    found = set()
    for member in interface:
        if member.tag in ("method", "signal"):
            types = tuple((arg.get("direction", "out"), arg.get("type"))
                          for arg in member.iter("arg"))
            found.add((member.tag, member.get("name"), types))
        elif member.tag == "property":
            found.add((member.tag, member.get("name"), member.get("type"), member.get("access")))
    return found


class Interfaces(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader("A", card=ATR), simulated_reader("B", slots=3)])
        self.testbed.start_service()
        self.client = self.recorder()

    def introspect(self, path):
        text, = self.client.call(path, "org.freedesktop.DBus.Introspectable", "Introspect")
        return ElementTree.fromstring(text)

    def find(self, selector):
        return self.client.call("/org/smartcardd1", "org.smartcardd1.Manager", "FindReader",
                                GLib.Variant("(s)", (selector,)))[0]

    def assert_refused(self, error, *find_arguments):
        with self.assertRaises(GLib.Error) as caught:
            self.find(*find_arguments)
        self.assertEqual(short_name(Gio.DBusError.get_remote_error(caught.exception)), error)

    def test_reader_changes(self):
        """The number of readers that came and went, announced after each of them."""
        before = self.client.manager("ReaderChanges")
        self.testbed.stop_pcscd()
        self.client.wait_for_state(lambda c: not c.readers(), "no reader")
        self.client.wait_for_state(lambda c: c.manager("ReaderChanges") == before + 4, "the count")
        members = [(s.member, s.path) for s in self.client.signals]
        counted = [i for i, s in enumerate(self.client.signals) if s.member == "PropertiesChanged"
                   and "ReaderChanges" in s.arguments[1]]
        removed = [i for i, (member, _) in enumerate(members) if member == "InterfacesRemoved"]
        self.assertEqual(len(counted), 1)
        self.assertGreater(counted[0], max(removed))

    def test_members_match_the_files(self):
        places = {"Manager": "/org/smartcardd1", "Reader": self.client.reader("Reader A"),
                  "Card": next(iter(self.client.cards()))}
        for name, path in places.items():
            full_name = "org.smartcardd1." + name
            file = os.path.join(SOURCE, "introspection", full_name + ".xml")
            promised = ElementTree.parse(file).find("interface")
            shown = [interface for interface in self.introspect(path)
                     if interface.get("name") == full_name]
            self.assertEqual(len(shown), 1)
            self.assertEqual(members(shown[0]), members(promised), full_name)
            self.assertEqual(
                set(self.client.call(path, "org.freedesktop.DBus.Properties", "GetAll",
                                     self.variant("(s)", full_name))[0]),
                {member[1] for member in members(promised) if member[0] == "property"})

    def variant(self, signature, *values):
        return GLib.Variant(signature, values)

    def test_object_paths(self):
        def children(path):
            return {node.get("name") for node in self.introspect(path).findall("node")}
        self.assertEqual(children("/org/smartcardd1"), {"readers", "cards"})
        session, _ = self.client.call(self.client.reader("Reader A"), "org.smartcardd1.Reader",
                                      "Connect", self.variant("(sasa{sv})", "shared", [], {}))
        self.assertEqual(children("/org/smartcardd1"), {"readers", "cards", "sessions"})
        self.assertEqual({"/org/smartcardd1/sessions/" + name
                          for name in children("/org/smartcardd1/sessions")}, {session})
        self.assertEqual({"/org/smartcardd1/readers/" + name
                          for name in children("/org/smartcardd1/readers")},
                         {path for path, _ in self.client.readers().values()})
        self.assertEqual({"/org/smartcardd1/cards/" + name
                          for name in children("/org/smartcardd1/cards")},
                         set(self.client.cards()))

    def test_slots_are_readers(self):
        slots = {properties["Slot"]: path for name, (path, properties)
                 in self.client.readers().items() if "Reader B" in name}
        self.assertEqual(set(slots), {0, 1, 2})
        self.simulator().insert("B@2")
        self.client.wait_for_signal("CardInserted", slots[2])

    def test_properties_are_read_only(self):
        with self.assertRaises(GLib.Error):
            self.client.call("/org/smartcardd1", "org.freedesktop.DBus.Properties", "Set",
                             self.variant("(ssv)", "org.smartcardd1.Manager", "Available",
                                          GLib.Variant("b", False)))

    def test_find_reader(self):
        path = self.client.reader("Reader A")
        self.assertEqual(self.find(path), path)
        self.assertEqual(self.find("Simulated Reader A 00 00"), path)
        self.assert_refused("UnknownReader", "Simulated Reader")
        self.assert_refused("UnknownReader", "/org/smartcardd1")
        self.assert_refused("InvalidArgs", "")

    def test_find_reader_without_pcscd(self):
        import signal
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.client.wait_for_state(lambda c: not c.manager("Available"), "pcscd is away")
        self.assert_refused("NoService", "Simulated Reader A 00 00")

    def test_object_of_a_removed_card_is_gone(self):
        card, = self.client.cards()
        self.simulator().swap("A")
        self.client.wait_for_signal("CardInserted")
        with self.assertRaises(GLib.Error):
            self.client.get(card, "org.smartcardd1.Card", "AtrHex")


if __name__ == "__main__":
    case.main()
