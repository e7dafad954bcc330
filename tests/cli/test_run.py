#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl run: a program as it is, and its cards over the bus."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import HINT, USAGE, CliTest
from scdtest.testbed import translation
from scdtest.testbed.testbed import built

NOT_FOUND, CANNOT_RUN = 127, 126
PACKAGE = "(install the package smartcardd-pcsc)"


class Run(CliTest):
    def setUp(self):
        super().setUp()
        self.folder = built("libpcsclite-dbus")
        self.library = os.path.join(self.folder, "libpcsclite-dbus.so.1")
        self.environment = {"SMARTCARDCTL_LIBRARY_DIR": self.folder}

    def run_program(self, *command, status=0, **environment):
        return self.run_to_end("run", *command, status=status,
                               environment={**self.environment, **environment})

    def test_card_over_the_bus(self):
        """To whoever would go there directly, pcscd is not there."""
        orders = "connect shared A 00 00\ntransmit 8010000003010203\n"
        nowhere = {**self.environment, "PCSCLITE_CSOCK_NAME": "/nowhere"}
        self.start_testbed("A")
        self.insert("A")
        program = self.start("run", "--", built("tests/pcsc-client/scd-pcsc-client"), text=orders,
                             environment=nowhere)
        program.wait()
        self.assertEqual(program.lines, ["ok", "ok 0102039000"])

    def test_environment(self):
        show = ("sh", "-c", 'echo "$LIBPCSCLITE_DELEGATE"; echo "$LD_LIBRARY_PATH"')
        self.assertEqual(self.run_program(*show, LD_LIBRARY_PATH="").lines,
                         [self.library, self.folder])
        self.assertEqual(self.run_program(*show, LD_LIBRARY_PATH="/a:/b").lines,
                         [self.library, self.folder + ":/a:/b"])

    def test_arguments_are_the_programs(self):
        for arguments in (["--json", "--help", "--", "-h", "--raw=1", ""], ["--"], []):
            for dashes in ([], ["--"]):
                program = self.run_program(*dashes, "printf", "<%s>", *arguments)
                self.assertEqual(program.output,
                                 "".join(f"<{word}>" for word in arguments) or "<>")

    def test_status(self):
        self.run_program("sh", "-c", "exit 42", status=42)
        for command, status in (("/nowhere/program", NOT_FOUND), ("nowhere", NOT_FOUND),
                                ("/", CANNOT_RUN)):
            self.assert_one_line(self.run_program(command, status=status).errors, command)

    def test_check(self):
        """Without a service, without the library, and when all is there."""
        self.start_testbed("A")
        self.assertEqual(self.run_program("--check").lines,
                         ["The library can be loaded: " + self.library, "smartcardd can be reached"])
        program = self.run_program("--check", status=1, SMARTCARDCTL_LIBRARY_DIR="/nowhere")
        self.assert_one_line(program.errors, "/nowhere/libpcsclite-dbus.so.1", PACKAGE)
        program = self.run_program("--check", status=1,
                                   DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nowhere")
        self.assert_one_line(program.errors, "cannot reach smartcardd (see 'systemctl")
        self.run_program("--check", "true", status=USAGE)

    def test_check_in_each_language(self):
        self.start_testbed("A")
        for language in translation.languages():
            if translation.why_not(language):
                self.skipTest(translation.why_not(language))
            speak = translation.catalog(language).gettext
            locale = translation.environment(language)
            texts = ("The library can be loaded: %s", "smartcardd can be reached",
                     "cannot read the library",
                     "cannot reach smartcardd (see 'systemctl status smartcardd')")
            for text in texts:
                self.assertNotEqual(speak(text), text)
            loaded = speak(texts[0]) % self.library
            self.assertEqual(self.run_program("--check", **locale).lines, [loaded, speak(texts[1])])
            program = self.run_program("--check", status=1, SMARTCARDCTL_LIBRARY_DIR="/nowhere",
                                       **locale)
            self.assert_one_line(program.errors, speak(texts[2]))
            program = self.run_program("--check", status=1,
                                       DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nowhere", **locale)
            self.assert_one_line(program.errors, speak(texts[3]))

    def test_check_of_a_service_that_does_not_answer(self):
        self.start_testbed("A")
        self.testbed.service.send_signal(signal.SIGSTOP)
        self.addCleanup(self.testbed.service.send_signal, signal.SIGCONT)
        program = self.start("run", "--check", columns=80, environment=self.environment)
        program.wait_for("Waiting for smartcardd.", HINT)
        program.type("\x03")
        self.assertEqual(program.wait(), -signal.SIGINT)

    def test_usage(self):
        for arguments in ([], ["--"], ["--unknown", "true"]):
            self.run_program(*arguments, status=USAGE)

    def test_without_the_library(self):
        program = self.run_program("true", status=CANNOT_RUN, SMARTCARDCTL_LIBRARY_DIR="/nowhere")
        self.assert_one_line(program.errors, "/nowhere/libpcsclite-dbus.so.1", PACKAGE)


if __name__ == "__main__":
    case.main()
