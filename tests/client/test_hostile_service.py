#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library with a service that answers each call with errors, with nonsense, or never."""

import os
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.glib_library import (DEFAULT, NO_LIMIT, LibraryTest, Smartcardd,
                                        new_cancellable, to_bytes)
from scdtest.clients.client import SESSION
from scdtest.clients.recorder import CARD, READER
from scdtest.fakes.fake_service import (CARD_PATH, READER_PATH, SESSION_PATH, card, objects, reader,
                                        refuse, send_to_all)
from scdtest.testbed import events
from test_services import SELECT, FakeTest

ERROR = "org.freedesktop.DBus.Error."
OWN_ERROR = "org.smartcardd1.Error."
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
LEAVE = Smartcardd.Disposition.LEAVE if Smartcardd else None
NONSENSE = GLib.Variant("(sau)", ("no", [1]))


class CallsTest(FakeTest):
    """Each call of the library: the object, the name of its function, and its arguments."""

    # Those whose result is a value, and those whose success is all there is to say.
    WITH_RESULT = ("Control", "Connect", "ListSessions", "ListUnservedDevices", "Transmit",
                   "GetAttribute", "VerifyPin")
    WITHOUT_RESULT = ("Refresh", "SetAlias", "Reconnect", "SetAttribute", "Close",
                      "EndTransaction", "BeginTransaction")

    reply = None

    def calls(self, session):
        reader_object = self.library.get_readers()[0]
        command = Smartcardd.Command.new_from_hex("0020008008" + "FF" * 8)
        pin_format = Smartcardd.PinFormat.new(Smartcardd.PinEncoding.ASCII, 4, 8)
        shared, any_protocol = Smartcardd.ShareMode.SHARED, Smartcardd.Protocols.ANY
        return {
            "Control": (reader_object, "control", 1, None, DEFAULT),
            "Refresh": (reader_object, "refresh", DEFAULT),
            "SetAlias": (reader_object, "set_alias", "a", Smartcardd.AliasBinding.PORT, DEFAULT),
            "Connect": (reader_object, "open_session", shared, any_protocol, DEFAULT),
            "ListSessions": (self.library, "list_sessions"),
            "ListUnservedDevices": (self.library, "list_unserved_devices"),
            "Transmit": (session, "transmit", to_bytes(SELECT), DEFAULT),
            "GetAttribute": (session, "get_attribute", 1, DEFAULT),
            "SetAttribute": (session, "set_attribute", 1, to_bytes("00"), DEFAULT),
            "BeginTransaction": (session, "begin_transaction", DEFAULT),
            "EndTransaction": (session, "begin_transaction", DEFAULT),
            "VerifyPin": (session, "verify_pin", command, pin_format, DEFAULT),
            "Reconnect": (session, "reconnect", shared, any_protocol, LEAVE, DEFAULT),
            "Close": (session, "close", LEAVE, DEFAULT),
        }

    def run_call(self, thing, name, *arguments):
        """Calls the asynchronous twin of the function, and returns its result."""
        call = self.start_call(getattr(thing, name + "_async"), *arguments, None)
        result = getattr(thing, name + "_finish")(call.wait()[1])
        if isinstance(result, Smartcardd.Transaction):
            call = self.start_call(result.end_async, LEAVE, None)
            return result.end_finish(call.wait()[1])
        return result

    def run_by_name(self, name):
        """Starts a service in which commands go over the bus, and runs the call."""
        session = self.connect_async()
        if self.reply:
            self.fake.answer(name, self.reply)
        return self.run_call(*self.calls(session)[name])


class Errors(CallsTest):
    """The codes that a program gets for errors of the service and of the bus."""

    CODES = (("SharingViolation", "SHARING_VIOLATION"), ("OfTheFuture", "UNKNOWN_ERROR"))
    BUS_CODES = (("NoReply", "SERVICE_UNREACHABLE"), ("Timeout", "TIMEOUT"),
                 ("AccessDenied", "BUS_ACCESS_DENIED"), ("ServiceUnknown", "SERVICE_NOT_FOUND"),
                 ("UnknownMethod", "SERVICE_TOO_OLD"), ("Of.The.Future", "SERVICE_UNREACHABLE"))

    def test_each_call_fails(self):
        codes = [(OWN_ERROR + name, code) for name, code in self.CODES]
        codes += [(ERROR + name, code) for name, code in self.BUS_CODES]
        for method in (*self.WITH_RESULT, *self.WITHOUT_RESULT):
            name, code = codes[len(method) % len(codes)]
            self.start_fake(channel_version=None)
            self.reply = refuse(name, "not today")
            with self.subTest(method, error=name):
                self.assert_error(getattr(Smartcardd.Error, code), "not today", self.run_by_name,
                                  method)
            self.stop_fake()

    def test_each_error(self):
        for names, prefix in ((self.CODES, OWN_ERROR), (self.BUS_CODES, ERROR)):
            for name, code in names:
                self.start_fake(channel_version=None)
                self.reply = refuse(prefix + name, "not today")
                with self.subTest(name):
                    self.assert_error(getattr(Smartcardd.Error, code), "not today",
                                      self.run_by_name, "Transmit")
                self.stop_fake()


@unittest.skipUnless(Smartcardd, "built without introspection")
class Codes(unittest.TestCase):
    def test_codes_of_pcsc(self):
        self.assertEqual(Smartcardd.get_pcsc_code(Smartcardd.Error.REMOVED_CARD), 0x80100069)
        self.assertEqual(Smartcardd.get_pcsc_code(Smartcardd.Error.SERVICE_TOO_OLD), 0)

    def test_error_of_another_library(self):
        error = GLib.Error.new_literal(GLib.quark_from_string("other"), "sent, result unknown", 1)
        self.assertEqual(Smartcardd.get_delivery(error), Smartcardd.Delivery.UNKNOWN)


class Answers(CallsTest):
    def test_nonsense_for_a_result(self):
        """No value that the program could take for one of the card."""
        for method in self.WITH_RESULT:
            code = "COMM_DATA_LOST" if method == "VerifyPin" else "COMM_ERROR"
            self.start_fake(channel_version=None, **{method: NONSENSE})
            with self.subTest(method):
                self.assert_error(getattr(Smartcardd.Error, code), "", self.run_by_name, method)
            self.stop_fake()

    def test_more_than_was_expected(self):
        """A newer service may return more, where there was nothing."""
        for method in self.WITHOUT_RESULT:
            self.start_fake(channel_version=None, **{method: NONSENSE})
            with self.subTest(method):
                self.assertTrue(self.run_call(*self.calls(self.connect_async())[method]))
            self.stop_fake()

    def test_never(self):
        """A call that was cancelled ends, although the service does not even answer that."""
        for method in ("Refresh", "Transmit"):
            self.start_fake(channel_version=None)
            session, pending = self.connect_async(), []
            self.fake.answer(method, pending.append)
            thing, name, *arguments = self.calls(session)[method]
            cancellable = new_cancellable()
            call = self.start_call(getattr(thing, name + "_async"), *arguments, cancellable)
            events.wait_until(lambda: pending, "the call arrives")
            cancellable.cancel()
            result = call.wait()[1]
            self.assert_error(Smartcardd.Error.CANCELLED, "sent, result unknown",
                              getattr(thing, name + "_finish"), result)
            (call_id,) = next(given for name, given in self.fake.calls if name == "CancelCall")
            self.assertIn(call_id, str(self.fake.calls))
            self.stop_fake()


class Channels(FakeTest):
    def test_no_channel(self):
        """A session can do without it where it is not for lack of a permission."""
        for name in (OWN_ERROR + "LimitsExceeded", ERROR + "LimitsExceeded",
                     ERROR + "UnknownMethod", ERROR + "AccessDenied"):
            self.start_fake(OpenChannel=refuse(name))
            with self.subTest(name):
                if "smartcardd1" in name:
                    self.assertRaises(GLib.Error, self.connect_async)
                else:
                    session = self.connect_async()
                    self.assertFalse(session.has_channel())
                    self.assertEqual(self.transmit_async(session, SELECT), b"\x90\x00")
            self.stop_fake()

    def test_no_channel_for_a_user_who_may_not(self):
        self.start_fake(OpenChannel=refuse(OWN_ERROR + "NotAuthorized"))
        self.assert_error(Smartcardd.Error.NOT_AUTHORIZED, "no", self.connect_async)

    def reconnect(self, session):
        call = self.start_call(session.reconnect_async, Smartcardd.ShareMode.SHARED,
                               Smartcardd.Protocols.ANY, LEAVE, DEFAULT, None)
        return session.reconnect_finish(call.wait()[1])

    def test_new_channel_that_is_refused(self):
        self.start_fake(on_packet=lambda _packet: None)
        session = self.connect_async()
        with self.assertRaises(GLib.Error):
            self.transmit_async(session, SELECT)
        self.fake.answer("OpenChannel", refuse(OWN_ERROR + "RemovedCard"))
        self.assert_error(Smartcardd.Error.REMOVED_CARD, "", self.reconnect, session)

    def test_lengths_of_responses(self):
        """A response without a status word ends a series."""
        for answer in (b"", b"\x90"):
            packet = struct.pack("<II", 0, 0) + answer
            self.start_fake(on_packet=lambda _packet, packet=packet: packet)
            session = self.connect_async()
            call = self.start_call(session.transmit_many_async, [to_bytes(SELECT)] * 3, ["9000"],
                                   DEFAULT, None)
            responses = session.transmit_many_finish(call.wait()[1])
            self.assertEqual([response.get_data() or b"" for response in responses], [answer])
            self.stop_fake()


class Sessions(FakeTest):
    def test_session_that_ends_before_it_is_known(self):
        """Its end arrives before the reply that opens it, with those of many others."""
        def connect(invocation):
            for path in (*(f"{SESSION_PATH}{i}" for i in range(70)), SESSION_PATH):
                send_to_all(self.fake.connection, path, SESSION, "Closed",
                            GLib.Variant("(s)", ("revoked",)))
            invocation.return_value(GLib.Variant("(os)", (SESSION_PATH, "T=1")))

        self.start_fake(Connect=connect, features=["call-lifetime"], channel_version=None)
        self.assertTrue(self.connect_async().is_closed())

    def test_close_twice(self):
        self.start_fake(channel_version=None)
        session = self.connect_async()
        for _ in range(2):
            call = self.start_call(session.close_async, LEAVE, DEFAULT, None)
            self.assertTrue(session.close_finish(call.wait()[1]))
        self.assertEqual([name for name, _ in self.fake.calls].count("Close"), 1)


class Tree(FakeTest):
    def add(self, path, interface, properties):
        send_to_all(self.fake.connection, "/org/smartcardd1", OBJECT_MANAGER, "InterfacesAdded",
                    GLib.Variant("(oa{sa{sv}})", (path, {interface: properties})))
        self.refresh()

    def remove(self, path):
        send_to_all(self.fake.connection, "/org/smartcardd1", OBJECT_MANAGER, "InterfacesRemoved",
                    GLib.Variant("(oas)", (path, [])))
        self.refresh()

    def refresh(self):
        """Returns when the library has received what was sent before."""
        call = self.start_call(self.library.list_sessions_async, None)
        self.library.list_sessions_finish(call.wait()[1])

    def test_objects_that_are_there_already(self):
        self.start_fake()
        seen = self.follow("reader-added", "reader-removed", "card-added", "card-removed")
        old = self.card()
        self.add(READER_PATH, READER, reader(Name=GLib.Variant("s", "New name")))
        self.add(CARD_PATH, CARD, card(Atr=GLib.Variant("ay", b"\x3b\x01\x02")))
        self.assertEqual(list(self.library.get_cards()), [old])
        (only,) = self.library.get_readers()
        self.assertEqual(only.get_name(), "New name")
        self.assertEqual(seen, [])

    def test_objects_that_nobody_knows(self):
        self.start_fake()
        self.remove("/org/smartcardd1/readers/None")
        self.add("/org/smartcardd1/cards/9", CARD, card(Reader=GLib.Variant("o", "/none")))
        self.add("/org/smartcardd1/cards/9", CARD, {})
        self.add("/org/smartcardd1/other", "org.smartcardd1.Other", {})
        self.assertEqual((len(self.library.get_readers()), len(self.library.get_cards())), (1, 1))

    def test_reader_that_goes_before_its_card(self):
        self.start_fake()
        old = self.card()
        self.remove(READER_PATH)
        self.assertEqual((len(self.library.get_readers()), len(self.library.get_cards())), (0, 0))
        self.assertFalse(old.is_present())
        self.remove(CARD_PATH)

    def test_atrs_that_end_too_early(self):
        for atr in ("", "3B", "3BF0", "3BF011", "3B80", "3B8080", "3B80808080"):
            self.start_fake(GetManagedObjects=objects(
                reader(), card(Atr=GLib.Variant("ay", bytes.fromhex(atr)))))
            values = [self.card().get_interface_byte(name) for name in ("TA1", "TB1", "TD2", "TA3")]
            self.assertEqual(values[0], 0x11 if atr == "3BF011" else -1, atr)
            self.assertEqual(values[1], -1, atr)
            for name in self.card().list_interface_bytes():
                self.assertIn(self.card().get_interface_byte(name), bytes.fromhex(atr), atr)
            self.stop_fake()

    def test_usb_positions(self):
        for path, slot, fitting, others in (
                ("1-3:1.0", 0, ("1-3", "1-3:1.0", "1-3/0", "1-3:1.0/0"),
                 ("1-3/1", "1-", "1-3:1", "1-30", "1-3:", "1-3/", "/0", "1-3/00")),
                ("1-3.2", 1, ("1-3.2", "1-3.2/1"), ("1-3", "1-3.2/0", "1-3.21")),
                ("", 0, (), ("1-3", "/0", ""))):
            self.start_fake(GetManagedObjects=objects(reader(
                UsbPath=GLib.Variant("s", path), Slot=GLib.Variant("u", slot)), card()))
            (only,) = self.library.get_readers()
            self.assertEqual(list(filter(only.matches, (*fitting, *others))), list(fitting))
            self.stop_fake()

    def test_wait_for_the_card_of_a_reader(self):
        """A card in another reader does not end the wait."""
        self.start_fake()
        other = "/org/smartcardd1/readers/Other"
        call = self.start_call(self.library.wait_for_card_async, other, NO_LIMIT, None)
        self.add(other, READER, reader(Name=GLib.Variant("s", "Other"),
                                       Card=GLib.Variant("o", CARD_PATH + "2")))
        third = "/org/smartcardd1/readers/Third"
        self.add(third, READER, reader(Name=GLib.Variant("s", "Third"),
                                       Card=GLib.Variant("o", CARD_PATH + "3")))
        self.add(CARD_PATH + "3", CARD, card(Reader=GLib.Variant("o", third)))
        self.assertFalse(call.is_there)
        self.add(CARD_PATH + "2", CARD, card(Reader=GLib.Variant("o", other)))
        found = self.library.wait_for_card_finish(call.wait()[1])
        self.assertEqual(found.get_object_path(), CARD_PATH + "2")


@unittest.skipUnless(Smartcardd, "built without introspection")
class NoBus(LibraryTest):
    def test_lists(self):
        """They say that the bus has gone, instead of being empty."""
        self.start_client()
        self.testbed.bus.stop()
        events.wait_until(lambda: not self.library.is_running(), "the bus goes")
        for function in (self.library.list_sessions, self.library.list_unserved_devices):
            self.assert_error(Smartcardd.Error.SERVICE_UNREACHABLE, "the system bus has gone",
                              function, None)
        self.testbed.service = None

    def assert_unreachable(self):
        self.assert_error(Smartcardd.Error.SERVICE_UNREACHABLE, "", self.make_client)
        call = self.start_call(Smartcardd.Client.create_async, None)
        self.assert_error(Smartcardd.Error.SERVICE_UNREACHABLE, "",
                          Smartcardd.Client.create_finish, call.wait()[1])

    def test_new_client(self):
        self.start_client()
        address = os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
        self.addCleanup(os.environ.__setitem__, "DBUS_SYSTEM_BUS_ADDRESS", address)
        for wrong in ("unix:path=/nonexistent", "nonsense"):
            os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = wrong
            self.assert_unreachable()

    def test_client_of_another_thread(self):
        """It is made in the main context, which the main thread runs; the error arrives there."""
        self.start_client()
        self.testbed.stop_service()
        ended = []

        def make():
            try:
                self.make_client()
            except GLib.Error as error:
                ended.append(error)
            GLib.idle_add(lambda: False)

        thread = threading.Thread(target=make)
        thread.start()
        events.wait_until(lambda: ended, "the call of the thread ends")
        thread.join()
        self.assertEqual(ended[0].code, Smartcardd.Error.SERVICE_NOT_FOUND)


if __name__ == "__main__":
    case.main()
