#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Closing or cancelling in one thread or process while another one waits."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import ATR
from scdtest.clients.pcsc_client import PcscClient
from scdtest.testbed import events
from scdtest.testbed.testbed import built, simulated_reader

SUCCESS, CANCELLED, INVALID_HANDLE = "00000000", "80100002", "80100003"


class Closing(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader(name, card=ATR) for name in "AB"])
        self.testbed.start_service()
        self.environment = {**os.environ, "LD_LIBRARY_PATH": built("libpcsclite-dbus")}
        self.program = built("tests/library/scd-closing")

    def run_case(self, name, *tool):
        result = subprocess.run([*tool, self.program, name], env=self.environment, check=True,
                                text=True, stdout=subprocess.PIPE, timeout=events.LIMIT_S)
        return result.stdout.split()

    def test_disconnect_ends_a_wait_for_a_transaction(self):
        self.assertEqual(self.run_case("transaction"), [INVALID_HANDLE, SUCCESS])

    def test_disconnect_ends_a_command_that_waits(self):
        """The other handle has the card for ever: the result shows that the command was not sent."""
        self.assertEqual(self.run_case("command"), [INVALID_HANDLE, SUCCESS])

    def test_cancel_ends_a_wait_for_a_transaction(self):
        self.assertEqual(self.run_case("cancel-transaction"), [CANCELLED] + [SUCCESS] * 4)

    def test_cancel_does_not_end_commands(self):
        self.assertEqual(self.run_case("cancel-command"), [SUCCESS])

    def test_cancel_ends_a_connection_that_waits(self):
        self.assertEqual(self.run_case("cancel-connection"), [CANCELLED, SUCCESS])

    def test_release_ends_a_connection_that_waits(self):
        self.assertEqual(self.run_case("release-connection"), [CANCELLED, SUCCESS])

    def test_cancel_and_disconnect_end_reconnections(self):
        self.assertEqual(self.run_case("reconnections"), [CANCELLED, INVALID_HANDLE, SUCCESS])

    def test_release_ends_a_wait_for_events(self):
        self.assertEqual(self.run_case("wait"), [CANCELLED, SUCCESS])

    def test_cards_do_not_block_each_other(self):
        self.assertEqual(self.run_case("cards"), [SUCCESS] * 3)

    def test_threads_share_a_connection(self):
        self.assertEqual(self.run_case("connection"), [SUCCESS] * 2)

    @unittest.skipUnless("SCD_VALGRIND" in os.environ, "SCD_VALGRIND=1 runs it")
    def test_helgrind(self):
        """Messages of one connection share reference counts that are not atomic."""
        for name in ("transaction", "command", "cancel-transaction", "cancel-command",
                     "cancel-connection", "release-connection", "reconnections", "wait", "cards",
                     "connection"):
            self.run_case(name, "valgrind", "--tool=helgrind", "--quiet", "--error-exitcode=1")

    def test_child_does_not_keep_sessions_of_its_parent(self):
        """When the parent has left the bus, the service has closed its session: the card is free."""
        gone = self.recorder().departures()
        with subprocess.Popen([self.program, "child"], env=self.environment,
                              stdin=subprocess.PIPE) as parent:
            self.assertEqual(parent.wait(events.LIMIT_S), 0)
            events.wait_until(lambda: gone, "the parent leaves the bus")
            after = PcscClient(environment=self.environment)
            self.addCleanup(after.close)
            after.do("connect", "exclusive", "Simulated Reader A 00 00")


if __name__ == "__main__":
    case.main()
