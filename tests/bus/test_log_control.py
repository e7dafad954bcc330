#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Log level and log target (org.freedesktop.LogControl1), and the status text of systemd."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.clients.other_user import CallError
from scdtest.fakes.journal import Journal
from scdtest.testbed.events import NotifySocket
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import NOTIFY_SOCKET, simulated_reader

PATH, INTERFACE = "/org/freedesktop/LogControl1", "org.freedesktop.LogControl1"
PROPERTIES = "org.freedesktop.DBus.Properties"


class LogControl(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        os.environ.pop("G_MESSAGES_DEBUG", None)

    def start(self, **options):
        self.testbed.start_service("--card-list", "/nothing", **options)
        self.client = self.recorder()

    def get(self, name):
        return self.client.get(PATH, INTERFACE, name)

    def set(self, name, word):
        self.client.call(PATH, PROPERTIES, "Set",
                         GLib.Variant("(ssv)", (INTERFACE, name, GLib.Variant("s", word))))

    def test_properties(self):
        self.start()
        self.assertEqual([self.get(name) for name in ("LogLevel", "LogTarget", "SyslogIdentifier")],
                         ["info", "auto", "smartcardd"])
        self.assertIn("No card list", self.testbed.service.output)
        for level in ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"):
            self.set("LogLevel", level)
            self.assertEqual(self.get("LogLevel"), level)
        for target in ("journal", "console", "null", "auto"):
            self.set("LogTarget", target)
            self.assertEqual(self.get("LogTarget"), target)

    def test_debugging_by_environment(self):
        self.start(environment={"G_MESSAGES_DEBUG": "all"})
        self.assertEqual(self.get("LogLevel"), "debug")

    def test_invalid_values(self):
        self.start()
        for name in ("LogLevel", "LogTarget"):
            for word in ("", "loud", "info "):
                with self.assertRaisesRegex(GLib.Error, "InvalidArgs.*'" + word + "'"):
                    self.set(name, word)
        with self.assertRaises(GLib.Error):
            self.set("SyslogIdentifier", "somebody")
        self.assertEqual((self.get("LogLevel"), self.get("LogTarget")), ("info", "auto"))

    def test_only_root_may(self):
        self.start()
        user = self.other_user("nobody")
        self.assertEqual(user.call(PATH, PROPERTIES, "Get", "(ss)", INTERFACE, "LogLevel"),
                         ["info"])
        with self.assertRaisesRegex(CallError, "AccessDenied"):
            user.call("/org/smartcardd1", PROPERTIES, "Set", "(sss)", INTERFACE, "LogLevel", "err")

    def test_level_and_target_are_used(self):
        """The loss of pcscd is logged as a warning, its return as a notice."""
        self.testbed.start_pcscd()
        self.start()
        self.set("LogLevel", "warning")
        self.lose_pcscd_and_get_it_back()
        self.assertIn("pcscd: ", self.testbed.service.output)
        self.assertNotIn("reached again", self.testbed.service.output)

        self.set("LogLevel", "notice")
        self.lose_pcscd_and_get_it_back()
        self.assertIn("reached again", self.testbed.service.output)

        journal, written = Journal(), len(self.testbed.service.output)
        self.addCleanup(journal.close)
        self.set("LogTarget", "journal")
        self.lose_pcscd_and_get_it_back()
        self.client.wait(lambda: len(journal.messages) == 2, "both are in the journal")
        self.set("LogTarget", "null")
        self.lose_pcscd_and_get_it_back()
        self.assertEqual(len(self.testbed.service.output), written)

    def lose_pcscd_and_get_it_back(self):
        self.testbed.stop_pcscd()
        self.client.wait_for_state(lambda client: not client.manager("Available"), "pcscd is away")
        self.testbed.start_pcscd()
        self.client.wait_for_state(lambda client: client.manager("Available"), "pcscd is back")
        self.get("LogLevel")  # it logs this before it replies


class StatusText(case.TestBedTest):
    def test_status_text(self):
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader("A"), simulated_reader("B")])
        self.testbed.start_service()
        systemd = NotifySocket(NOTIFY_SOCKET)
        self.addCleanup(systemd.close)
        client, cards = self.recorder(), self.simulator()
        cards.insert("A", ATR)
        systemd.wait_for("STATUS=2 readers, 1 card, 0 sessions")
        client.call(client.reader("Reader B"), "org.smartcardd1.Reader", "Connect",
                    GLib.Variant("(sasa{sv})", ("direct", [], {})))
        systemd.wait_for("STATUS=2 readers, 1 card, 1 session")
        client.close()
        systemd.wait_for("STATUS=2 readers, 1 card, 0 sessions")
        self.testbed.stop_pcscd()
        systemd.wait_for_line_with("pcscd")


if __name__ == "__main__":
    case.main()
