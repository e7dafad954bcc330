#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lock service while other parts restart, and how fast it is."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import simulated_reader
from scdtest.testbed.usb import PRELOAD, Bus, Hub, Reader
from test_lock import LOCK, LockTest

FAST_S = 0.05


class Restarts(LockTest):
    LOCK_SETTINGS = "[Lock]\nReaderGraceSec=600\n"

    def setUp(self):
        super().setUp()
        self.start(("Desk", ATR))
        self.log_in()
        self.start_lock()

    def stop_pcscd(self, number=signal.SIGTERM):
        self.testbed.stop_pcscd(number)
        self.client.wait_for_state(lambda c: not c.manager("Available"), "pcscd is away")
        self.notify.wait_for_line_with("of which 0 are")

    def start_pcscd(self, card):
        self.testbed.start_pcscd([simulated_reader("Desk", card=card)])
        self.client.wait_for_state(lambda c: c.manager("Available") and c.readers(), "the reader")
        self.readers = self.simulator()

    def assert_locks_at_next_removal(self):
        self.notify.wait_for_line_with("of which 1 are")
        self.assertEqual(self.logind.requests_until_now(), [])
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_pcscd(self):
        """It comes back with the card: that is no removal."""
        self.stop_pcscd()
        self.start_pcscd(ATR)
        self.assert_locks_at_next_removal()

    def test_pcscd_that_is_killed(self):
        self.stop_pcscd(signal.SIGKILL)
        self.start_pcscd(ATR)
        self.assert_locks_at_next_removal()

    def test_card_that_is_pulled_while_pcscd_is_away(self):
        self.stop_pcscd()
        self.start_pcscd(None)
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_service_that_is_killed(self):
        self.kill_service()
        self.notify.wait_for_line_with("of which 0 are")
        self.start_service()
        self.assert_locks_at_next_removal()

    def test_card_that_is_pulled_while_the_service_is_away(self):
        self.testbed.stop_service()
        self.readers.remove("Desk")
        self.start_service()
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_card_that_is_swapped_for_another_one_while_the_service_is_away(self):
        self.testbed.stop_service()
        self.readers.swap("Desk", "3B021450")
        self.start_service()
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_service_that_hangs(self):
        """Signals that it sends late count."""
        self.testbed.service.send_signal(signal.SIGSTOP)
        self.readers.remove("Desk")
        self.testbed.service.send_signal(signal.SIGCONT)
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])


class Cards(LockTest):
    def setUp(self):
        super().setUp()
        self.start(("Desk", ATR))
        self.log_in()
        self.start_lock()

    def test_swap_for_a_mute_card(self):
        self.readers.order("mute", "Desk", "on")
        self.readers.swap("Desk", ATR)
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_user_who_was_switched(self):
        """The session is not in front: its card counts all the same."""
        with open("/run/systemd/sessions/c1", "a", encoding="ascii") as file:
            file.write("ACTIVE=0\nSTATE=online\n")
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_time_from_the_signal(self):
        """The fastest of several removals: others may wait for the processor."""
        times = []
        for count in range(1, 6):
            since = len(self.client.signals)
            self.readers.remove("Desk")
            self.client.wait_for_signal("CardRemoved", since=since)
            start = time.monotonic()
            self.assertEqual(self.logind.wait_for_requests(count), [LOCK] * count)
            times.append(time.monotonic() - start)
            self.notify.wait_for_line_with("of which 0 are")
            self.insert()
            self.notify.wait_for_line_with("of which 1 are")
        self.assertLess(min(times), FAST_S)


class HubThatIsPulled(LockTest):
    """The reader of the login and another one go together."""

    def test_it_locks_once(self):
        bus = Bus()
        self.addCleanup(bus.close)
        hub = Hub(bus, "1-1", 2)
        readers = [Reader(bus, f"1-1.{port}", 2 + port, hub=hub) for port in (1, 2)]
        for reader in readers:
            reader.plug()
        self.testbed.start_pcscd(environment=bus.environment())
        self.start_service()
        self.client = self.recorder()
        self.client.wait_for_state(lambda c: len(c.readers()) == 2, "the readers")
        self.readers = self.simulator()
        self.insert(readers[0].name())
        self.log_in()
        self.start_lock()
        for reader in readers:
            reader.unplug()
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])
        readers[0].plug()
        self.client.wait_for_state(lambda c: len(c.readers()) == 1, "the reader")
        self.readers = self.simulator()
        self.insert(readers[0].name())
        self.notify.wait_for_line_with("of which 1 are")
        self.assertEqual(self.logind.requests_until_now(), [LOCK])


if __name__ == "__main__":
    case.main(preload=PRELOAD)
