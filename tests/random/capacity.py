# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much a user can have at a time: less than before if the service has kept a charge."""

from scdtest.clients.client import SESSION, Client, Refused, hex_data, options
from scdtest.clients.recorder import MANAGER, ROOT

SETTINGS = """
[Limits]
SessionsPerUser=60
CallsPerSession=40
WaitersPerUser=60
WaitLimitSec=2
MemoryPerUser=6291456
[Transactions]
IdleLimitSec=1
TotalLimitSec=20
"""
ECHO = "801000000101"
BIG = "80" * 60000
LIMIT_MS = 60000


class TooSlow(Exception):
    """The service has ended the transaction of the holder, which was idle for too long."""


def count(call):
    """Makes calls until one is refused; returns how many were not."""
    number = 0
    try:
        while True:
            call(number)
            number += 1
    except Refused as refused:
        if refused.name == "ResetCard":
            raise TooSlow from None
        assert refused.name == "LimitsExceeded", f"{refused.name}: {refused.message}"
    return number


def send_waiting(client, path, interface, method, *arguments, **more):
    """Calls, and returns when the service has the call; raises Refused if that was refused."""
    call = client.send(path, interface, method, *arguments,
                       options(timeout_ms=LIMIT_MS, **more))
    client.manager("Available")
    if call.is_done:
        call.wait()


def count_sessions(client, reader):
    return count(lambda _number: client.connect(reader, "direct"))


def count_waiters(client, _reader):
    return count(lambda _number: send_waiting(client, ROOT, MANAGER, "WaitForCard", new=True))


def count_blocked(client, reader, sessions, method, *arguments):
    """Counts calls of so many sessions that wait while another one has a transaction."""
    holder = client.connect(reader)
    waiting = [client.connect(reader) for _ in range(sessions)]
    holder.begin()

    def call(number):
        holder.transmit(ECHO)  # else the service ends the transaction
        send_waiting(client, waiting[number % sessions].path, SESSION, method, *arguments)
    return count(call)


def count_calls(client, reader):
    return count_blocked(client, reader, 1, "BeginTransaction")


def count_memory(client, reader):
    return count_blocked(client, reader, 4, "Transmit", hex_data(BIG))


def measure(words):
    """words: in the name of a reader with a card that no session uses."""
    return {way.__name__: measure_one(way, words)
            for way in (count_sessions, count_waiters, count_calls, count_memory)}


def measure_one(way, words):
    while True:
        client = Client()
        try:
            return way(client, client.reader(words))
        except TooSlow:
            pass
        finally:
            client.close()
