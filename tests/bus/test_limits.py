#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of each user: the error when one is exceeded, and reuse of released resources."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import SELECT, SessionTest
from scdtest.clients.recorder import CARD


class Limits(SessionTest):
    def start_with(self, **limits):
        lines = [f"{name}={value}" for name, value in limits.items()]
        self.start("\n".join(["[Limits]", *lines, ""]))
        self.user = self.client()
        self.reader = self.user.reader("Reader A")

    def test_limit_of_sessions(self):
        for limit in ("SessionsPerUser", "Sessions"):
            self.start_with(**{limit: 3})
            sessions = [self.user.connect(self.reader) for _ in range(2)] + [self.session()]
            card = sessions[0].get("Card")
            for _ in range(5):
                self.assert_refused("LimitsExceeded", self.user.send_connect(self.reader))
                self.assert_refused("LimitsExceeded",
                                    self.user.send(card, CARD, "TransmitHex", SELECT))
            for session in sessions:
                self.assertEqual(session.transmit(SELECT), "9000")
            sessions[0].close()
            sessions[0] = self.user.connect(self.reader)
            self.assert_refused("LimitsExceeded", self.user.send_connect(self.reader))
            sessions[2].begin()
            sessions[2].client.close()
            # When this call returns, the service has seen the departure.
            self.cards.wait_for("A", "resets=1")
            self.assertEqual(self.user.ask(card, CARD, "TransmitHex", SELECT), "9000")
            self.user.connect(self.reader)
            self.end_world()

    def end_world(self):
        self._close_clients()
        self._clients.clear()
        self.testbed.stop_service()
        self.testbed.stop_pcscd()

    def test_failed_and_pending_connects(self):
        """Each counts until it has returned."""
        self.start_with(SessionsPerUser=3)
        holder = self.user.connect(self.reader)
        holder.begin()
        waiting = [self.user.send_connect(self.reader) for _ in range(2)]
        self.assert_refused("LimitsExceeded", self.user.send_connect(self.reader))
        holder.end()
        for call in waiting:
            call.wait()
        self.assert_refused("LimitsExceeded", self.user.send_connect(self.reader))
        holder.close()
        for _ in range(10):
            self.assert_refused("SharingViolation",
                                self.user.send_connect(self.reader, "exclusive"))
        self.user.connect(self.reader)

    def test_pending_calls_of_a_session(self):
        self.start_with(CallsPerSession=4)
        holder, session = self.session(), self.session()
        holder.begin()
        waiting = [session.send_transmit(SELECT) for _ in range(4)]
        for _ in range(10):
            self.assert_refused("LimitsExceeded", session.send_transmit(SELECT))
            self.assert_refused("LimitsExceeded", session.send("GetStatus"))
        self.assertEqual(holder.transmit(SELECT), "9000")
        holder.end()
        for call in waiting:
            self.assertEqual(call.wait().hex(), "9000")
        for call in [session.send_transmit(SELECT) for _ in range(4)]:
            self.assertEqual(call.wait().hex(), "9000")

    def test_pending_bytes_of_a_session(self):
        self.start_with(BytesPerSession=65544)
        holder, session = self.session(), self.session()
        holder.begin()
        big = "80" * 40000
        waiting = session.send_transmit(big)
        self.assert_refused("LimitsExceeded", session.send_transmit(big))
        small = session.send_transmit(SELECT)
        self.assert_refused("LimitsExceeded", holder.send_many([big, big]))
        holder.end()
        self.assertEqual(waiting.wait().hex(), "6d00")
        self.assertEqual(small.wait().hex(), "9000")
        self.assertEqual(session.transmit("80" * 65544), "6D00")

    def test_calls_that_timed_out(self):
        self.start_with(CallsPerSession=4)
        holder, session = self.session(), self.session()
        holder.begin()
        for _ in range(3):
            for call in [session.send_begin(timeout_ms=0) for _ in range(4)]:
                self.assert_refused("Timeout", call)
        holder.end()
        session.begin()


if __name__ == "__main__":
    case.main()
