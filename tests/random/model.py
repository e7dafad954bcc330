# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part of the model that all clients share: commands, their responses, and errors."""

import os
import re
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

READERS = "ABC"
NAMES = [f"Simulated Reader {name} 0{number} 00" for number, name in enumerate(READERS)]
LIMIT_S = 60  # for an answer, which a fault may delay
REPORT_EACH = 20  # operations

# Of the bus, while the service restarts.
AWAY = {"org.freedesktop.DBus.Error." + name
        for name in ("NoReply", "ServiceUnknown", "NameHasNoOwner")}


class Wrong(Exception):
    """The service does not behave as the model."""


def read_error_names():
    """Returns all names of errors of the service."""
    with open(os.path.join(SOURCE, "introspection/error-table.h"), encoding="utf-8") as file:
        text = file.read()
    names = re.findall(r'X\(\w+,\s*0x\w+,\s*"([\w.]+)"', text)
    return {name if "." in name else "org.smartcardd1.Error." + name for name in names}


ERRORS = read_error_names()
NOTHING_PROMISED = b"\x69\x85"
PATTERN = bytes((7 * i + 3) % 256 for i in range(256))


class Commands:
    """Commands whose responses tell which one they belong to."""

    def __init__(self, dice, client):
        self._dice, self._client, self._number = dice, client, 0

    def echo(self):
        """Returns a command, and its response."""
        self._number += 1
        data = b"%04d-%08d-" % (self._client % 10000, self._number)
        data += bytes(self._dice.randrange(1, 256) for _ in range(self._dice.choice((0, 1, 40))))
        return bytes((0x80, 0x10, 0, 0, len(data))) + data, data + b"\x90\0"

    @staticmethod
    def pair():
        """Returns two commands: another one in between spoils the second response."""
        return [bytes.fromhex("8016000C"), bytes.fromhex("00C000000C")], PATTERN[:12] + b"\x90\0"


def check_response(response, expected):
    """A length that makes no sense may cut the response, or append bytes that are zero."""
    if response == expected or expected.startswith(response):
        return
    if response.startswith(expected) and not any(response[len(expected):]):
        return
    raise Wrong(f"the response is {response.hex()} and not {expected.hex()}")


def check_pair(responses, expected, is_alone=True):
    """is_alone: no other program can use the card in between."""
    first, second = responses
    if second == NOTHING_PROMISED and not is_alone:
        return
    if first == b"\x61\x0c" and len(second) > 1:
        check_response(second, expected)


def check_error(name):
    if name not in ERRORS and name not in AWAY:
        raise Wrong(f"the error {name}")


class Progress:
    """Tells the test of each few operations, which makes it change the world."""

    def __init__(self):
        self.count = 0

    def step(self):
        self.count += 1
        if self.count % REPORT_EACH == 0:
            os.write(1, b".\n")

    @staticmethod
    def show(text):
        """Prints a line for the log of the test."""
        os.write(1, text.encode(errors="replace") + b"\n")


def run_client(function):
    """Runs a client with the arguments of its program; its errors are lines, too."""
    seed, number, operations = map(int, sys.argv[1:4])
    try:
        function(seed, number, operations, *sys.argv[4:])
    except Wrong as error:
        Progress.show(f"! client {number} with seed {seed}: {error}")
        sys.exit(1)
