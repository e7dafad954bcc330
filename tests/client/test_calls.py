#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library: calls to readers and to the service that need no session."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

from scdtest.cases import case
from scdtest.cases.glib_library import DEFAULT, LibraryTest, Smartcardd, to_bytes
from scdtest.fakes.fake_service import FakeService
from scdtest.testbed import events
from scdtest.testbed.testbed import connect_to_bus

CODE = 0x42000001
MAY_ASK = Gio.DBusMessageFlags.ALLOW_INTERACTIVE_AUTHORIZATION


class Calls(LibraryTest):
    def setUp(self):
        super().setUp()
        self.start_client()

    def test_control(self):
        """Also without a card."""
        reader = self.library.get_readers()[0]
        self.cards.order("control", "A", f"{CODE:X}", "AABB")
        self.cards.order("remove", "A")
        self.assertEqual(reader.control(CODE, to_bytes("01"), DEFAULT, None).get_data(), b"\xAA\xBB")
        call = self.start_call(reader.control_async, CODE, None, DEFAULT, None)
        self.assertEqual(reader.control_finish(call.wait()[1]).get_data(), b"\xAA\xBB")
        self.assert_error(Smartcardd.Error.UNSUPPORTED_FEATURE, "", reader.control, CODE + 1, None,
                          DEFAULT, None)

    def test_refresh(self):
        """InUse changes with other programs, without an event."""
        reader = self.library.get_readers()[0]
        self.assertFalse(reader.is_in_use())
        program = self.pcsc_client()
        program.do("connect", "shared", self.pcsc_name())
        self.assertTrue(reader.refresh(DEFAULT, None))
        events.wait_until(reader.is_in_use, "the reader is in use")

    def test_alias(self):
        """This reader is in no USB port, and has no serial number."""
        reader = self.library.get_readers()[0]
        for binding, words in ((Smartcardd.AliasBinding.PORT, "USB port of reader"),
                               (Smartcardd.AliasBinding.SERIAL, "serial number")):
            self.assert_error(Smartcardd.Error.INVALID_ARGS, words, reader.set_alias, "door",
                              binding, DEFAULT, None)
        self.assertEqual(reader.get_alias(), "")

    def test_attribute(self):
        """The driver of the simulated reader has none that can be set."""
        session = self.connect()
        self.assert_error(Smartcardd.Error.UNSUPPORTED_FEATURE, "", session.set_attribute, 0x10103,
                          to_bytes("00"), DEFAULT, None)

    def test_sessions(self):
        self.assertEqual(self.library.list_sessions(None).unpack(), [])
        session = self.connect()
        call = self.start_call(self.library.list_sessions_async, None)
        for listed in (self.library.list_sessions(None),
                       self.library.list_sessions_finish(call.wait()[1])):
            (found,) = listed.unpack()
            self.assertEqual((found["session"], found["pid"]),
                             (session.get_object_path(), os.getpid()))

    def test_unserved_devices(self):
        call = self.start_call(self.library.list_unserved_devices_async, None)
        self.assertEqual(self.library.list_unserved_devices_finish(call.wait()[1]).unpack(), [])
        self.assertEqual(self.library.list_unserved_devices(None).unpack(), [])


class Arguments(LibraryTest):
    """What a service gets; the fake one runs in the same thread."""

    fake = None

    def start_fake(self, **properties):
        self.fake = FakeService()
        self.addCleanup(self.stop_fake)
        call = self.start_call(lambda _none, done: self.make(properties, done), None)
        source, result = call.wait()
        source.init_finish(result)
        self.library = source
        return source.get_readers()[0]

    def stop_fake(self):
        if self.fake:
            self.fake.close()
        self.fake = None

    @staticmethod
    def make(properties, done):
        client = Smartcardd.Client(connection=connect_to_bus(), **properties)
        client.init_async(GLib.PRIORITY_DEFAULT, None, done)

    def test_binding_of_an_alias(self):
        reader = self.start_fake()
        for binding, word in ((Smartcardd.AliasBinding.PORT, "port"),
                              (Smartcardd.AliasBinding.SERIAL, "serial")):
            call = self.start_call(reader.set_alias_async, "door", binding, DEFAULT, None)
            self.assertTrue(reader.set_alias_finish(call.wait()[1]))
            self.assertEqual(self.fake.calls[-1], ("SetAlias", ("door", {"bind": word})))

    def test_interaction(self):
        for properties, flags in (({}, MAY_ASK), ({"allow_interaction": False}, 0)):
            reader = self.start_fake(**properties)
            call = self.start_call(reader.control_async, CODE, None, DEFAULT, None)
            self.assert_error(Smartcardd.Error.NOT_AUTHORIZED, "", reader.control_finish,
                              call.wait()[1])
            self.assertEqual(self.fake.flags[-1] & MAY_ASK, flags)
            self.stop_fake()


if __name__ == "__main__":
    case.main()
