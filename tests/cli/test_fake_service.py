#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl, and a service that says whatever it likes."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import CONTROL, NO_SERVICE, REFUSED, CliTest
from scdtest.fakes.fake_service import READER_PATH, FakeService

UGLY = "a\x1b[31m\x07\x7f\x9b2J\nb\u202ec\u2028d\te"


class UntrustedText(CliTest):
    """Whatever names hold, a terminal has nothing to obey, and a line stays one line."""

    def start_fake_service(self, **options):
        self.testbed.start_bus()
        service = FakeService.of_text(UGLY, **options)
        self.addCleanup(service.close)
        return service

    def assert_obeys_nothing(self, lines):
        for line in lines:
            self.assertNotRegex(line.replace("\t", ""), CONTROL)

    def test_list(self):
        self.start_fake_service()
        for columns in (400, 20):
            self.assert_obeys_nothing(self.run_to_end("list", columns=columns).screen)
        (line,) = self.run_to_end("list").lines
        escaped = "a\\u001b[31m\\u0007\\u007f\\u009b2J\\u000ab\\u202ec\\u2028d\\u0009e"
        self.assertEqual(line.split("\t"), [escaped, "card", "3B001B", "unknown card, " + escaped,
                                            escaped, escaped, "-"])

    def test_status(self):
        self.start_fake_service()
        for columns in (None, 80):
            program = self.run_to_end("status", columns=columns)
            self.assert_obeys_nothing(program.shown)
            self.assertEqual(len(program.lines), 17)
            for command in (["show"], ["report"], ["report", "--serials"]):
                self.assert_obeys_nothing(self.run_to_end(*command, columns=columns).shown)

    def test_json(self):
        self.start_fake_service()
        program = self.run_to_end("--json", "list")
        self.assertNotRegex(program.output, CONTROL)
        self.assertNotRegex(self.run_to_end("--json", "report").output, CONTROL)
        (reader,) = json.loads(program.output)
        self.assertEqual((reader["name"], reader["card"]["protocols"]), (UGLY, [UGLY]))

    def test_monitor(self):
        self.start_fake_service()
        for options in ([], ["--json"]):
            for columns in (None, 80):
                monitor = self.start("monitor", *options, columns=columns)
                monitor.wait_for("card")
                monitor.wait_for("3B")
                monitor.send_signal(signal.SIGTERM)
                self.assertEqual(monitor.wait(), 0)
                self.assert_obeys_nothing(monitor.shown)

    def test_reason_of_trouble(self):
        self.start_fake_service(available=False)
        self.assert_one_line(self.run_to_end("list", status=NO_SERVICE).errors,
                             "smartcardd cannot reach pcscd")

    def test_errors(self):
        service = self.start_fake_service()
        for error, status, word in (
                ("org.freedesktop.DBus.Error.InvalidArgs", 1, "smartcardctl: a\\u001b"),
                ("org.smartcardd1.Error.Unheard", 1, "smartcardctl: a\\u001b"),
                ("org.freedesktop.DBus.Error.LimitsExceeded", 1, "a limit of smartcardd"),
                ("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", REFUSED,
                 "you have to authenticate"),
                ("org.smartcardd1.Error.NotAuthorized", REFUSED, "you are not allowed"),
                ("org.freedesktop.DBus.Error.AccessDenied", REFUSED, "denies this user access"),
                ("org.freedesktop.DBus.Error.NoReply", NO_SERVICE, "cannot reach smartcardd"),
                ("org.freedesktop.systemd1.UnitMasked", NO_SERVICE, "cannot reach smartcardd"),
                ("org.freedesktop.DBus.Error.UnknownMethod", NO_SERVICE, "is too old")):
            service.error = error
            program = self.run_to_end("control", READER_PATH, "1", status=status)
            self.assert_one_line(program.errors, word)


if __name__ == "__main__":
    case.main()
