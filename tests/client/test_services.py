#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library with services of other versions, and with one that sends nonsense."""

import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.glib_library import DEFAULT, LibraryTest, Smartcardd, new_cancellable
from scdtest.clients.recorder import CARD, MANAGER, READER
from scdtest.fakes.fake_service import (CARD_PATH, FEATURES, FakeService, READER_PATH, SESSION_PATH, card,
                                        objects, objects_of_text, pipe_for_channel, reader,
                                        send_to_all)
from scdtest.testbed import events

SELECT = "00A40400"
ECHO = b"\x90\x00"
BEGIN, END, CANCEL = 3, 4, 5


class FakeTest(LibraryTest):
    """The client is made asynchronously, because the fake service runs in the same thread."""

    def start_fake(self, **options):
        self.fake = FakeService(**options)
        self.addCleanup(self.stop_fake)
        call = self.start_call(Smartcardd.Client.create_async, None)
        self.library = Smartcardd.Client.create_finish(call.wait()[1])

    def stop_fake(self):
        if self.fake:
            self.fake.close()
        self.fake = None

    def connect_async(self):
        call = self.start_call(self.card().get_reader().open_session_async, Smartcardd.ShareMode.SHARED,
                               Smartcardd.Protocols.ANY, DEFAULT, None)
        return call.wait()[0].open_session_finish(call.wait()[1])

    def send(self, session, command, timeout=DEFAULT):
        made = Smartcardd.Command.new_from_hex(command)
        call = self.start_call(session.send_async, made, timeout, None)
        data, status_word = session.send_finish(call.wait()[1])
        return data.get_data() or b"", status_word

    def transmit_async(self, session, command):
        call = self.start_call(session.transmit_async, GLib.Bytes.new(bytes.fromhex(command)),
                               DEFAULT, None)
        return session.transmit_finish(call.wait()[1]).get_data()


class OtherVersions(FakeTest):
    def test_older_service(self):
        """It has no list of features, and another format of packets."""
        for version in (None, GLib.Variant("u", 1), GLib.Variant("u", 99)):
            with self.subTest(version=version):
                self.start_fake(channel_version=version, features=None)
                self.assertEqual(self.library.get_features(), [])
                session = self.connect_async()
                self.assertFalse(session.has_channel())
                self.assertEqual(self.transmit_async(session, SELECT), ECHO)
                self.assertNotIn("OpenChannel", [name for name, _ in self.fake.calls])
                self.stop_fake()

    def test_newer_service(self):
        """Its unknown properties, interfaces and signals are ignored."""
        more = {"Colour": GLib.Variant("s", "blue"), "Sizes": GLib.Variant("aau", [[1], [2]])}
        tree = objects(reader(**more), card(**more)).unpack()
        self.assertIn(READER_PATH, tree[0])
        self.start_fake(GetManagedObjects=objects(reader(**more), card(**more)))
        self.assertEqual(self.card().get_atr().get_data(), b"\x3b\x00")
        for path, interface in ((READER_PATH, READER), (CARD_PATH, CARD), ("/new", MANAGER)):
            send_to_all(self.fake.connection, path, interface, "Repainted",
                        GLib.Variant("(s)", ("red",)))
            send_to_all(self.fake.connection, path, "org.freedesktop.DBus.Properties",
                        "PropertiesChanged", GLib.Variant("(sa{sv}as)", (interface, more, [])))
        self.assertEqual(self.card().get_reader().get_name(), "Fake 00 00")

    def test_features_of_the_service(self):
        self.start_client()
        self.assertEqual(self.library.get_features(), FEATURES)

    def test_pin_entry_with_an_older_service(self):
        """It has no method for PINs: the library writes the structure for the driver."""
        pin_pad, answers, packets = 0x42330006, [b"\x63\xc2", b"\x64\x01", b""], []

        def on_packet(packet):
            code = struct.unpack_from("<I", packet, 4)[0]
            packets.append((packet[0], code))
            answer = struct.pack(">BBI", 6, 4, pin_pad) if code != pin_pad else answers.pop(0)
            return struct.pack("<II", 0, 0) + answer

        self.start_fake(on_packet=on_packet, features=["channel", "call-lifetime"])
        session = self.connect_async()
        pin_format = Smartcardd.PinFormat.new(Smartcardd.PinEncoding.ASCII, 4, 8)

        def enter(kind):
            call = self.start_call(getattr(session, kind + "_pin_async"),
                                   Smartcardd.Command.new_from_hex("0020008008" + "FF" * 8),
                                   pin_format, DEFAULT, None)
            return getattr(session, kind + "_pin_finish")(call.wait()[1])

        self.assertEqual(enter("verify"), (True, 0x63C2))
        self.assertEqual([code for _, code in packets], [0x42000D48, pin_pad])
        self.assert_error(Smartcardd.Error.PIN_CANCELLED, "", enter, "verify")
        self.assert_error(Smartcardd.Error.COMM_DATA_LOST, "", enter, "verify")
        self.assert_error(Smartcardd.Error.SERVICE_TOO_OLD, "service is too old", enter, "modify")
        options = GLib.Variant("a{sv}", {"language": GLib.Variant("u", 1031)})
        pin_format = Smartcardd.PinFormat.new_from_options(options)
        self.assert_error(Smartcardd.Error.SERVICE_TOO_OLD, "service is too old", enter, "verify")
        pin_format = Smartcardd.PinFormat.new(Smartcardd.PinEncoding.ASCII, 4, 8)
        pin_pad = 0
        self.assert_error(Smartcardd.Error.NO_PIN_PAD, "", enter, "verify")


class Nonsense(FakeTest):
    def test_texts_and_types(self):
        for tree in (objects_of_text("\u202e%s%n" * 50),
                     objects({"Card": GLib.Variant("u", 1), "Name": GLib.Variant("au", [])}, {}),
                     objects(reader(Card=GLib.Variant("o", "/none")), card())):
            self.start_fake(GetManagedObjects=tree)
            self.assertEqual(len(self.library.get_readers()), 1)
            self.stop_fake()

    def test_signals_of_wrong_types(self):
        self.start_fake()
        for interface, names in (("org.freedesktop.DBus.ObjectManager",
                                  ("InterfacesAdded", "InterfacesRemoved")),
                                 ("org.freedesktop.DBus.Properties", ("PropertiesChanged",)),
                                 ("org.smartcardd1.Session", ("Closed",))):
            for name in names:
                for arguments in (GLib.Variant("()", ()), GLib.Variant("(u)", (1,)),
                                  GLib.Variant("(oas)", ("/x", []))):
                    send_to_all(self.fake.connection, SESSION_PATH, interface, name, arguments)
        self.assertEqual(len(self.library.get_cards()), 1)

    def test_signals_of_others(self):
        """Another program than the service cannot make cards."""
        self.start_fake()
        other = self.client()
        send_to_all(other.connection, "/org/smartcardd1", "org.freedesktop.DBus.ObjectManager",
                    "InterfacesRemoved", GLib.Variant("(oas)", (CARD_PATH, [CARD])))
        call = self.start_call(self.card().get_reader().refresh_async, DEFAULT, None)
        call.wait()
        self.assertEqual(len(self.library.get_cards()), 1)

    def test_no_object(self):
        for reply in (GLib.Variant("(s)", ("no",)), GLib.Variant("(a{oa{sv}})", ({},))):
            with self.assertRaises(GLib.Error):
                self.start_fake(GetManagedObjects=reply)
            self.stop_fake()

    def test_no_session(self):
        for reply in (GLib.Variant("(s)", ("no",)), GLib.Variant("(so)", ("a", "/b"))):
            self.start_fake(Connect=reply)
            with self.assertRaises(GLib.Error):
                self.connect_async()
            self.stop_fake()

    def test_channel_that_is_none(self):
        self.start_fake(OpenChannel=pipe_for_channel)
        session = self.connect_async()
        with self.assertRaises(GLib.Error):
            self.transmit_async(session, SELECT)

    def test_packets(self):
        """Too short, an error with data, and the end of file."""
        for answer in (b"", b"\0" * 7, struct.pack("<II", 0x80100001, 0) + b"data",
                       b"\0" * (8 + 65549), None):
            self.start_fake(on_packet=lambda _packet, answer=answer: answer)
            session = self.connect_async()
            with self.assertRaises(GLib.Error):
                self.transmit_async(session, SELECT)
            with self.assertRaises(GLib.Error):
                self.transmit_async(session, SELECT)
            self.stop_fake()

    def test_unknown_code(self):
        self.start_fake(on_packet=lambda _packet: struct.pack("<II", 0x12345678, 0))
        session = self.connect_async()
        with self.assertRaises(GLib.Error) as caught:
            self.transmit_async(session, SELECT)
        self.assertTrue(caught.exception.matches(Smartcardd.error_quark(),
                                                 Smartcardd.Error.UNKNOWN_ERROR))


class Packets(FakeTest):
    """The commands as the card receives them."""

    def start_card(self, answer=lambda command: ECHO, **card_properties):
        self.commands = []

        def on_packet(packet):
            if packet[0] != 0:
                return struct.pack("<II", 0, 0)
            self.commands.append(packet[12:].hex().upper())
            return struct.pack("<II", 0, 0) + answer(packet[12:])
        self.start_fake(on_packet=on_packet,
                        GetManagedObjects=objects(reader(), card(**card_properties)))
        return self.connect_async()

    def test_chain(self):
        session = self.start_card()
        data = "AB" * 600
        self.assertEqual(self.send(session, "00DA0000000258" + data + "0000"), (b"", 0x9000))
        self.assertEqual(self.commands, ["10DA0000FF" + "AB" * 255] * 2
                         + ["00DA00005A" + "AB" * 90 + "00"])

    def test_chain_that_fails(self):
        session = self.start_card(lambda command: b"\x68\x84")
        self.assertEqual(self.send(session, "00DA0000000258" + "AB" * 600), (b"", 0x6884))
        self.assertEqual(len(self.commands), 1)

    def test_extended(self):
        """The historical bytes announce extended lengths."""
        abilities = GLib.Variant("ay", bytes.fromhex("0073000040009000"))
        session = self.start_card(HistoricalBytes=abilities)
        long = "00DA0000000258" + "AB" * 600
        self.send(session, long)
        self.send(session, "00DA000001AB")
        self.assertEqual(self.commands, [long, "00DA000001AB"])

    def test_endless_response(self):
        session = self.start_card(lambda command: b"x\x61\x00")
        data, status_word = self.send(session, "04B0000000")
        self.assertEqual((len(data), status_word), (1024, 0x6100))
        self.assertEqual(self.commands[1:3], ["00C0000000"] * 2)

    def test_class_of_get_response(self):
        session = self.start_card(lambda command: b"\x90\x00" if command[1] == 0xC0
                                  else b"\x61\x05")
        for given, wanted in (("0C", "00"), ("13", "03"), ("80", "80"), ("5F", "4F")):
            self.commands.clear()
            self.send(session, given + "B0000000")
            self.assertEqual(self.commands[1], wanted + "C0000005")


class CardUsed(FakeTest):
    """What BeginTransaction says about the use of the card by others."""

    def begin(self, session, cancellable=None):
        return self.start_call(session.begin_transaction_async, DEFAULT, cancellable)

    def assert_used(self, session, used):
        transaction = session.begin_transaction_finish(self.begin(session).wait()[1])
        self.assertEqual(transaction.get_card_used(), used)

    def test_older_service(self):
        """It does not say: so the card may have been used."""
        for answer, used in ((GLib.Variant("()", ()), True), (GLib.Variant("(b)", (False,)), False),
                             (GLib.Variant("(s)", ("",)), True)):
            self.start_fake(channel_version=None, BeginTransaction=answer)
            self.assert_used(self.connect_async(), used)
            self.stop_fake()

    def test_older_service_with_a_channel(self):
        """Its packets have the place, and never say it."""
        self.start_fake(on_packet=lambda _packet: struct.pack("<II", 0, 0),
                        features=["channel", "call-lifetime"])
        session = self.connect_async()
        for _ in range(2):
            self.assert_used(session, True)

    def test_answer_that_comes_too_late(self):
        """The transaction that was given up ends, and the next one is told what it was told."""
        packets = []

        def on_packet(packet):
            packets.append(packet[0])
            if packets == [BEGIN] or packet[0] == CANCEL:
                return []
            return struct.pack("<II", 0, 0)

        self.start_fake(on_packet=on_packet)
        session = self.connect_async()
        cancellable = new_cancellable()
        call = self.begin(session, cancellable)
        events.wait_until(lambda: packets, "the request arrives")
        cancellable.cancel()
        self.assert_error(Smartcardd.Error.CANCELLED, "not sent",
                          session.begin_transaction_finish, call.wait()[1])
        self.fake.send_packet(struct.pack("<II", 0, 1))
        self.assert_used(session, True)
        self.assert_used(session, False)
        self.assertEqual(packets[:5], [BEGIN, CANCEL, END, BEGIN, END])


if __name__ == "__main__":
    case.main()
