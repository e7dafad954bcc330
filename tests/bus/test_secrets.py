#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""PINs in the memory of the service: each way into it, calls that are refused, too."""

import os
import sys
from xml.etree import ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import SELECT, ChannelTest
from scdtest.clients import channel
from scdtest.clients.client import data, hex_data, options
from scdtest.clients.client import SESSION, Refused
from scdtest.clients.recorder import CARD, PROPERTIES, READER
from scdtest.testbed.testbed import SOURCE

VERIFY = "0020008008"
ROUNDS, CALLS = 20, 20
LONG = 9000  # bytes: more than the buffers that small messages overwrite
FILLER = "FF" * 242  # before a PIN at the end of a command with 250 bytes of data


def methods_with_secrets(interface):
    """Returns the methods that take bytes or commands in hex: their names, and types of arguments."""
    tree = ElementTree.parse(os.path.join(SOURCE, "introspection", interface + ".xml"))
    for method in tree.iter("method"):
        types = [each.get("type") for each in method.iter("arg") if each.get("direction") == "in"]
        if "ay" in types or "aay" in types or method.get("name").endswith("Hex"):
            yield method.get("name"), types


def scan(pid, secret):
    """Returns the places of the bytes in the writable memory of a process."""
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb",
                                                                  0) as memory:
        for line in maps:
            span, access, *rest = line.split()
            if not access.startswith("rw") or rest[-1].startswith("[v"):
                continue
            begin, end = (int(word, 16) for word in span.split("-"))
            try:
                memory.seek(begin)
                content = memory.read(end - begin)
            except OSError:  # never written, or of a sanitizer
                continue
            at = content.find(secret)
            if at >= 0:
                found.append(f"{begin + at:x} in {' '.join(rest[3:]) or 'a mapping'}")
    return found


class Secrets(ChannelTest):
    def setUp(self):
        super().setUp()
        self.start()
        if self.is_sanitized():
            self.skipTest("a sanitizer keeps freed memory")
        self.last = 0

    def new_pin(self):
        """Eight bytes that nothing else in the service has."""
        self.last += 1
        return f"PIN{self.last:02d}x{self.last:02d}".encode()

    def verify(self):
        pin = self.new_pin()
        return pin, VERIFY + pin.hex()

    def long_command(self):
        """A PIN at the end of a command that is so long that no later call reuses its memory."""
        pin = self.new_pin()
        return pin, b"\x80" * LONG + pin

    def assert_wiped(self, *secrets):
        """After some other calls: the stack keeps what a register had, until it is used again."""
        for _ in range(ROUNDS):
            self.other.transmit(SELECT)
            self.other.get("InTransaction")
            found = [place for secret in secrets for place in scan(self.testbed.service.pid, secret)]
            if not found:
                return
        self.assertEqual(found, [])

    def test_scan_finds_what_is_there(self):
        """A path that the service keeps in its memory."""
        path = self.session().path.encode()
        self.assertNotEqual(scan(self.testbed.service.pid, path), [])

    def test_session(self):
        session, self.other = self.session(), self.session()
        pin, command = self.verify()
        session.transmit(command)
        self.assert_wiped(pin)
        pin, command = self.verify()
        session.call("TransmitMany", data([b"\x80" * LONG, bytes.fromhex(command)]), options())
        self.assert_wiped(pin)
        pin = self.new_pin()
        session.send("Control", 0x42000001, data(pin)).error()
        self.assert_wiped(pin)

    def end(self, call):
        """The result of a call does not matter."""
        try:
            call.wait()
        except Refused:
            pass

    def test_all_methods(self):
        session, self.other = self.session(), self.session()
        paths = {SESSION: session.path, READER: session.get("Reader"), CARD: session.get("Card")}
        seen = set()
        for interface, path in paths.items():
            for name, types in methods_with_secrets(interface):
                pin = self.new_pin()
                command = bytes.fromhex("00200080FA" + FILLER) + pin
                values = {"ay": data(command), "aay": data([command]), "u": 0x42000001,
                          "s": command.hex(), "as": [command.hex()], "a{sv}": options()}
                with self.subTest(f"{interface}.{name}"):
                    self.end(session.client.send(path, interface, name,
                                                 *[values[each] for each in types]))
                    self.assert_wiped(pin, pin.hex().encode())
                seen.add(name)
        self.assertGreaterEqual(seen, {"Transmit", "TransmitMany", "TransmitHex", "TransmitManyHex",
                                       "Control", "SetAttribute", "VerifyPin", "ModifyPin"})

    def test_one_shot(self):
        session = self.other = self.session()
        card = session.get("Card")
        pin, command = self.verify()
        session.client.ask(card, CARD, "Transmit", hex_data(command), options())
        self.assert_wiped(pin)
        pin, command = self.verify()
        session.client.ask(card, CARD, "TransmitHex", command)
        self.assert_wiped(pin, pin.hex().encode())

    def test_template(self):
        """Of a program that puts a PIN into the template for a PIN pad, which holds its place."""
        session, self.other = self.session(), self.session()
        for method, pin_format, error in (("VerifyPin", options(), "NoPinPad"),
                                          ("ModifyPin", options(new_offset=250), "InvalidArgs"),
                                          ("VerifyPin", options(max_length=0), "InvalidArgs"),
                                          ("VerifyPin", options(pin="1"), "InvalidArgs")):
            pin = self.new_pin()
            template = hex_data("00200080FA" + FILLER + pin.hex())
            self.assert_refused(error, session.send(method, template, pin_format, options()))
            self.assert_wiped(pin)
        for kind in ("direct", "keys"):
            self.cards.order("pinpad", "A", kind, "42330000")
            pin = self.new_pin()
            call = session.send("VerifyPin", hex_data("80100000FA" + FILLER + pin.hex()), options(),
                                options())
            self.cards.order("press", "A", "12345678e")
            self.assertTrue(call.wait().endswith(pin + b"\x90\0"))  # the card returns the data
            self.assert_wiped(pin)

    def test_dropped(self):
        """Of an object that goes after GDBus has found it for the call."""
        self.other = self.session()
        for _ in range(ROUNDS):
            session = self.session()
            close = session.send("Close", "leave")
            pin, command = self.long_command()
            template = hex_data("00200080FA" + FILLER + pin.hex())
            calls = []
            for _ in range(CALLS):
                calls += [session.send("Transmit", data(command), options()),
                          session.send("VerifyPin", template, options(), options()),
                          session.send("Control", 0x42000001, data(command))]
            close.wait()
            for call in calls:
                self.assert_refused("InvalidHandle", call)
            self.assert_wiped(pin)
            session.client.close()

    def test_refused_by_gdbus(self):
        session = self.other = self.session()
        for path, interface, method, arguments, error in (
                (session.path, SESSION, "VerifyPIN", 1, "UnknownMethod"),
                (session.path, SESSION, "Transmit", 3, "InvalidArgs"),
                (session.path, PROPERTIES, "Transmit", 1, "UnknownMethod"),
                (session.path + "1", SESSION, "VerifyPIN", 1, None)):
            pin = self.new_pin()
            value = data(b"\x80" * 1000 + pin)
            call = session.client.send(path, interface, method, *[value] * arguments)
            self.assertIn(call.error(), (error,) if error else ("UnknownMethod", "UnknownObject"))
            self.assert_wiped(pin)
        pin = self.new_pin()
        more = options(pin=FILLER + pin.decode())
        self.assert_refused("InvalidArgs", session.send("Transmit", hex_data(SELECT), more))
        self.assert_wiped(pin)

    def test_long_arguments(self):
        session = self.other = self.session()
        card = session.get("Card")
        pin, command = self.long_command()
        session.call("Transmit", data(command), options())
        self.assert_wiped(pin)
        pin, command = self.long_command()
        session.call("TransmitMany", data([command]), options())
        self.assert_wiped(pin)
        pin, command = self.long_command()
        session.send("Control", 0x42000001, data(command)).error()
        self.assert_wiped(pin)
        pin, command = self.long_command()
        session.client.ask(card, CARD, "TransmitHex", command.hex())
        self.assert_wiped(pin, pin.hex().encode())
        pin, command = self.long_command()
        session.client.ask(card, CARD, "TransmitManyHex", [command.hex()])
        self.assert_wiped(pin, pin.hex().encode())

    def test_response(self):
        """The card echoes the data."""
        session, self.other = self.session(), self.session()
        secret = self.new_pin()
        session.transmit("8010000008" + secret.hex())
        self.assert_wiped(secret)

    def test_refused(self):
        session, self.other = self.session(), self.session()
        closed = self.session()
        closed.close()
        for to, call in ((closed, "InvalidHandle"), (session, "InvalidArgs")):
            pin, command = self.verify()
            more = options() if to is closed else options(unknown=True)
            self.assert_refused(call, to.send("Transmit", hex_data(command), more))
            self.assert_wiped(pin)
        pin, command = self.verify()
        self.assert_refused("UnknownObject", session.client.send(
            "/org/smartcardd1/cards/none", CARD, "Transmit", hex_data(command), options()))
        self.assert_wiped(pin)
        pin, command = self.verify()
        intruder = self.client()
        self.assert_refused("NotOwner", intruder.send(
            session.path, "org.smartcardd1.Session", "Transmit", hex_data(command), options()))
        self.assert_wiped(pin)
        pin = self.new_pin()
        self.assert_refused("InvalidArgs", session.client.send(
            session.get("Reader"), READER, "Control", 1, data(pin), options(unknown=True)))
        self.assert_wiped(pin)

    def test_channel(self):
        session, self.other = self.session(), self.session()
        opened = self.open(session)
        pin, command = self.verify()
        opened.ask(channel.transmit(command))
        self.assert_wiped(pin)


if __name__ == "__main__":
    case.main()
