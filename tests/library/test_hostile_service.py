#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A service that violates its contract causes an error of the library, but no crash."""

import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.clients.library import THROUGH_LIBRARY
from scdtest.clients.pcsc_client import PcscClient
from scdtest.clients.program import Program
from scdtest.clients.recorder import MANAGER, PROPERTIES, READER, ROOT
from scdtest.clients.winscard import command_of
from scdtest.fakes.fake_service import (BUS, NAME, OBJECT_MANAGER, READER_NAME, READER_PATH,
                                        FakeService, call_bus, card, objects,
                                        pipe_for_channel, reader, send_to_all)
from scdtest.testbed.testbed import built, connect_to_bus

SUCCESS = struct.pack("<II", 0, 0)
LONGEST = 8 + 65548
ORDERS = "connect shared Fake 00 00\ntransmit 80100000\n"
COMM_ERROR, NO_SERVICE, UNKNOWN_READER = "80100013", "8010001D", "80100009"


def show_establish():
    say(establish()[0])


class HostileService(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.testbed.start_bus()

    def run_program(self, on_packet=lambda packet: SUCCESS + b"\x90\x00", orders=ORDERS, **answers):
        """Returns the output of a PC/SC program; None if SCardEstablishContext failed."""
        service = FakeService(on_packet, **answers)
        program = Program([built("tests/pcsc-client/scd-pcsc-client")], text=orders,
                          environment={"LD_LIBRARY_PATH": built("libpcsclite-dbus")})
        self.addCleanup(program.close)
        status = program.wait()
        service.close()
        self.assertIn(status, (0, 1), program.errors)
        self.assertEqual(program.errors, "")
        return program.lines if status == 0 else None

    def test_valid_service(self):
        self.assertEqual(self.run_program(), ["ok", "ok 9000"])

    def test_invalid_objects(self):
        for answer in (GLib.Variant("(s)", ("x",)), GLib.Variant("()", ()),
                       GLib.Variant("(a{oas})", ({"/": ["x"]},)),
                       GLib.Variant("(a{oa{sas}})", ({"/": {"x": ["y"]}},))):
            self.assertIsNone(self.run_program(GetManagedObjects=answer))

    def test_properties_of_wrong_types(self):
        for wrong in ({"Name": GLib.Variant("u", 1)}, {"State": GLib.Variant("s", "x")},
                      {"EventCount": GLib.Variant("ay", b"x")},
                      {"PcscName": GLib.Variant("s", "x")}):
            self.assertIsNone(self.run_program(GetManagedObjects=objects(reader(**wrong), card())))
        for wrong in ({"Reader": GLib.Variant("as", ["x"])}, {"Atr": GLib.Variant("s", "x")},
                      {"Atr": GLib.Variant("as", ["x"])}):
            self.assertIsNone(self.run_program(GetManagedObjects=objects(reader(), card(**wrong))))

    def test_properties_with_unusual_values(self):
        for name in (None, "", "x" * 128):
            properties = {} if name is None else reader(Name=GLib.Variant("s", name))
            orders = f"connect shared {READER_NAME if name is None else name}\n"
            self.assertEqual(self.run_program(orders=orders,
                                              GetManagedObjects=objects(properties, {})),
                             ["error " + UNKNOWN_READER])
        for name in (b"", b"x" * 128, READER_NAME.encode() + b"\0", b"\0"):
            self.assertEqual(self.run_program(GetManagedObjects=objects(
                reader(PcscName=GLib.Variant("ay", name)), {}))[0], "error " + UNKNOWN_READER)
        for odd in (card(Atr=GLib.Variant("ay", b"x" * 300)), card(Atr=GLib.Variant("ay", b"")),
                    card(Reader=GLib.Variant("o", "/"))):
            self.assertEqual(self.run_program(GetManagedObjects=objects(reader(), odd))[0], "ok")
        large = objects(reader(State=GLib.Variant("u", 0xFFFFFFFF),
                               EventCount=GLib.Variant("u", 0xFFFFFFFF)), card())
        self.assertEqual(self.run_program(GetManagedObjects=large)[0], "ok")

    def test_service_is_not_available(self):
        for available in (GLib.Variant("b", False), GLib.Variant("s", "yes")):
            self.assertIsNone(self.run_program(available=available))

    def test_other_versions(self):
        """The library does not use a service whose channels have another format, and says so."""
        for version in (None, GLib.Variant("u", 1), GLib.Variant("u", 3), GLib.Variant("s", "2")):
            service = FakeService(channel_version=version)
            program = Program([*THROUGH_LIBRARY, "env", "ASAN_OPTIONS=detect_leaks=0",
                               *command_of(show_establish)])
            self.addCleanup(program.close)
            program.wait()
            service.close()
            known = version is None or version.get_type_string() == "u"
            self.assertEqual(program.lines, ["8010001E" if known else NO_SERVICE])
            if known:
                self.assertIn("does not fit the running smartcardd", program.errors)

    def test_replies_to_connect(self):
        for answer in (GLib.Variant("()", ()), GLib.Variant("(ss)", ("/a", "T=1")),
                       GLib.Variant("(ou)", ("/a", 1)), GLib.Variant("(o)", ("/a",))):
            self.assertEqual(self.run_program(Connect=answer)[0], "error " + COMM_ERROR)
        odd = GLib.Variant("(os)", ("/nowhere", "T=9"))
        self.assertEqual(self.run_program(Connect=odd), ["ok", "error " + COMM_ERROR])

    def test_replies_to_open_channel(self):
        for answer in (GLib.Variant("()", ()), GLib.Variant("(s)", ("x",)), pipe_for_channel):
            lines = self.run_program(OpenChannel=answer)
            self.assertEqual(lines[0], "ok")
            self.assertRegex(lines[1], "^error 801000..$")

    def test_replies_on_the_channel(self):
        for answer in (b"\0", b"\0" * 7, struct.pack("<II", 0x80100016, 0) + b"x",
                       SUCCESS + b"x" * (LONGEST - 7), b"\xff" * 100000, None):
            self.assertEqual(self.run_program(lambda _: answer), ["ok", "error " + COMM_ERROR])
        for answer in (SUCCESS, struct.pack("<II", 0, 0xFFFFFFFF)):
            self.assertEqual(self.run_program(lambda _: answer), ["ok", "ok"])
        longest = SUCCESS + b"x" * (LONGEST - 8)
        self.assertEqual(len(self.run_program(lambda _: longest)[1]), len("ok ") + 2 * 65548)
        for code in (1, 0x80100000, 0xFFFFFFFF):
            self.assertEqual(self.run_program(lambda _: struct.pack("<II", code, 0))[1],
                             f"error {code:08X}")


class Signals(case.TestBedTest):
    """Signals that arrive while the program has a context but no card handle."""

    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.service = FakeService(lambda packet: SUCCESS + b"\x90\x00")
        self.addCleanup(self.service.close)
        self.program = PcscClient(command=("env", "LD_LIBRARY_PATH=" + built("libpcsclite-dbus")))
        self.addCleanup(self.program.close)
        self.assertEqual(self.program.order("connect", "shared", "Nobody 00 00"),
                         ("error", UNKNOWN_READER))

    def leaving(self):
        """Signals that the reader or the service is gone, and the error that each one causes."""
        yield (ROOT, OBJECT_MANAGER, "InterfacesRemoved",
               GLib.Variant("(oas)", (READER_PATH, [READER]))), UNKNOWN_READER
        yield (ROOT, PROPERTIES, "PropertiesChanged",
               GLib.Variant("(sa{sv}as)", (MANAGER, {"Available": GLib.Variant("b", False)}, []))
               ), NO_SERVICE

    def connect(self):
        return self.program.order("connect", "shared", "Fake 00 00")

    def test_signals_from_another_client(self):
        other = connect_to_bus()
        for signal, _ in self.leaving():
            send_to_all(other, *signal)
        send_to_all(other, "/org/freedesktop/DBus", BUS, "NameOwnerChanged",
                    GLib.Variant("(sss)", (NAME, self.service.connection.get_unique_name(), "")))
        other.close_sync(None)
        self.assertEqual(self.connect(), ("ok", ""))

    def test_signals_of_the_service(self):
        for signal, code in self.leaving():
            send_to_all(self.service.connection, *signal)
            self.assertEqual(self.connect(), ("error", code))

    def test_invalid_signals(self):
        for path, interface, name, arguments in (
                (ROOT, OBJECT_MANAGER, "InterfacesRemoved", GLib.Variant("(s)", ("x",))),
                (ROOT, OBJECT_MANAGER, "InterfacesRemoved", None),
                (ROOT, OBJECT_MANAGER, "InterfacesAdded", GLib.Variant("(oas)", ("/x", ["x"]))),
                (READER_PATH, PROPERTIES, "PropertiesChanged",
                 GLib.Variant("(sa{sv}as)", (READER, {"State": GLib.Variant("s", "x")}, []))),
                ("/x", PROPERTIES, "PropertiesChanged",
                 GLib.Variant("(sa{sv}as)", (READER, {"State": GLib.Variant("u", 0)}, [])))):
            send_to_all(self.service.connection, path, interface, name, arguments)
            self.assertEqual(self.connect(), ("ok", ""))

    def test_service_leaves_the_bus(self):
        call_bus(self.service.connection, "ReleaseName", GLib.Variant("(s)", (NAME,)))
        self.assertEqual(self.connect(), ("error", NO_SERVICE))


if __name__ == "__main__":
    case.main()
