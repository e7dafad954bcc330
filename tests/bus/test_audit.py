#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Audit messages in the journal: their fields, and who used which card."""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

from scdtest.cases import case, permissions
from scdtest.cases.permissions import ALICE, ALLOW, BOB, CARD, DENY_ALICE, VERIFY
from scdtest.fakes.journal import Journal

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPENED = "b32b14329c5e4241b8b4b35602adbcfe"
REFUSED = "65a4b809feaa4533ac71efd73cc04d8e"
REVOKED = "069ce482ef6346659b69c176d23b665f"
LIMIT = "34b829fcea15422a97dd22bdd1c585c6"
DROPPED = "3f6a9d0c5b1e4c0e8a7d2f94c6e1b853"
TAKEN = "ad66bcc26f324d58bf4c70b6fb49c72a"
PCSCD_LOST = "059ed11ac0c7416eb70ed4d1c537ee43"
PCSCD_BACK = "7f1f8c92c252452dafc194f8be84acfe"
NAME = "Simulated Reader A 00 00"
MESSAGES_PER_USER = 60
UNIT_QUERIES = 8  # pending at systemd

SYSTEMD = "org.freedesktop.systemd1"
SYSTEMD_XML = f"""<node><interface name="{SYSTEMD}.Manager"><method name="GetUnitByPID">
    <arg name="pid" type="u" direction="in"/><arg name="unit" type="o" direction="out"/>
    </method></interface></node>"""
BUS_POLICY = """<busconfig>
  <include>{policy}</include>
  <policy user="root"><allow own="{name}"/></policy>
  <policy context="default"><allow send_destination="{name}"/></policy>
</busconfig>"""


class AuditTest(permissions.PermissionTest):
    def setUp(self):
        super().setUp()
        self.daemon.start(ALLOW)
        self.journal = Journal()
        self.addCleanup(self.journal.close)
        self.set_log("LogTarget", "journal")

    def set_log(self, name, word):
        self.observer.call("/org/freedesktop/LogControl1", "org.freedesktop.DBus.Properties",
                           "Set", GLib.Variant("(ssv)", ("org.freedesktop.LogControl1", name,
                                                         GLib.Variant("s", word))))

    def assert_message(self, message, user, *words, reader=NAME):
        """Checks the user, the reader and the text of the message."""
        self.assertEqual((message.get("READER"), message["CLIENT_UID"], message["CLIENT_PID"]),
                         (reader, str(user.uid), str(user.pid)))
        for word in (*words, str(user.uid), str(user.pid), *filter(None, [reader])):
            self.assertIn(word, message["MESSAGE"])


class Messages(AuditTest):
    settings = "[Limits]\nSessionsPerUser=2\n[Transactions]\nIdleLimitSec=1\n"

    def test_session_opened_and_closed(self):
        alice = self.other_user(ALICE)
        session = self.connect(alice)
        session.transmit(VERIFY)
        message = self.journal.wait_for(OPENED)
        self.assert_message(message, alice, "uses")
        self.assertEqual(message["PRIORITY"], "6")
        self.assertNotIn("CLIENT_UNIT", message)

    def test_call_without_session(self):
        alice = self.other_user(ALICE)
        alice.call(self.card(), CARD, "TransmitHex", "(s)", VERIFY)
        self.assert_message(self.journal.wait_for(OPENED), alice, "uses")

    def test_denied_by_polkit(self):
        self.daemon.change_rule(DENY_ALICE)
        alice = self.other_user(ALICE)
        self.assert_refused("NotAuthorized", alice, self.send_connect(alice))
        message = self.journal.wait_for(REFUSED)
        self.assert_message(message, alice, "refused", "org.smartcardd1.connect")
        self.assertEqual(message["ACTION"], "org.smartcardd1.connect")
        self.assertEqual(self.journal.with_id(OPENED), [])

    def test_denied_without_polkit(self):
        self.daemon.stop()
        alice = self.other_user(ALICE)
        self.assert_refused("NotAuthorized", alice, self.send_connect(alice))
        self.assert_message(self.journal.wait_for(REFUSED), alice, "refused")

    def test_revoked_session(self):
        alice = self.other_user(ALICE)
        session = self.connect(alice)
        self.daemon.change_rule(DENY_ALICE)
        session.wait_for_closed()
        self.assert_message(self.journal.wait_for(REVOKED), alice, "no longer authorized")

    def test_exceeded_limit(self):
        alice = self.other_user(ALICE)
        for _ in range(2):
            self.connect(alice)
        self.assert_refused("LimitsExceeded", alice, self.send_connect(alice))
        self.assert_message(self.journal.wait_for(LIMIT), alice, "SessionsPerUser", reader=None)

    def test_idle_transaction_ended(self):
        alice, bob = self.other_user(ALICE), self.other_user(BOB)
        holder, other = self.connect(alice), self.connect(bob)
        holder.begin()
        number = other.send("BeginTransaction", "(a{sv})", {})
        self.assert_refused("ResetCard", bob, number)
        self.assert_message(self.journal.wait_for(TAKEN), alice, "too long")

    def test_pcscd_lost_and_back(self):
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.assertIn("pcscd", self.journal.wait_for(PCSCD_LOST)["MESSAGE"])
        self.start_pcscd()
        self.assertIn("pcscd", self.journal.wait_for(PCSCD_BACK)["MESSAGE"])
        since = len(self.observer.signals)
        self.simulator().remove("A")
        self.observer.wait_for_signal("CardRemoved", since=since)
        self.testbed.stop_pcscd()
        self.journal.wait_for(PCSCD_LOST, 2)
        self.assertEqual([len(self.journal.with_id(what)) for what in (PCSCD_LOST, PCSCD_BACK)],
                         [2, 1])

    def test_no_card_data(self):
        self.set_log("LogLevel", "debug")
        alice = self.other_user(ALICE)
        self.connect(alice).transmit(VERIFY)
        alice.call(self.card(), CARD, "TransmitHex", "(s)", VERIFY)
        self.journal.wait_for(OPENED, 2)
        self.assertNotIn(VERIFY[10:].upper(), repr(self.journal.messages).upper())

    def test_catalog_is_complete(self):
        """The texts use only fields that are always present."""
        with open(os.path.join(SOURCE, "data", "smartcardd.catalog"), encoding="utf-8") as file:
            texts = dict(re.findall(r"^-- (\w+)\n((?:(?!-- ).*\n?)*)", file.read(), re.M))
        client, reader = {"CLIENT_UID", "CLIENT_PID"}, {"READER"}
        self.assertEqual({number: set(re.findall("@([A-Z_]+)@", text))
                          for number, text in texts.items()},
                         {OPENED: client | reader, REFUSED: client | reader | {"ACTION"},
                          REVOKED: client | reader, LIMIT: client, TAKEN: client | reader,
                          DROPPED: {"CLIENT_UID", "DROPPED"},
                          PCSCD_LOST: set(), PCSCD_BACK: set()})


class MessageRateLimit(AuditTest):
    def test_one_user_leaves_room_for_others(self):
        alice = self.other_user(ALICE)
        for _ in range(MESSAGES_PER_USER + 10):
            self.connect(alice).close()
        bob = self.other_user(BOB)
        self.connect(bob)
        self.assert_message(self.journal.wait_for(OPENED, MESSAGES_PER_USER + 1), bob)
        told = self.journal.with_id(OPENED)
        self.assertIn("are dropped", told[MESSAGES_PER_USER - 1]["MESSAGE"])
        self.assertNotIn("are dropped", told[MESSAGES_PER_USER - 2]["MESSAGE"])


    def test_openings_hide_nothing_else(self):
        alice = self.other_user(ALICE)
        for _ in range(MESSAGES_PER_USER + 4):
            self.connect(alice).close()
        for _ in range(3):
            self.connect(alice, self.reader("B")).close()
        message = self.journal.wait_for(OPENED, MESSAGES_PER_USER + 3)
        self.assert_message(message, alice, reader="Simulated Reader B 01 00")
        session = self.connect(alice)
        self.daemon.change_rule(DENY_ALICE)
        session.wait_for_closed()
        self.assert_message(self.journal.wait_for(REVOKED), alice)
        for _ in range(MESSAGES_PER_USER + 2):
            self.assert_refused("NotAuthorized", alice, self.send_connect(alice))
        self.journal.wait_for(REFUSED, MESSAGES_PER_USER)
        self.testbed.stop_service()
        self.journal.wait_for(DROPPED, 2)
        self.assertEqual([(entry["CLIENT_UID"], entry["DROPPED"])
                          for entry in self.journal.with_id(DROPPED)],
                         [(str(alice.uid), "5"), (str(alice.uid), "2")])


class SystemdUnit(AuditTest):
    """The unit of the caller, which the service queries from systemd."""

    def start_bus(self):
        policy = os.path.join(self.testbed.folder, "policy.conf")
        with open(policy, "w", encoding="utf-8") as file:
            file.write(BUS_POLICY.format(
                policy=os.path.join(SOURCE, "data", "org.smartcardd1.conf"), name=SYSTEMD))
        self.testbed.start_bus(policy=policy)

    def start_systemd(self, answer):
        """answer: a function that replies to GetUnitByPID."""
        connection = self.recorder().connection
        connection.register_object(
            "/org/freedesktop/systemd1", Gio.DBusNodeInfo.new_for_xml(SYSTEMD_XML).interfaces[0],
            lambda *call: answer(call[5].unpack()[0], call[6]), None, None)
        connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName",
                             GLib.Variant("(su)", (SYSTEMD, 0)), None, Gio.DBusCallFlags.NONE, -1,
                             None)

    def test_unit_is_logged(self):
        asked = []

        def answer(pid, invocation):
            asked.append(pid)
            path = "/org/freedesktop/systemd1/unit/user_401000_2eservice"
            invocation.return_value(GLib.Variant("(o)", (path,)))
        self.start_systemd(answer)
        alice = self.other_user(ALICE)
        self.connect(alice)
        message = self.journal.wait_for(OPENED)
        self.assert_message(message, alice, "user@1000.service")
        self.assertEqual((message["CLIENT_UNIT"], asked), ("user@1000.service", [alice.pid]))
        entry, = self.list_sessions(alice)
        self.assertEqual((entry["pid"], entry["unit"]), (alice.pid, "user@1000.service"))

    def test_unit_is_unknown(self):
        self.start_systemd(lambda _pid, invocation: invocation.return_dbus_error(
            SYSTEMD + ".NoUnitForPID", "no unit"))
        alice = self.other_user(ALICE)
        self.connect(alice)
        self.assertNotIn("CLIENT_UNIT", self.journal.wait_for(OPENED))
        entry, = self.list_sessions(alice)
        self.assertNotIn("unit", entry)

    def test_systemd_does_not_reply(self):
        """Only the message waits for systemd, not the call."""
        self.start_systemd(lambda _pid, _invocation: None)
        alice = self.other_user(ALICE)
        self.connect(alice).close()
        self.assertEqual(self.journal.messages, [])
        self.testbed.stop_service()
        self.assert_message(self.journal.wait_for(OPENED), alice)

    def test_one_query_for_each_client(self):
        """All messages about a client wait for the reply to the first one's query."""
        asked = []
        self.start_systemd(lambda pid, invocation: asked.append((pid, invocation)))
        alice = self.other_user(ALICE)
        for _ in range(3):
            self.connect(alice).close()
        (pid, invocation), = asked
        self.assertEqual((pid, self.journal.messages), (alice.pid, []))
        path = "/org/freedesktop/systemd1/unit/user_401000_2eservice"
        invocation.return_value(GLib.Variant("(o)", (path,)))
        self.journal.wait_for(OPENED, 3)
        self.connect(alice)
        self.journal.wait_for(OPENED, 4)
        self.assertEqual([message["CLIENT_UNIT"] for message in self.journal.with_id(OPENED)],
                         ["user@1000.service"] * 4)
        self.assertEqual(len(asked), 1)

    def test_pending_queries_are_limited(self):
        """They use up few of the calls that the bus allows the service, even after their limit."""
        asked = []
        self.start_systemd(lambda pid, _invocation: asked.append(pid))
        first = [self.other_user(ALICE) for _ in range(UNIT_QUERIES)]
        for user in first:
            self.connect(user).close()
        self.journal.wait_for(OPENED, UNIT_QUERIES)
        bob = self.other_user(BOB)
        self.connect(bob)
        self.assert_message(self.journal.wait_for(OPENED, UNIT_QUERIES + 1), bob)
        self.assertEqual(asked, [user.pid for user in first])


if __name__ == "__main__":
    case.main()
