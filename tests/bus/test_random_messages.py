#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random D-Bus messages: the service does not crash, and keeps nothing of their sender."""

import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio

from scdtest.cases import case
from scdtest.cases.fuzz import PATHS, Values, methods
from scdtest.cases.sessions import SELECT, SessionTest
from scdtest.clients.recorder import NAME

SEED = 20260102
MESSAGES = 10000

# So few that the calls of a client that wait, with those that were just sent, do not reach the
# bus's limit of 128 pending replies.
BATCH = 50  # messages sent at once; then the service must respond
CLIENTS_EACH = 500  # messages of one client


class RandomMessages(SessionTest):
    readers = "AB"

    def send(self, client, values, dice, known):
        """Sends one message and ignores the reply."""
        path, interface, method, types = dice.choice(known)
        chance = dice.random()
        if chance < 0.03:
            path = dice.choice(PATHS)
        elif chance < 0.06:
            method += "x"
        elif chance < 0.08:
            interface = dice.choice(known)[1]
        message = Gio.DBusMessage.new_method_call(NAME, path, interface, method)
        message.set_body(values.arguments(types))
        if dice.random() < 0.1:
            message.set_flags(Gio.DBusMessageFlags.NO_REPLY_EXPECTED)
        client.connection.send_message(message, Gio.DBusSendMessageFlags.NONE)

    def test_random_messages(self):
        self.start()
        # Each of the two builds that are tested gets other messages.
        dice = random.Random(SEED + self.is_sanitized())
        values, user, to_sessions = Values(dice), self.client(), 0
        for number in range(0, MESSAGES, BATCH):
            if number % CLIENTS_EACH == 0 and number:
                self.leave(user)
                user = self.client()
            # Objects that random messages can be sent to.
            for reader in "AB":
                user.send_connect(user.reader("Reader " + reader), timeout_ms=100)
            known = [row for row in methods(user) if row[2] != "Introspect"]
            sessions = [row for row in known if row[1].endswith("Session")]
            for _ in range(BATCH):
                to_session = bool(sessions) and dice.random() < 0.4
                self.send(user, values, dice, sessions if to_session else known)
                to_sessions += to_session
            self.assertTrue(user.manager("Available"))
        self.assertGreater(to_sessions, MESSAGES / 10)
        self.leave(user)
        self.assertEqual(self.count_sessions(), 0)
        self.assertTrue(self.testbed.service.is_running())
        # New cards: the protocol of the old ones may be "raw", as any PC/SC program can set it.
        user = self.client()
        for reader in "AB":
            self.cards.remove(reader)
            user.wait_for_signal("CardRemoved", user.reader("Reader " + reader))
            self.cards.insert(reader)
            user.wait_for_signal("CardInserted", user.reader("Reader " + reader))
            self.assertEqual(self.session(reader).transmit(SELECT), "9000")


if __name__ == "__main__":
    case.main()
