#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ctrl-C and SIGTERM while a command of smartcardctl waits."""

import os
import signal
import sys

from gi.repository import GLib

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import HINT, IS_VERIFIED, SELECT, VERIFY, CardTest, CliTest
from scdtest.clients.pcsc_client import PcscClient
from scdtest.fakes.fake_service import FakeService, card, objects, reader
from scdtest.testbed import events

WAITING = "Waiting: another program may be using the reader."
CARD_WORKS = "Waiting for the card to respond."
NAMED = "reader 'A 00 00': "
NOT_SENT = NAMED + "stopped; the command was not sent"
SENT = NAMED + "stopped; the command was sent, its result is unknown"


class BusyCard(CardTest):
    """Another program has a transaction."""

    def setUp(self):
        super().setUp()
        self.holder = PcscClient()
        self.addCleanup(self.holder.close)
        self.holder.do("connect", "shared", "A 00 00")
        self.holder.do("begin")

    def start_waiting(self, *arguments, **options):
        program = self.start(*arguments, columns=120, **options)
        program.wait_for(WAITING, HINT)
        return program

    def assert_verify_was_not_sent(self):
        """The next command is the only one that the card has received."""
        before = self.sent()
        self.holder.do("end")
        self.assertEqual(self.transmit(IS_VERIFIED).output, "6982\n")
        self.assertEqual(self.sent(), before + 1)

    def test_terminal(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.stop(self.start_waiting("transmit", "A 00 00", VERIFY), number, NOT_SENT)
            self.stop(self.start_waiting("reset"), number, NOT_SENT)
            self.stop(self.start_waiting("attributes"), number, NAMED + "stopped")
        self.assert_verify_was_not_sent()

    def test_pipe(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            in_pipe = self.start("transmit", "A 00 00", VERIFY)
            self.stop(self.start_waiting("reset"), number, NOT_SENT)  # both have waited as long
            in_pipe.send_signal(number)
            self.assertEqual(in_pipe.wait(), -number)
            self.assertEqual(in_pipe.output, "")
            self.assert_one_line(in_pipe.errors, NOT_SENT)
        self.assert_verify_was_not_sent()

    def test_script_stops_at_its_first_line(self):
        with open("/run/scd/script", "w", encoding="ascii") as file:
            file.write(f"{SELECT}\n{VERIFY}\n")
        self.stop(self.start_waiting("script", "/run/scd/script"), signal.SIGINT, NOT_SENT)
        self.assert_verify_was_not_sent()

    def test_others_go_on(self):
        first, second = (self.start_waiting("transmit", "A 00 00", command)
                         for command in (VERIFY, IS_VERIFIED))
        self.stop(first, signal.SIGINT, NOT_SENT)
        self.holder.do("end")
        self.assertEqual(second.wait(), 0)
        self.assertIn("6982", second.output)

    def test_service_that_does_not_respond(self):
        waiting = self.start_waiting("transmit", "A 00 00", VERIFY)
        self.testbed.service.send_signal(signal.SIGSTOP)
        self.addCleanup(self.testbed.service.send_signal, signal.SIGCONT)
        waiting.type("\x03")
        waiting.wait_for("Press Ctrl-C again to stop at once.")
        waiting.type("\x03")
        self.assertEqual(waiting.wait(), -signal.SIGINT)


class SlowCard(CardTest):
    def setUp(self):
        super().setUp()
        self.readers.hold_commands("A")

    def test_command_that_the_card_executes(self):
        program = self.start("transmit", "A 00 00", VERIFY, SELECT, columns=120)
        program.wait_for(CARD_WORKS, HINT)
        self.stop(program, signal.SIGINT, "command 1: " + SENT)
        self.readers.release_commands("A")
        # The card was reset, and has not received the second command.
        self.assertEqual(self.transmit(IS_VERIFIED).output, "6982\n")
        self.assertEqual(self.sent(), 2)

    def test_script_names_the_line(self):
        program = self.start("script", "-", "--json", text=f"# A comment\n{SELECT}\n{VERIFY}\n")
        self.readers.wait_for("A", "busy=1")
        self.readers.finish_command("A")
        program.wait_for_lines(1)
        self.readers.wait_for("A", "busy=1")
        program.send_signal(signal.SIGTERM)
        self.assertEqual(program.wait(), -signal.SIGTERM)
        self.assertRegex(program.errors, "^smartcardctl: line 3: reader '.*': stopped; ")
        self.readers.release_commands("A")


class Calls(CliTest):
    """A fake service, which sees the options of the calls and answers as the test says."""

    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.calls, self.cancelled = [], []
        self.on_cancel = self.end_by_error
        self.state = "not sent"
        service = FakeService(
            GetManagedObjects=objects(reader(Name=GLib.Variant("s", "A 00 00")), card()),
            Control=self.control_called, CancelCall=self.cancel_called)
        self.addCleanup(service.close)

    def control_called(self, invocation):
        self.calls.append((invocation.get_parameters().unpack()[2], invocation))

    def cancel_called(self, invocation):
        self.cancelled.append(invocation.get_parameters().unpack()[0])
        self.on_cancel(invocation)

    def end_by_error(self, invocation):
        invocation.return_value(None)
        self.calls[-1][1].return_dbus_error("org.smartcardd1.Error.Cancelled",
                                            "the call was cancelled: " + self.state)

    def start_control(self, *options, **more):
        """Returns the program, and the options that the service has received."""
        count = len(self.calls)
        program = self.start("control", "A 00 00", "1", *options, **more)
        events.wait_until(lambda: len(self.calls) > count, "Control is called")
        return program, self.calls[-1][0]

    def test_options(self):
        ids = set()
        for arguments, least, most in (([], 0xFFFFFFFF, 0xFFFFFFFF), (["--timeout", "0"], 0, 0),
                                       (["--timeout", "300.5"], 1, 300500),
                                       (["--timeout", ".5"], 1, 500)):
            program, options = self.start_control(*arguments)
            self.assertLessEqual(least, options["timeout-ms"])
            self.assertLessEqual(options["timeout-ms"], most)
            self.assertRegex(options["call-id"], r"\A[0-9a-f-]{36}\Z")
            ids.add(options["call-id"])
            program.send_signal(signal.SIGTERM)
            self.assertEqual(program.wait(), -signal.SIGTERM)
        self.assertEqual(len(ids), 4)

    def test_message(self):
        for self.state, message in (("not sent", NOT_SENT), ("sent, result unknown", SENT)):
            for number in (signal.SIGINT, signal.SIGTERM):
                program, options = self.start_control(columns=120)
                self.stop(program, number, message)
                self.assertEqual(self.cancelled[-1], options["call-id"])

    def test_result_that_arrives_first(self):
        def end_by_result(invocation):
            self.calls[-1][1].return_value(GLib.Variant("(ay)", (b"\xab",)))
            invocation.return_value(None)

        self.on_cancel = end_by_result
        program, _ = self.start_control()
        program.send_signal(signal.SIGINT)
        self.assertEqual(program.wait(), -signal.SIGINT)
        self.assertEqual((program.output, program.errors), ("AB\n", ""))

    def test_call_that_does_not_end(self):
        self.on_cancel = lambda invocation: invocation.return_value(None)
        program, _ = self.start_control(columns=120)
        program.type("\x03")
        program.wait_for("Press Ctrl-C again to stop at once.")
        self.stop(program, signal.SIGINT)

    def test_cancelling_that_fails(self):
        self.on_cancel = lambda invocation: invocation.return_dbus_error(
            "org.freedesktop.DBus.Error.UnknownMethod", "")
        program, _ = self.start_control()
        program.send_signal(signal.SIGTERM)
        self.assertEqual(program.wait(), -signal.SIGTERM)
        self.assertEqual(program.output, "")
        self.assert_one_line(program.errors, SENT)


if __name__ == "__main__":
    case.main()
