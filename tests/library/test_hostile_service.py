#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A service that violates its contract causes an error of the library, but no crash."""

import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

from scdtest.cases import case
from scdtest.clients.client import SESSION
from scdtest.clients.library import THROUGH_LIBRARY
from scdtest.clients.pcsc_client import PcscClient
from scdtest.clients.program import Program
from scdtest.clients.script import Script
from scdtest.clients.recorder import CARD, MANAGER, PROPERTIES, READER, ROOT
from scdtest.clients.winscard import command_of
from scdtest.fakes.fake_service import (BUS, CARD_PATH, NAME, OBJECT_MANAGER, PRESENT, READER_NAME,
                                        READER_PATH, SESSION_PATH, FakeService, call_bus, card, objects,
                                        pipe_for_channel, reader, refuse, send_to_all)
from scdtest.testbed import events
from scdtest.testbed.testbed import built, connect_to_bus

SUCCESS = struct.pack("<II", 0, 0)
LONGEST = 8 + 65548
ORDERS = "connect shared Fake 00 00\ntransmit 80100000\n"
COMM_ERROR, NO_SERVICE, UNKNOWN_READER = "80100013", "8010001D", "80100009"
OK, INVALID_HANDLE, INVALID_PARAMETER = "00000000", "80100003", "80100004"
NO_MEMORY = "80100006"
MUTE = 0x200
MAY_ASK = Gio.DBusMessageFlags.ALLOW_INTERACTIVE_AUTHORIZATION
CONTROL, GET_ATTRIBUTE = 1, 2


def show_establish():
    say(establish()[0])


def use_session():
    """Does what the test sends: a line for each call."""
    context = new_context()
    card = new_card(context, "Fake 00 00")
    say("ready")
    step()
    say(*status(card))
    say(reconnect(card), *control(card, 0x42000001, "00"))
    say(call("SCardReconnect", card, DWORD(2), DWORD(3), DWORD(0), None))
    length = DWORD(264)
    value = ctypes.create_string_buffer(264)
    say(call("SCardGetAttrib", card, DWORD(0x90303), value, ctypes.byref(length)))


def use_wrong_arguments():
    context = new_context()
    card = new_card(context, "Fake 00 00")
    say(is_valid(card), transmit(context, "00A40400")[0], disconnect(context), release(card))
    say(call("SCardListReaderGroups", context, None, None))
    say(call("SCardControl", card, DWORD(1), None, DWORD(5), None, DWORD(0), None))
    say(call("SCardGetAttrib", card, DWORD(1), None, None))
    say(disconnect(card), disconnect(card), release(context), release(context))


def wait_for_removal():
    context = new_context()
    state = wait(context, 0, ("Fake 00 00", 0))[1]
    say("ready")
    step()
    code, event = wait(context, INFINITE, ("Fake 00 00", state & ~CHANGED))
    say(code, event)
    say(wait(context, 0, ("Fake 00 00", event & ~CHANGED))[0], release(context))


def use_restarted_service():
    context = new_context()
    say(*names(context))
    step()
    say(names(context)[0])
    step()
    say(names(context)[0], establish()[0])


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

    def test_first_calls_beyond_a_limit(self):
        """The program is told so at once: it does not wait for another service."""
        for method in ("GetManagedObjects", "GetAll"):
            service = FakeService(**{method: refuse(BUS + ".Error.LimitsExceeded")})
            script = Script(THROUGH_LIBRARY, show_establish)
            self.addCleanup(script.close)
            self.assertEqual(script.rest(), [NO_MEMORY], method)
            names = [name for name, _ in service.calls]
            self.assertEqual(names.count("GetManagedObjects"), 1)
            service.close()

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


class Sessions(case.TestBedTest):
    """A program with a card handle."""

    def setUp(self):
        super().setUp()
        self.testbed.start_bus()

    def run_session(self, *signals, on_packet=lambda packet: SUCCESS + b"\x90\x00",
                    environment=None, **answers):
        """Returns the results of status; of reconnect and control; and of two wrong calls."""
        service = self.service = FakeService(on_packet, **answers)
        script = Script(THROUGH_LIBRARY, use_session, environment=environment)
        self.addCleanup(script.close)
        self.assertEqual(script.line(), "ready")
        for signal in signals:
            send_to_all(service.connection, *signal)
        script.go_on()
        lines = [line.split() for line in script.rest()]
        service.close()
        return lines

    def test_valid_service(self):
        lines = self.run_session(Control=GLib.Variant("(ay)", (b"\x01",)))
        self.assertEqual(lines[:2], [[OK, "00010034"], [OK, OK, "9000"]])
        self.assertEqual(lines[2:], [[INVALID_PARAMETER], [OK]])

    def test_reasons_of_the_end(self):
        """The program gets them when it uses the handle again."""
        for reason, code in (("reader-removed", "80100011"), ("service-unavailable", NO_SERVICE),
                             ("shutdown", "80100068"), ("closed-by-user", "80100012"),
                             ("revoked", "8010006A"), ("of-the-future", "8010006A")):
            lines = self.run_session((SESSION_PATH, SESSION, "Closed",
                                      GLib.Variant("(s)", (reason,))))
            self.assertEqual(lines[0][0], code, reason)

    def test_end_of_another_session(self):
        lines = self.run_session((SESSION_PATH + "2", SESSION, "Closed",
                                  GLib.Variant("(s)", ("revoked",))),
                                 (SESSION_PATH, SESSION, "Closed", GLib.Variant("(u)", (1,))))
        self.assertEqual(lines[0][0], OK)

    def test_mute_card(self):
        lines = self.run_session(GetManagedObjects=objects(
            reader(State=GLib.Variant("u", PRESENT | MUTE)), card(Atr=GLib.Variant("ay", b""))))
        self.assertEqual(lines[0], [OK, "0001000C"])

    def test_replies_of_other_types(self):
        def on_packet(packet):
            """Refuses the control code, so that the library asks over the bus."""
            if packet[0] == CONTROL:
                return struct.pack("<II", 0x8010006A, 0)
            return SUCCESS + (b"x" * 300 if packet[0] == GET_ATTRIBUTE else b"")

        wrong = GLib.Variant("(u)", (1,))
        lines = self.run_session(on_packet=on_packet, Reconnect=wrong, Control=wrong)
        self.assertEqual(lines, [[OK, "00010034"], [COMM_ERROR, COMM_ERROR],
                                 [INVALID_PARAMETER], [COMM_ERROR]])
        lines = self.run_session(on_packet=on_packet,
                                 Control=GLib.Variant("(ay)", (b"\x01\x02",)))
        self.assertEqual(lines[1], [OK, OK, "0102"])

    def test_program_that_must_not_wait(self):
        """A service that never has time for its calls does not keep it for ever."""
        timeout = "org.smartcardd1.Error.Timeout"
        lines = self.run_session(environment={"PCSCLITE_NO_BLOCKING": "1"},
                                 Reconnect=self.refuse_times(1000000, timeout, None))
        self.assertEqual(lines[1][0], "8010000B")
        calls = [arguments for name, arguments in self.service.calls if name == "Reconnect"]
        self.assertEqual({options["timeout-ms"] for *_, options in calls}, {0})

    def test_user_who_may_be_asked(self):
        """For a control code that needs authorization, where there is a display."""
        def on_packet(packet):
            return struct.pack("<II", 0x8010006A if packet[0] == CONTROL else 0, 0)

        for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
            lines = self.run_session(on_packet=on_packet, environment={variable: ":0"})
            self.assertEqual(lines[1], [OK, "8010006A"])
            (flags,) = self.service.flags
            self.assertTrue(flags & MAY_ASK, variable)

    def refuse_times(self, count, name, result):
        """Returns an answer that is this error for the first calls."""
        calls = []

        def answer(invocation):
            calls.append(invocation)
            if len(calls) <= count:
                invocation.return_dbus_error(name, "not yet")
            else:
                invocation.return_value(result)
        return answer

    def test_card_that_is_in_use_for_a_while(self):
        """As pcsc-lite does, SCardReconnect waits until the others have closed their handles."""
        lines = self.run_session(
            Reconnect=self.refuse_times(3, "org.smartcardd1.Error.SharingViolation",
                                        GLib.Variant("(s)", ("T=1",))),
            Control=GLib.Variant("(ay)", (b"",)))
        self.assertEqual(lines[1], [OK, OK, "9000"])

    def test_service_that_ends_during_connect(self):
        """The library tries it once more, and then gives up."""
        no_reply, session = BUS + ".Error.NoReply", GLib.Variant("(os)", (SESSION_PATH, "T=1"))
        lines = self.run_session(Connect=self.refuse_times(1, no_reply, session))
        self.assertEqual(lines[0][0], OK)
        service = FakeService(Connect=self.refuse_times(2, no_reply, session))
        program = PcscClient(command=("env", "LD_LIBRARY_PATH=" + built("libpcsclite-dbus")))
        self.addCleanup(program.close)
        self.assertEqual(program.order("connect", "shared", READER_NAME), ("error", NO_SERVICE))
        self.assertEqual(program.order("connect", "shared", READER_NAME), ("ok", ""))
        service.close()

    def test_wrong_arguments(self):
        """A card handle is none of a context, and nothing is read from or written to NULL."""
        service = FakeService(lambda packet: SUCCESS)
        script = Script(THROUGH_LIBRARY, use_wrong_arguments)
        self.addCleanup(script.close)
        lines = script.rest()
        service.close()
        self.assertEqual(lines, [" ".join([INVALID_HANDLE] * 4), *[INVALID_PARAMETER] * 3,
                                 f"{OK} {INVALID_HANDLE} {OK} {INVALID_HANDLE}"])

    def test_reader_that_goes_while_a_program_waits(self):
        """It is told so; a reader that does not exist is an error of the next wait."""
        service = FakeService()
        script = Script(THROUGH_LIBRARY, wait_for_removal)
        self.addCleanup(script.close)
        self.assertEqual(script.line(), "ready")
        before = len(service.calls)
        script.go_on()
        events.wait_until(lambda: any(name == "Refresh" for name, _ in service.calls[before:]),
                          "the program waits")
        send_to_all(service.connection, ROOT, OBJECT_MANAGER, "InterfacesRemoved",
                    GLib.Variant("(oas)", (READER_PATH, [READER])))
        self.assertEqual(script.line(), f"{OK} 0000000E")
        self.assertEqual(script.rest(), [f"{UNKNOWN_READER} {OK}"])
        service.close()

    def test_service_of_another_version_follows(self):
        """The context that the program has is lost; a new one finds the service that comes next."""
        service = FakeService()
        script = Script(THROUGH_LIBRARY, use_restarted_service)
        self.addCleanup(script.close)
        self.assertEqual(script.line(), f"{OK} ['Fake 00 00']")
        for version, result in ((99, NO_SERVICE), (None, f"{NO_SERVICE} {OK}")):
            service.close()
            service = (FakeService(channel_version=GLib.Variant("u", version)) if version
                       else FakeService())
            script.go_on()
            self.assertEqual(script.line(), result)
        self.assertEqual(script.rest(), [])
        service.close()


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

    def send_objects(self, name, path, interface=None, properties=None):
        arguments = (GLib.Variant("(oa{sa{sv}})", (path, {interface: properties})) if interface
                     else GLib.Variant("(oas)", (path, [])))
        send_to_all(self.service.connection, ROOT, OBJECT_MANAGER, name, arguments)

    def test_card_before_its_reader(self):
        """As in a reply, the order does not matter; one that goes before leaves nothing."""
        for order in ("card reader", "card gone reader"):
            self.send_objects("InterfacesRemoved", READER_PATH)
            for word in order.split():
                if word == "card":
                    self.send_objects("InterfacesAdded", CARD_PATH, CARD, card())
                elif word == "gone":
                    self.send_objects("InterfacesRemoved", CARD_PATH)
                else:
                    self.send_objects("InterfacesAdded", READER_PATH, READER, reader())
            self.assertEqual(self.connect(), ("ok", ""), order)
            self.assertEqual(self.program.order("disconnect", "leave")[0], "ok")

    def test_service_leaves_the_bus(self):
        call_bus(self.service.connection, "ReleaseName", GLib.Variant("(s)", (NAME,)))
        self.assertEqual(self.connect(), ("error", NO_SERVICE))


if __name__ == "__main__":
    case.main()
