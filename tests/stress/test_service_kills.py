#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service and the bus are killed at random moments; clients of all kinds recover."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.permissions import ALLOW
from scdtest.cases.sessions import ATR
from scdtest.clients.program import Program
from scdtest.testbed.testbed import built
from stress import StressTest, count

LONGEST_PAUSE_S = 0.3


class Kills(StressTest):
    def program(self, *arguments, **options):
        program = Program([built("cli/smartcardctl"), *arguments], **options)
        self.addCleanup(program.close)
        return program

    @staticmethod
    def count_events(monitor, name):
        return sum(line.split("\t")[1] == name for line in monitor.lines)

    def wait_for_event(self, monitor, name, number):
        self.watcher.wait(lambda: monitor.ended or self.count_events(monitor, name) >= number,
                          f"{name}, {number} times: {monitor.lines[-3:]}")
        self.assertFalse(monitor.ended, monitor.errors)

    def restart_service(self):
        path = os.path.join(self.testbed.folder, "smartcardd.conf")
        self.testbed.start_service("--config", path)

    def test_service(self):
        self.start()
        self.start_loads()
        self.cards.remove("A")
        monitor = self.program("monitor")
        waiting = self.program("wait", "--new", "A 00 00", columns=160)
        waiting.wait_for("Waiting for a new card")
        self.wait_for_event(monitor, "card-present", 2)
        for number in range(1, count(5, 50) + 1):
            self.pause(LONGEST_PAUSE_S)
            self.testbed.service.kill()
            self.restart_service()
            self.wait_for_event(monitor, "service-gone", number)
            self.wait_for_event(monitor, "service-back", number)
            self.wait_for_uses()
            self.assertFalse(waiting.ended, waiting.output)
        self.cards.insert("A", ATR)
        self.wait_for_event(monitor, "card-inserted", 1)
        self.assertEqual(waiting.wait(), 0)
        monitor.send_signal(signal.SIGTERM)
        self.assertEqual(monitor.wait(), 0)
        self.wait_for_cards()
        self.assert_nothing_left()

    def test_bus(self):
        """The service ends with the bus, as systemd expects it, which starts both again."""
        self.start()
        self.start_loads()
        for _ in range(count(2, 20)):
            self.pause(LONGEST_PAUSE_S)
            self.authority.stop()
            self.testbed.bus.kill()
            self.assertEqual(self.testbed.service.wait(), 1)
            self.testbed.start_bus()
            self.authority.connect()
            self.authority.start(ALLOW)
            self.restart_service()
            self.wait_for_uses()
        self.watcher = self.client()
        self.wait_for_cards()
        self.assert_nothing_left()


if __name__ == "__main__":
    case.main()
