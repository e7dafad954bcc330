#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many users together make the service hold as much as they can, with the memory of its unit."""

import configparser
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.permissions import ALLOW
from scdtest.cases.sessions import SELECT, SessionTest
from scdtest.clients.client import Refused
from scdtest.testbed.cgroup import MemoryLimit
from scdtest.testbed.testbed import SOURCE
from scdtest.testbed.users import as_user
from stress import PATIENT

USERS = ("nobody", "daemon", "games", "bin", "sys", "mail")
CLIENTS, SESSIONS, COMMANDS = 4, 6, 16  # of each user, of each client, of each session
LENGTH = 65000
ECHO = "80100000" + f"00{LENGTH - 7:04X}" + "A5" * (LENGTH - 7)
NO_LIMIT = 0xFFFFFFFF
ALLOWED_ERRORS = {None, "LimitsExceeded"}


def memory_of_unit():
    """Returns the value of MemoryMax in bytes."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(os.path.join(SOURCE, "data", "smartcardd.service.in"))
    return int(unit["Service"]["MemoryMax"].removesuffix("M")) * 1024 * 1024


class Limit(SessionTest):
    def setUp(self):
        """The cgroup is removed after the service has ended."""
        try:
            self.limit = MemoryLimit(memory_of_unit())
        except OSError as error:
            self.skipTest(str(error))
        self.addCleanup(self.limit.close)
        super().setUp()
        self.polkit().start(ALLOW)
        self.start(PATIENT, command=self.limit.command)
        if self.is_sanitized():
            self.skipTest("a sanitizer needs more memory")

    def error_of(self, call):
        try:
            call.wait()
        except Refused as refused:
            return refused.name
        return None

    def attack(self, holder):
        """Returns the number of commands that were accepted."""
        sessions = []
        for user in USERS:
            with as_user(user):
                clients = [self.client() for _ in range(CLIENTS)]
            sessions += [client.connect(client.reader("Reader A"))
                         for client in clients for _ in range(SESSIONS)]
        holder.begin()
        calls = [session.send_transmit(ECHO, timeout_ms=NO_LIMIT) for session in sessions for _ in range(COMMANDS)]
        for session in sessions:
            session.client.manager("Available")
        print(f"# {self.memory('VmRSS'):.0f} MiB in use", flush=True)
        holder.end()
        errors = [self.error_of(call) for call in calls]
        self.assertLessEqual(set(errors), ALLOWED_ERRORS)
        self.leave(*{session.client for session in sessions})
        return errors.count(None)

    def test_limit(self):
        holder = self.session()
        accepted = [self.attack(holder) for _ in range(2)]
        print(f"# {accepted} commands were accepted", flush=True)
        self.assertEqual(self.limit.count_killed(), 0)
        self.assertEqual(holder.transmit(SELECT), "9000")
        self.assertGreater(accepted[1], 0.9 * accepted[0])


if __name__ == "__main__":
    case.main()
