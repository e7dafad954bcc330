#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""PINs in the memory of the service: each way into it, calls that are refused, too."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import SELECT, ChannelTest
from scdtest.clients import channel
from scdtest.clients.client import data, hex_data, options
from scdtest.clients.recorder import CARD, READER

VERIFY = "0020008008"
ROUNDS = 20
LONG = 9000  # bytes: more than the buffers that small messages overwrite


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
                                          ("ModifyPin", options(), "InvalidArgs"),
                                          ("VerifyPin", options(max_length=0), "InvalidArgs"),
                                          ("VerifyPin", options(pin="1"), "InvalidArgs")):
            pin, command = self.verify()
            self.assert_refused(error, session.send(method, hex_data(command), pin_format,
                                                    options()))
            self.assert_wiped(pin)
        self.cards.order("pinpad", "A", "direct", "42330000")
        pin, command = self.verify()
        call = session.send("VerifyPin", hex_data(command), options(), options())
        self.cards.order("press", "A", "12345678e")
        self.assertEqual(call.wait().hex(), "9000")
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
