#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ListSessions and CloseSession, and calls on objects that are gone or never were."""

import os
import pwd
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, permissions
from scdtest.cases.permissions import (ALICE, ALLOW, BOB, CARD, IS_VERIFIED, MANAGER, MANAGER_PATH,
                                       NOT_VERIFIED, READER, ROOT, SESSION, VERIFIED, VERIFY)


class SessionListTest(permissions.PermissionTest):
    settings = "[Limits]\nSessionsPerUser=1\n"

    def setUp(self):
        super().setUp()
        self.daemon.start(ALLOW)
        self.alice, self.bob, self.root = (self.other_user(name) for name in (ALICE, BOB, ROOT))

    def send_close(self, user, path):
        return user.send(MANAGER_PATH, MANAGER, "CloseSession", "(o)", path)


class ListSessions(SessionListTest):
    def test_entry(self):
        before = time.time_ns() // 1000
        session = self.connect(self.alice)
        session.begin()
        entry, = self.list_sessions(self.alice)
        self.assertTrue(before <= entry.pop("since") <= time.time_ns() // 1000)
        self.assertEqual(entry, {
            "session": session.path, "reader": self.reader(), "uid": pwd.getpwnam(ALICE).pw_uid,
            "pid": self.alice.pid, "share-mode": "shared", "in-transaction": True})

    def test_who_sees_whose(self):
        paths = [self.connect(user).path for user in (self.alice, self.bob)]
        self.assertEqual([e["session"] for e in self.list_sessions(self.alice)], paths[:1])
        self.assertEqual([e["session"] for e in self.list_sessions(self.bob)], paths[1:])
        self.assertEqual(sorted(e["session"] for e in self.list_sessions(self.root)), sorted(paths))
        second = self.other_user(ALICE)
        self.assertEqual([e["session"] for e in self.list_sessions(second)], paths[:1])

    def test_close_of_another_program(self):
        """The place in the limit is free afterwards."""
        session = self.connect(self.alice)
        self.assertEqual(session.transmit(VERIFY), "9000")
        second = self.other_user(ALICE)
        self.assert_refused("LimitsExceeded", second, self.send_connect(second))
        second.wait_for(self.send_close(second, session.path))
        self.assertEqual(session.wait_for_closed(), "closed-by-user")
        self.assertEqual(self.list_sessions(self.root), [])
        self.assertEqual(self.connect(second).transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_close_while_calls_wait(self):
        holder, session = self.connect(self.bob), self.connect(self.alice)
        holder.begin()
        waiting = session.send("Transmit", "(aya{sv})", list(bytes.fromhex(VERIFY)), {})
        self.wait_until_seen(self.alice)
        self.root.wait_for(self.send_close(self.root, session.path))
        self.assert_refused("Cancelled", self.alice, waiting)
        holder.end()
        self.assertEqual(holder.transmit(IS_VERIFIED), NOT_VERIFIED)

    def test_of_another_user(self):
        session = self.connect(self.alice)
        self.assert_refused("NotOwner", self.bob, self.send_close(self.bob, session.path))
        self.assertEqual(session.transmit(VERIFY), "9000")
        self.assertEqual(session.transmit(IS_VERIFIED), VERIFIED)
        self.root.wait_for(self.send_close(self.root, session.path))
        self.assertEqual(session.wait_for_closed(), "closed-by-user")

    def test_close_of_what_is_none(self):
        session = self.connect(self.alice)
        session.close()
        self.assert_refused("InvalidHandle", self.alice,
                            self.send_close(self.alice, session.path))
        for path in ("/", self.reader(), "/org/smartcardd1/sessions/x",
                     "/org/smartcardd1/sessions/" + "9" * 200):
            self.assert_refused("UnknownObject", self.alice, self.send_close(self.alice, path))


class Holders(SessionListTest):
    """SharingViolation names who has the card, to root and to the same user."""

    settings = ""

    def setUp(self):
        super().setUp()
        self.second = self.other_user(ALICE)

    def check(self, holder, send):
        """send: a function that makes a call of a user that is refused."""
        words = f"process {self.alice.pid} of user {self.alice.uid} has session {holder.path}"
        for user, is_told in ((self.second, True), (self.root, True), (self.bob, False)):
            name, message = self.refusal(user, send(user))
            self.assertEqual((name, words in message), ("SharingViolation", is_told), message)
            self.assertEqual(holder.path in message, is_told)

    def test_exclusive_use(self):
        holder = self.connect(self.alice, share_mode="exclusive")
        self.check(holder, self.send_connect)
        self.check(holder, lambda user: user.send(self.card(), CARD, "TransmitHex", "(s)",
                                                  IS_VERIFIED))

    def test_request_for_exclusive_use(self):
        holder = self.connect(self.alice)
        self.check(holder, lambda user: self.send_connect(user, share_mode="exclusive"))

    def test_calls_of_sessions(self):
        sessions = {user: self.connect(user, share_mode="direct")
                    for user in (self.second, self.root, self.bob)}
        holder = self.connect(self.alice)
        holder.begin()
        self.check(holder, lambda user: sessions[user].send("GetAttribute", "(ua{sv})", 0x90303,
                                                            {}))


class GoneObjects(SessionListTest):
    def send_one_shot(self, path):
        return self.alice.send(path, CARD, "TransmitHex", "(s)", IS_VERIFIED)

    def test_closed_session(self):
        session = self.connect(self.alice)
        session.close()
        self.assert_refused("InvalidHandle", self.alice, session.send("GetStatus"))
        name, message = self.refusal(self.alice, session.send("BeginTransaction", "(a{sv})", {}))
        self.assertEqual(name, "InvalidHandle")
        self.assertIn(f"The session {session.path} is closed", message)

    def test_removed_card(self):
        path = self.card()
        self.cards.remove("A")
        self.observer.wait_for_signal("CardRemoved", self.reader())
        for number in (self.send_one_shot(path), self.send_connect(self.alice, path)):
            self.assert_refused("RemovedCard", self.alice, number)

    def test_never_there(self):
        for folder, interface, call in (
                ("cards", CARD, ("TransmitHex", "(s)", IS_VERIFIED)),
                ("readers", READER, ("Connect", "(sasa{sv})", "shared", [], {})),
                ("sessions", SESSION, ("Transmit", "(aya{sv})", [0], {}))):
            for name in ("x", "0", "9" * 40, "x" * 10000):
                number = self.alice.send(f"/org/smartcardd1/{folder}/{name}", interface, *call)
                error, message = self.refusal(self.alice, number)
                self.assertEqual(error, "UnknownObject", (folder, name[:40]))
                self.assertLess(len(message), 1000)

    def test_numbers_after_a_restart(self):
        """A late call must not reach the session of another program."""
        session = self.connect(self.alice)
        self.testbed.stop_service()
        self.testbed.start_service("--config", os.path.join(self.testbed.folder,
                                                            "smartcardd.conf"))
        self.observer.wait_for_state(lambda c: len(c.readers()) == 2, "the readers are back")
        fresh = self.connect(self.alice)
        self.assertGreater(int(fresh.path.rsplit("/")[-1]), int(session.path.rsplit("/")[-1]))
        name, _ = self.refusal(self.alice, session.send("GetStatus"))
        self.assertIn(name, ("UnknownObject", "InvalidHandle"))


if __name__ == "__main__":
    case.main()
