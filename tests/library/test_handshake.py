#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bus that does not take the authentication of sd-bus, which sends all lines at once.

Old versions of xdg-dbus-proxy are such a one. The library then authenticates line by line.
"""

import contextlib
import os
import select
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import ATR
from scdtest.clients.library import THROUGH_LIBRARY
from scdtest.clients.script import Script
from scdtest.testbed.testbed import BUS_SOCKET, simulated_reader

SUCCESS, NO_SERVICE = "00000000", "8010001D"
GUID = b"0123456789abcdef0123456789abcdef"
OK, AGREE, ERROR = b"OK " + GUID + b"\r\n", b"AGREE_UNIX_FD\r\n", b"ERROR\r\n"


def establish_and_count_files():
    establish()  # loads the library
    before = len(os.listdir("/proc/self/fd"))
    say(establish()[0], len(os.listdir("/proc/self/fd")) - before)


def use_card():
    code, context = establish()
    say(code, *names(context)[1])
    code, card, _ = connect(context, names(context)[1][0])
    say(code)
    say(*transmit(card, "00A4040000"))
    say(disconnect(card), release(context))


class Proxy:
    """Hangs up on each first connection, and answers each second one with these lines.

    If there are two of them, it passes the messages on to the bus. at_end: called before it hangs
    up on a first connection.
    """

    def __init__(self, address, answers, at_end=lambda: None):
        self._answers = answers
        self._at_end = at_end
        self.lines = []  # of the library, in second connections
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(address)
        self.listening.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self):
        if self.listening.fileno() >= 0:
            self.listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self.listening.close()

    def _serve(self):
        is_first = True
        while client := self._accept():
            with client, contextlib.suppress(ConnectionError):
                if is_first:
                    client.recv(1)
                    self._at_end()
                else:
                    self._authenticate(client)
            is_first = not is_first

    def _accept(self):
        try:
            return self.listening.accept()[0]
        except OSError:
            return None

    def _read_line(self, client):
        line = b""
        while not line.endswith(b"\r\n"):
            line += client.recv(1) or b"\r\n"
        self.lines.append(line.lstrip(b"\0").strip().decode())
        return line

    def _authenticate(self, client):
        for answer in self._answers:
            self._read_line(client)
            client.sendall(answer)
        if len(self._answers) == 2:
            self._read_line(client)
            self._pass_on(client)

    def _pass_on(self, client):
        with socket.socket(socket.AF_UNIX) as bus:
            bus.connect(BUS_SOCKET)
            bus.sendall(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n")
            for line in (b"NEGOTIATE_UNIX_FD\r\n", b"BEGIN\r\n"):
                bus.recv(1000)
                bus.sendall(line)
            ways = {client: bus, bus: client}
            while True:
                for source in select.select([client, bus], [], [])[0]:
                    data, fds, _flags, _address = socket.recv_fds(source, 65536, 8)
                    if not data:
                        return
                    socket.send_fds(ways[source], [data], fds)
                    for fd in fds:
                        os.close(fd)


class Handshake(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader("A", card=ATR)])
        self.testbed.start_service()
        self.recorder().wait_for_state(lambda c: c.cards(), "the card")
        self.path = os.path.join(self.testbed.folder, "proxy")

    def run_program(self, function, answers, address=None, listen=None, **options):
        """Returns the lines of the program, and those that it has sent."""
        proxy = Proxy(listen or self.path, answers, **options)
        script = Script(THROUGH_LIBRARY, function, environment={
            "DBUS_SYSTEM_BUS_ADDRESS": address or "unix:path=" + self.path})
        lines = script.rest()
        script.close()
        proxy.close()
        if os.path.exists(self.path):
            os.unlink(self.path)
        return lines, proxy.lines

    def test_line_by_line(self):
        lines, sent = self.run_program(use_card, (OK, AGREE))
        self.assertEqual(lines, [f"{SUCCESS} Simulated Reader A 00 00", SUCCESS,
                                 f"{SUCCESS} 9000", f"{SUCCESS} {SUCCESS}"])
        self.assertEqual(sent, ["AUTH EXTERNAL " + b"0".hex(), "NEGOTIATE_UNIX_FD", "BEGIN"])

    def test_no_descriptors(self):
        """The readers are there; a command needs a socket of the service."""
        lines, _ = self.run_program(use_card, (OK, ERROR))
        self.assertEqual(lines[:2], [f"{SUCCESS} Simulated Reader A 00 00", SUCCESS])
        self.assertNotIn(SUCCESS, lines[2])

    def assert_fails(self, answers, **options):
        """Without a crash, and all that it has opened is closed."""
        lines, _ = self.run_program(establish_and_count_files, answers, **options)
        self.assertEqual(lines, [f"{NO_SERVICE} 00000000"])

    def test_answers_that_are_wrong(self):
        for answers in ((), (b"",), (b"\n",), (b"\r\n",), (b"x" * 300,), (OK,),
                        (b"REJECTED EXTERNAL\r\n", AGREE), (b"OK 0123\r\n", AGREE),
                        (b"OK " + GUID + b"x\r\n", AGREE), (b"OK " + GUID + b"\n", AGREE),
                        (OK, b"y" * 300, b""), (OK, AGREE, b"")):
            with self.subTest(str(answers)[:60]):
                self.assert_fails(answers)

    def test_bus_that_goes(self):
        """It is there for the first attempt only."""
        def go():
            if os.path.exists(self.path):
                os.rename(self.path, self.path + "-before")

        self.assert_fails((OK, AGREE), at_end=go)

    def test_addresses(self):
        """Those with more than a path are left to sd-bus."""
        self.assert_fails((), listen="\0scd-proxy", address="unix:abstract=scd-proxy")
        self.assert_fails((), address=f"unix:path={self.path},guid={GUID.decode()}")


if __name__ == "__main__":
    case.main()
