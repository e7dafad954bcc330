#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""--timeout of the commands of smartcardctl that wait."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.cli import (COMMANDS, HINT, IS_VERIFIED, SELECT, TIMEOUT, VERIFY, CardTest,
                               CliTest)
from scdtest.clients.pcsc_client import PcscClient
from scdtest.clients.program import Program
from scdtest.clients.recorder import NAME
from scdtest.fakes.fake_service import call_bus
from scdtest.testbed.testbed import built, connect_to_bus

FEATURES = "42000D48"  # SCARD_CTL_CODE(3400)
NOT_SENT = "the time ran out; the command was not sent"
SENT = "the time ran out; the command was sent, its result is unknown"


class BusyCard(CardTest):
    """Another program has a transaction."""

    def setUp(self):
        super().setUp()
        self.readers.order("control", "A", FEATURES, "silent")
        self.holder = PcscClient()
        self.addCleanup(self.holder.close)
        self.holder.do("connect", "shared", "A 00 00")
        self.holder.do("begin")

    def assert_times_out(self, *arguments, message=NOT_SENT, **options):
        program = self.run_to_end(*arguments, "--timeout", "0.5", status=TIMEOUT, **options)
        self.assertEqual(program.output, "")
        self.assert_one_line(program.errors, "reader 'A 00 00': " + message + "\n")

    def test_each_command(self):
        self.assert_times_out("transmit", "A 00 00", VERIFY)
        self.assert_times_out("script", "-", text=VERIFY)
        self.assert_times_out("reset")
        self.assert_times_out("control", "A 00 00", "0x" + FEATURES)
        self.assert_times_out("attributes", message="the time ran out")
        before = self.sent()
        self.holder.do("end")
        self.assertEqual(self.transmit(IS_VERIFIED).output, "6982\n")
        self.assertEqual(self.sent(), before + 1)

    def test_terminal(self):
        program = self.run_to_end("transmit", "--timeout=3", "A 00 00", SELECT, columns=120,
                                  status=TIMEOUT)
        self.assertEqual(program.screen, [f"smartcardctl: reader 'A 00 00': {NOT_SENT}", ""])
        self.assertIn("Waiting: another program", program.output)


    def test_service_that_stops_answering(self):
        """The service does not end the call, so the command does."""
        in_pipe = self.start("control", "A 00 00", "0x" + FEATURES, "--timeout", "6")
        on_terminal = self.start("reset", "--timeout", "5", columns=120)
        on_terminal.wait_for("Waiting: another program")  # the other one has waited as long
        self.testbed.service.send_signal(signal.SIGSTOP)
        self.addCleanup(self.testbed.service.send_signal, signal.SIGCONT)
        self.assertEqual((on_terminal.wait(), in_pipe.wait()), (TIMEOUT, TIMEOUT))
        self.assertEqual(on_terminal.screen, [f"smartcardctl: reader 'A 00 00': {SENT}", ""])
        self.assert_one_line(in_pipe.errors, SENT)


class NoAnswer(CliTest):
    """The service does not answer while commands load the readers."""

    COMMANDS = [[name, *arguments] for name, arguments in COMMANDS.items()
                if name not in ("monitor", "wait", "script")]

    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        owner = connect_to_bus()
        self.addCleanup(owner.close_sync, None)
        call_bus(owner, "RequestName", GLib.Variant("(su)", (NAME, 0)))
        # Its main loop answers nothing: there is no such object, but no reply either.
        owner.add_filter(lambda _owner, message, incoming: None if incoming else message)

    def test_time_limit(self):
        for command in self.COMMANDS:
            program = self.run_to_end(*command, "--timeout", "0.1", status=TIMEOUT)
            self.assert_one_line(program.errors, "the time ran out while waiting for smartcardd")
            self.assertEqual(program.output, "")
        report = self.run_to_end("report", "--timeout", "0.1")
        self.assertIn("the time ran out while waiting for smartcardd", report.lines)
        script = self.run_to_end("script", "-", "--timeout", "0.1", text=SELECT, status=TIMEOUT)
        self.assert_one_line(script.errors, "the time ran out while waiting for smartcardd")
        self.assertEqual(self.run_to_end("monitor", "--timeout", "0.1").output, "")
        self.assert_one_line(self.run_to_end("wait", "--timeout", "0.1", status=TIMEOUT).errors,
                             "no card was inserted within 0.1 s")

    def test_terminal(self):
        """It says what it waits for, and stops."""
        programs = [self.start(*command, columns=80)
                    for command in (*self.COMMANDS, ["wait"], ["report"])]
        monitor = self.start("monitor", columns=80)
        for program in (*programs, monitor):
            program.wait_for("Waiting for smartcardd.", HINT)
        for program in programs:
            self.stop(program, signal.SIGINT)
        monitor.type("\x03")
        self.assertEqual((monitor.wait(), monitor.screen), (0, [""]))
        self.assertEqual(self.run_to_end("list", "--timeout=1.5", columns=80, status=TIMEOUT).screen,
                         ["smartcardctl: the time ran out while waiting for smartcardd", ""])

    def test_terminal_without_echo(self):
        """Another program asks for a password there: a status would erase its question."""
        for mode, shown in (("echo", True), ("-echo", False)):
            program = Program(["sh", "-c", 'stty "$1"; exec "$0" list --timeout 3',
                               built("cli/smartcardctl"), mode], columns=80)
            self.addCleanup(program.close)
            self.assertEqual(program.wait(), TIMEOUT)
            self.assertEqual("Waiting for smartcardd." in program.output, shown)


class SilentBus(CliTest):
    """The bus accepts connections, but does not answer."""

    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.testbed.bus.send_signal(signal.SIGSTOP)
        self.addCleanup(self.testbed.bus.send_signal, signal.SIGCONT)

    def test_commands(self):
        for command, status in (("list", TIMEOUT), ("reset", TIMEOUT), ("wait", TIMEOUT),
                                ("monitor", 0)):
            program = self.run_to_end(command, "--timeout", "0.1", status=status)
            self.assertEqual(program.output, "")
            waiting = self.start(command, columns=80)
            waiting.wait_for("Waiting for smartcardd.", HINT)
            waiting.type("\x03")
            self.assertEqual(waiting.wait(), -signal.SIGINT if status else 0)
            self.assertEqual(waiting.screen, [""])


class FreeCard(CardTest):
    def test_time_that_is_enough(self):
        for timeout in ("0", "100", "0.0000001", "2147483"):
            self.assertEqual(self.transmit(SELECT, "--timeout", timeout).output, "9000\n")
            self.assertEqual(self.run_to_end("reset", "--timeout", timeout).output, "T=1\n")
        self.run_to_end("attributes", "--timeout", "30")
        self.assertEqual(self.run_to_end("alias", "A 00 00", "--timeout", "30").output, "")

    def test_card_keeps_its_state(self):
        """Closing the session is not subject to the time limit."""
        self.assertEqual(self.transmit(VERIFY, "--timeout", "0").output, "9000\n")
        self.assertEqual(self.transmit(IS_VERIFIED, "--timeout", "30").output, "9000\n")

    def test_no_waiting(self):
        self.readers.hold_commands("A")
        slow = self.start("transmit", "A 00 00", SELECT)
        self.readers.wait_for("A", "busy=1")
        for command in (["transmit", "A 00 00", VERIFY], ["reset"]):
            program = self.run_to_end(*command, "--timeout", "0", status=TIMEOUT)
            self.assert_one_line(program.errors, "reader 'A 00 00': " + NOT_SENT)
        self.assertFalse(slow.ended)
        self.readers.release_commands("A")
        self.assertEqual(slow.wait(), 0)

    def test_slow_card(self):
        self.readers.hold_commands("A")
        program = self.transmit(VERIFY, "--timeout", "5", status=TIMEOUT)
        self.assert_one_line(program.errors, "reader 'A 00 00': " + SENT)
        self.readers.release_commands("A")
        # The card was reset.
        self.assertEqual(self.transmit(IS_VERIFIED).output, "6982\n")

    def test_script_has_one_limit_in_all(self):
        self.readers.order("delay", "A", 200)
        program = self.script(f"{SELECT}\n" * 100, "--timeout", "1", status=TIMEOUT)
        self.assertLess(len(program.lines), 6)
        self.assertRegex(program.errors, "^smartcardctl: line [1-6]: reader '.*': the time ran out")

    def test_monitor(self):
        program = self.run_to_end("monitor", "--timeout", "0.5")
        self.assertIn("reader-present", program.output)
        self.assertEqual(program.errors, "")


if __name__ == "__main__":
    case.main()
