#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Load: many clients, calls and commands; all replies are complete and in order."""

import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import SELECT, SessionTest
from scdtest.clients.client import Session, data, options

SEED = 20260101
COMMANDS = 10000
PIPELINED = 128  # the limit of dbus-daemon
LONGEST = 65544


def random_command(dice):
    """Returns a command of random length, mostly short; half of them are valid for the card."""
    length = int(4 * (LONGEST / 4) ** dice.random())
    kind = dice.randrange(6)
    if kind == 0:
        return dice.randbytes(max(1, length))
    if kind == 1:
        return bytes((0x80, 0x12, *dice.choice(((0, length % 256),
                                                divmod(length & 0xFFFF, 256)))))
    if kind == 2:
        return bytes((0x80, 0x14)) + dice.randbytes(2)
    if kind == 3:
        return bytes((0x80, 0x18, 0, dice.randrange(256), dice.randrange(256)))
    body = dice.randbytes(max(1, min(length, 65535)))
    width = bytes((len(body),)) if len(body) < 256 else b"\0" + len(body).to_bytes(2, "big")
    return bytes((0x80, 0x10, 0, 0)) + width + body


class ManyCalls(SessionTest):
    def echo(self, number):
        return f"8010000004{number:08X}"

    def test_pipelined_calls(self):
        """As many calls on one connection, before the first reply, as the bus allows."""
        self.start(f"[Limits]\nCallsPerSession={PIPELINED}\n")
        session = self.session()
        session.begin()
        for first in range(0, 8 * PIPELINED, PIPELINED):
            del session.client.done[:]
            calls = [session.send_transmit(self.echo(first + number))
                     for number in range(PIPELINED)]
            for number, call in enumerate(calls, first):
                self.assertEqual(call.wait().hex(), f"{number:08x}9000")
            self.assertEqual(session.client.done, calls)

    def test_concurrent_clients(self):
        """32 clients of one reader, each with its own transactions."""
        self.start()
        sessions = [self.session() for _ in range(32)]
        calls = []
        for number, session in enumerate(sessions):
            for _ in range(5):
                session.send_begin()
                calls += [(number, session.send_transmit(self.echo(number))) for _ in range(3)]
                session.send("EndTransaction", "leave")
        for number, call in calls:
            self.assertEqual(call.wait().hex(), f"{number:08x}9000")

    def test_clients_connect_and_disconnect(self):
        """600 clients, in batches; some disconnect with a transaction open."""
        self.start()
        watcher = self.client()
        reader = watcher.reader("Reader A")
        for batch in range(20):
            clients = [self.client() for _ in range(30)]
            calls = [client.send_connect(reader) for client in clients]
            for number, call in enumerate(calls):
                session = self.as_session(call)
                if number % 3 == 0:
                    session.close()
                elif number % 3 == 1:
                    session.send_begin()
            self.leave(*clients)
        session = self.session()
        self.assertEqual(session.transmit(SELECT), "9000")
        self.assertEqual(self.count_sessions(), 1)

    def as_session(self, call):
        path, _ = call.wait()
        return Session(call.client, path)

    def test_random_commands(self):
        """10,000 of all lengths: responses are the same as through PC/SC directly."""
        self.start()
        dice = random.Random(SEED)
        session, other = self.session(), self.pcsc_client()
        other.do("connect", "shared", self.pcsc_name())
        left = COMMANDS
        while left:
            script, size = [], 0
            while left and size < 2000000 and len(script) < 1024:
                script.append(random_command(dice))
                size += len(script[-1])
                left -= 1
            session.begin()
            responses, _stopped = session.call("TransmitMany", data(script), options())
            session.end()
            for command, response in zip(script, responses, strict=True):
                self.assertEqual(response.hex().upper(),
                                 other.do("transmit", command.hex().upper()), command[:8].hex())


if __name__ == "__main__":
    case.main()
