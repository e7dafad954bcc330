#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pcscd is killed at random moments while programs use cards, or it does not respond for a while."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

from scdtest.cases import case
from scdtest.clients.recorder import MANAGER, OBJECT_MANAGER, PROPERTIES, READER, ROOT
from scdtest.testbed import events
from stress import StressTest, count

LONGEST_PAUSE_S = 0.2
LIMIT_S = 0.1  # for a reply, or three times as long as the bus takes
STOP_S = count(3, 30)

# Other tests run beside ./check and may delay a reply; a service that waits for pcscd would delay
# many of them, or one for seconds.
DELAYED_SHARE = count(0.005, 0.0001)
DELAYED_LIMIT_S = 1


class Kills(StressTest):
    def test_kills(self):
        self.start()
        self.start_loads()
        for _ in range(count(10, 200)):
            cards = self.watcher.cards()
            self.pause(LONGEST_PAUSE_S)
            self.testbed.stop_pcscd(signal.SIGKILL)
            if self.numbers.random() < 0.5:
                self.watcher.wait_for_state(lambda client: not client.manager("Available"),
                                            "the service has noticed it")
            self.start_pcscd()
            self.wait_for_cards(other_than=cards)
            self.wait_for_uses()
            del self.watcher.signals[:]
        self.assert_nothing_left()


class Stop(StressTest):
    def start(self, settings="", environment=None):
        super().start(settings, environment)
        reader = self.watcher.reader("Reader A")
        strings = GLib.Variant("(ss)", (READER, "Name"))
        self.calls = [
            (ROOT, OBJECT_MANAGER, "GetManagedObjects", None),
            (ROOT, MANAGER, "ListSessions", None),
            (ROOT, MANAGER, "CanConnect", GLib.Variant("(o)", (reader,))),
            (ROOT, "org.freedesktop.DBus.Introspectable", "Introspect", None),
            (ROOT, PROPERTIES, "GetAll", GLib.Variant("(s)", (MANAGER,))),
            (reader, PROPERTIES, "Get", strings)]

    def seconds_of(self, destination, path, interface, method, arguments):
        start = time.monotonic()
        try:
            self.watcher.connection.call_sync(destination, path, interface, method, arguments, None,
                                              Gio.DBusCallFlags.NONE, int(events.LIMIT_S * 1000),
                                              None)
        except GLib.Error as error:
            # The readers go while pcscd does not respond.
            self.assertIn(Gio.DBusError.get_remote_error(error),
                          ("org.smartcardd1.Error.NoService",
                           "org.freedesktop.DBus.Error.UnknownObject"), method)
        return time.monotonic() - start

    def assert_quick(self, seconds, limit):
        delayed = [second for second in seconds if second >= limit]
        self.assertLessEqual(len(delayed), DELAYED_SHARE * len(seconds), delayed)
        self.assertLess(max(seconds), max(limit, DELAYED_LIMIT_S))

    def test_stop(self):
        """The calls that read objects are answered all the time."""
        self.start()
        self.start_loads()
        self.testbed.pcscd.send_signal(signal.SIGSTOP)
        end = time.monotonic() + STOP_S
        of_bus, of_service = [], []
        while time.monotonic() < end:
            of_bus.append(self.seconds_of("org.freedesktop.DBus", "/", "org.freedesktop.DBus",
                                          "GetId", None))
            of_service += [self.seconds_of("org.smartcardd1", *call) for call in self.calls]
        self.testbed.pcscd.send_signal(signal.SIGCONT)
        print(f"# {len(of_service)} calls in at most {max(of_service):.3f} s, "
              f"the bus in {max(of_bus):.3f} s", flush=True)
        self.assert_quick(of_service, max(LIMIT_S, 3 * max(of_bus)))
        self.wait_for_cards()
        self.wait_for_uses()
        self.assert_nothing_left()


if __name__ == "__main__":
    case.main()
