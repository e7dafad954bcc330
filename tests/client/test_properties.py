#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library: each property has one value, by its name, by its function, and on the bus."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

from scdtest.cases import case
from scdtest.cases.glib_library import DEFAULT, LibraryTest, Smartcardd
from scdtest.clients.recorder import MANAGER, NAME, PROPERTIES, ROOT
from scdtest.testbed import events


def plain(value):
    """Returns a value that can be compared."""
    if isinstance(value, GLib.Variant):
        return value.unpack()
    if isinstance(value, Gio.ListModel):
        return list(value)
    return value.get_data() or b"" if isinstance(value, GLib.Bytes) else value


def camel_case(name):
    return "".join(word.capitalize() for word in name.split("-"))


class Properties(LibraryTest):
    def setUp(self):
        super().setUp()
        self.start_client()
        self.session = self.connect()
        self.transaction = self.session.begin_transaction(DEFAULT, None)

    def assert_values_agree(self, thing):
        """By GObject and by functions. Returns the values by the names on the bus."""
        values = {}
        for spec in thing.list_properties():
            value = plain(thing.get_property(spec.name))
            values[camel_case(spec.name)] = value
            name = spec.name.replace("-", "_")
            functions = [prefix + name for prefix in ("get_", "is_", "has_", "")
                         if callable(getattr(thing, prefix + name, None))]
            for function in functions[:1]:
                self.assertEqual(plain(getattr(thing, function)()), value, (thing, function))
        return values

    def assert_agrees_with_bus(self, thing, on_bus, at_least):
        """on_bus: properties of the object on the bus."""
        values = self.assert_values_agree(thing)
        common = [name for name in on_bus if name in values]
        self.assertGreaterEqual(len(common), at_least)
        for name in common:
            value = on_bus[name]
            if isinstance(values[name], bytes):
                value = bytes(value)
            if isinstance(values[name], (Smartcardd.Card, Smartcardd.Reader)):
                value = self.library_object(value)
            self.assertEqual(values[name], value, (thing, name))

    def library_object(self, path):
        objects = [*self.library.get_readers(), *self.library.get_cards()]
        return next(thing for thing in objects if thing.get_object_path() == path)

    def test_client(self):
        reply = self.recorder().connection.call_sync(
            NAME, ROOT, PROPERTIES, "GetAll", GLib.Variant("(s)", (MANAGER,)), None,
            Gio.DBusCallFlags.NONE, -1, None)
        self.assert_agrees_with_bus(self.library, reply.unpack()[0], 4)
        self.assertTrue(self.library.get_property("allow-interaction"))
        self.assertEqual(list(self.library.get_property("cards")), [self.card()])

    def test_reader_and_card(self):
        client, card = self.recorder(), self.card()
        reader = card.get_reader()
        self.assert_agrees_with_bus(reader, client.readers()[reader.get_name()][1], 15)
        self.assert_agrees_with_bus(card, client.cards()[card.get_object_path()], 5)
        self.assertEqual(reader.get_property("card"), card)
        self.assertEqual(card.get_property("reader"), reader)
        self.assertTrue(reader.is_present())
        self.assertTrue(card.get_property("present"))
        self.assertFalse(reader.is_exclusive())
        self.assertFalse(reader.is_mute())
        for feature in reader.get_features():
            self.assertTrue(reader.has_feature(feature))
        self.assertFalse(reader.has_feature("coffee"))
        self.assertFalse(card.is_contactless())

    def test_reader_that_goes(self):
        reader = self.card().get_reader()
        self.testbed.stop_service()
        events.wait_until(lambda: not reader.is_present(), "the reader goes")
        self.assertFalse(reader.get_property("present"))

    def test_session_and_transaction(self):
        self.assert_values_agree(self.session)
        self.assertEqual(self.session.get_reader(), self.card().get_reader())
        self.assertEqual(self.session.get_card(), self.card())
        self.assertEqual(self.session.get_property("share-mode"), Smartcardd.ShareMode.SHARED)
        self.assertEqual(self.session.get_property("protocol"), Smartcardd.Protocols.T1)
        self.assertFalse(self.session.get_property("is-closed"))
        self.assert_values_agree(self.transaction)
        self.session.close(Smartcardd.Disposition.LEAVE, DEFAULT, None)
        self.assertTrue(self.session.get_property("is-closed"))

    def test_pin_format(self):
        """What is set is what is read."""
        pin_format = Smartcardd.PinFormat.new(Smartcardd.PinEncoding.BCD, 5, 7)
        self.assertEqual([pin_format.get_property(name)
                          for name in ("encoding", "min-length", "max-length")],
                         [Smartcardd.PinEncoding.BCD, 5, 7])
        for name, value in (("encoding", Smartcardd.PinEncoding.ASCII), ("min-length", 3),
                            ("max-length", 9), ("field-length", 8), ("offset", 2),
                            ("justify-right", True), ("ask-current", False),
                            ("confirm-new", False), ("current-offset", 4), ("new-offset", 6)):
            self.assertNotEqual(pin_format.get_property(name), value, name)
            pin_format.set_property(name, value)
            self.assertEqual(pin_format.get_property(name), value, name)


if __name__ == "__main__":
    case.main()
