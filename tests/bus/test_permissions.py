#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Permissions: the polkit action that each method needs, and who may use a session."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, permissions
from scdtest.cases.permissions import (ALICE, ALLOW, BOB, CARD, DENY_ALICE, IS_VERIFIED,
                                       NOT_VERIFIED, READER, ROOT, SESSION, VENDOR_CODE, VERIFIED,
                                       VERIFY, VERIFY_PIN_DIRECT)
from scdtest.clients.methods import short_name
from scdtest.clients.other_user import CallError
from scdtest.clients.program import Program
from scdtest.testbed import events
from scdtest.testbed.simulator import ATR

PREFIX = "org.smartcardd1."
COMMAND = list(bytes.fromhex(IS_VERIFIED))
FRIENDLY_NAME = 0x7FFF0003  # an attribute: SCARD_ATTR_DEVICE_FRIENDLY_NAME
REFUSALS = ("NotAuthorized", "InteractiveAuthorizationRequired")
PROPERTIES = "org.freedesktop.DBus.Properties"

# All methods of a reader, a card and a session: the action it needs, and arguments.
ON_READER = [
    ("connect", "Connect", "(sasa{sv})", "shared", [], {}),
    ("connect", "Connect", "(sasa{sv})", "direct", [], {}),
    ("exclusive", "Connect", "(sasa{sv})", "exclusive", [], {}),
    ("connect", "Control", "(uaya{sv})", VERIFY_PIN_DIRECT, [], {}),
    ("control", "Control", "(uaya{sv})", VENDOR_CODE, [], {}),
    ("connect", "GetAttribute", "(u)", FRIENDLY_NAME),
    ("manage", "SetAlias", "(sa{sv})", "desk", {}),
]
ON_CARD = [
    ("connect", "Connect", "(sasa{sv})", "shared", [], {}),
    ("exclusive", "Connect", "(sasa{sv})", "exclusive", [], {}),
    ("connect", "Transmit", "(aya{sv})", COMMAND, {}),
    ("connect", "TransmitMany", "(aaya{sv})", [COMMAND], {}),
    ("connect", "TransmitHex", "(s)", IS_VERIFIED),
    ("connect", "TransmitManyHex", "(as)", [IS_VERIFIED]),
]
ON_SESSION = [
    (None, "Transmit", "(aya{sv})", COMMAND, {}),
    (None, "TransmitMany", "(aaya{sv})", [COMMAND], {}),
    (None, "BeginTransaction", "(a{sv})", {}),
    (None, "EndTransaction", "(s)", "leave"),
    (None, "GetStatus", "()"),
    (None, "GetAttribute", "(u)", FRIENDLY_NAME),
    (None, "Control", "(uay)", VERIFY_PIN_DIRECT, []),
    ("control", "Control", "(uay)", VENDOR_CODE, []),
    ("control", "SetAttribute", "(uay)", FRIENDLY_NAME, [1]),
    (None, "VerifyPin", "(aya{sv}a{sv})", list(bytes.fromhex(VERIFY)), {}, {}),
    (None, "ModifyPin", "(aya{sv}a{sv})", list(bytes.fromhex(VERIFY)), {}, {}),
    (None, "Reconnect", "(sass)", "shared", [], "leave"),
    ("exclusive", "Reconnect", "(sass)", "exclusive", [], "leave"),
    (None, "Close", "(s)", "leave"),
]


class Methods(permissions.PermissionTest):
    """Calls each method as each user, with one action denied; the others are allowed."""

    def refusal_of(self, user, path, interface, call):
        """Returns the error if the call is not authorized; None if it is, even if it fails."""
        try:
            answer = user.call(path, interface, *call)
        except CallError as error:
            return error.message if short_name(error.name) in REFUSALS else None
        if call[0] == "Connect":
            permissions.OtherUserSession(user, answer[0]).close()
        return None

    def check(self, user, path, interface, calls, refused, words):
        for action, *call in calls:
            refusal = self.refusal_of(user, path, interface, call)
            self.assertEqual(refusal is not None, action == refused, (user.name, call))
            if refusal:
                self.assertIn("'Simulated Reader A 00 00'", refusal)
                self.assertIn(f"(polkit action {PREFIX}{refused})", refusal)
                self.assertIn(words, refusal)

    def check_all(self, action):
        """Checks all methods while one user is denied and another one must authenticate."""
        self.daemon.start(f"""
            if (action.id != "{PREFIX}{action}")
                return polkit.Result.YES;
            return subject.user == "{ALICE}" ? polkit.Result.NO : polkit.Result.AUTH_ADMIN;
        """)
        reader, card = self.reader(), self.card()
        for user, words in ((ALICE, "ask the administrator"), (BOB, "has to authenticate"),
                            (ROOT, None)):
            client = self.other_user(user)
            refused = action if words else ""
            self.check(client, reader, READER, ON_READER, refused, words)
            self.check(client, card, CARD, ON_CARD, refused, words)
            mode = "exclusive" if refused == "connect" else "shared"
            session = self.connect(client, share_mode=mode)
            self.check(client, session.path, SESSION, ON_SESSION, refused, words)

    def test_connect(self):
        self.check_all("connect")

    def test_exclusive(self):
        self.check_all("exclusive")

    def test_control(self):
        self.check_all("control")

    def test_manage(self):
        self.check_all("manage")


class RulesByReader(permissions.PermissionTest):
    def test_by_name_and_by_atr(self):
        self.daemon.start(f"""
            if (subject.user == "{ALICE}" && action.lookup("atr") == "{ATR}")
                return polkit.Result.YES;
            if (subject.user == "{BOB}" && /Reader B/.test(action.lookup("reader")))
                return polkit.Result.YES;
            return polkit.Result.NO;
        """)
        for name, allowed, refused in ((ALICE, "A", "B"), (BOB, "B", "A")):
            user = self.other_user(name)
            session = self.connect(user, self.reader(allowed))
            self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
            self.connect(user, self.card(allowed))
            for path in (self.reader(refused), self.card(refused)):
                self.assert_refused("NotAuthorized", user, self.send_connect(user, path))

    def test_rule_for_another_card_in_the_reader(self):
        self.daemon.start(f'return action.lookup("atr") == "{ATR}" ? polkit.Result.YES'
                          " : polkit.Result.NO;")
        user = self.other_user(ALICE)
        self.connect(user).close()
        self.cards.swap("A", permissions.OTHER_ATR)
        self.observer.wait_for_signal("CardInserted", self.reader())
        self.assert_refused("NotAuthorized", user, self.send_connect(user))


class SessionOwners(permissions.PermissionTest):
    def test_only_the_owner_may_use_a_session(self):
        self.daemon.start(ALLOW)
        session = self.connect(self.other_user(ALICE))
        others = [self.other_user(name) for name in (ALICE, BOB, ROOT)]
        for other in others:
            calls = [(SESSION, *call) for _, *call in ON_SESSION]
            calls += [(PROPERTIES, "Get", "(ss)", SESSION, "Card"),
                      (PROPERTIES, "GetAll", "(s)", SESSION)]
            for call in calls:
                self.assert_refused("NotOwner", other, other.send(session.path, *call))
        self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
        session.close()
        self.assertEqual(session.wait_for_closed(), "closed")
        for other in others:
            self.connect(other).close()
            self.assertEqual([path for path, *_ in other.signals if path == session.path], [])

    def test_owner_killed_in_a_transaction(self):
        self.daemon.start(ALLOW)
        alice, bob = self.other_user(ALICE), self.other_user(BOB)
        mine, waiting = self.connect(alice), self.connect(bob)
        mine.begin()
        self.assertEqual(mine.transmit(VERIFY), VERIFIED)
        self.assertEqual(mine.transmit(IS_VERIFIED), VERIFIED)
        number = waiting.send("BeginTransaction", "(a{sv})", {})
        alice.leave()
        self.assert_refused("ResetCard", bob, number)
        waiting.reconnect()
        self.assertEqual(waiting.transmit(IS_VERIFIED), NOT_VERIFIED)


class LimitsOfUsers(permissions.PermissionTest):
    settings = "[Limits]\nSessionsPerUser=2\n"

    def test_each_user_has_separate_limits(self):
        self.daemon.start(ALLOW)
        alice, also_alice = self.other_user(ALICE), self.other_user(ALICE)
        first = self.connect(alice)
        self.connect(also_alice)
        for user in (alice, also_alice):
            self.assert_refused("LimitsExceeded", user, self.send_connect(user))
            self.assert_refused("LimitsExceeded", user,
                                user.send(self.card(), CARD, "TransmitHex", "(s)", IS_VERIFIED))
        for name in (BOB, ROOT):
            user = self.other_user(name)
            for _ in range(2):
                self.connect(user)
            self.assert_refused("LimitsExceeded", user, self.send_connect(user))
        first.close()
        self.connect(alice)

    def test_refused_and_revoked_sessions_do_not_count(self):
        self.daemon.start(DENY_ALICE)
        alice = self.other_user(ALICE)
        for _ in range(3):
            self.assert_refused("NotAuthorized", alice, self.send_connect(alice))
        self.daemon.change_rule(ALLOW)
        sessions = [self.connect(alice) for _ in range(2)]
        self.daemon.change_rule(DENY_ALICE)
        for session in sessions:
            self.assertEqual(session.wait_for_closed(), "revoked")
        self.daemon.change_rule(ALLOW)
        for _ in range(2):
            self.connect(alice)


class NumberOfPolkitChecks(permissions.PermissionTest):
    """The number of checks that the service sends to polkit."""

    def setUp(self):
        super().setUp()
        self.daemon.start(ALLOW)
        # On a terminal its output is not buffered.
        self.monitor = Program(["dbus-monitor", "--system", "type='method_call',"
                                "interface='org.freedesktop.PolicyKit1.Authority'"], columns=200)
        self.addCleanup(self.monitor.close)
        self.wait_for_output("member=NameLost")  # it has become a monitor
        self.alice = self.other_user(ALICE)

    def wait_for_output(self, words):
        events.wait_until(lambda: words in self.monitor.output, words + " from dbus-monitor")

    def questions(self):
        """Returns their actions in order, up to one about "control", which must come."""
        self.wait_for_output(f'"{PREFIX}control"')
        return re.findall(rf'string "{PREFIX}(\w+)"', self.monitor.output)

    def test_one_check_for_a_session_and_none_for_transmit(self):
        session = self.connect(self.alice)
        for _ in range(10):
            session.begin()
            session.transmit(IS_VERIFIED)
            session.end()
        session.reconnect()
        session.control(VERIFY_PIN_DIRECT)
        for _ in range(2):
            session.reconnect("exclusive")
        session.close()
        self.alice.call(self.card(), CARD, "TransmitHex", "(s)", IS_VERIFIED)
        for _ in range(2):
            self.connect(self.other_user(ROOT)).control(VENDOR_CODE)
        session = self.connect(self.alice)
        for _ in range(2):
            session.control(VENDOR_CODE)
        self.assertEqual(self.questions(),
                         ["connect", "exclusive", "connect", "connect", "control"])


if __name__ == "__main__":
    case.main()
