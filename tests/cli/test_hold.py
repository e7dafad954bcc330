#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl hold, and the protocol of a session."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.cli import (HINT, IS_VERIFIED, NO_CARD, NO_SERVICE, SELECT, USAGE, VERIFY,
                               CardTest)
from scdtest.clients.recorder import MANAGER, ROOT

HELD = "The card in 'a' stays powered. Its protocol is T=1. " + HINT


class Hold(CardTest):
    def start_holding(self, *arguments):
        program = self.start("hold", "a", *arguments, columns=120)
        program.wait_for(HELD)
        return program

    def is_in_use(self):
        _, properties = self.client.readers()["A 00 00"]
        return properties["InUse"]

    def test_terminal(self):
        holding = self.start_holding()
        self.assertTrue(self.is_in_use())
        self.assertEqual(self.transmit(VERIFY).output, "9000\n")
        self.assertEqual(self.transmit(IS_VERIFIED).output, "9000\n")
        holding.type("\x03")
        self.assertEqual(holding.wait(), 0)
        self.assertEqual(holding.screen, [""])
        self.client.wait_for_state(lambda client: not self.is_in_use(), "nothing uses the card")

    def test_pipe(self):
        for options, output in (([], "T=1\n"), (["--json"], '{"protocol":"T=1"}\n')):
            in_pipe = self.start("hold", *options)
            in_pipe.wait_for_lines(1)
            in_pipe.send_signal(signal.SIGTERM)
            self.assertEqual((in_pipe.wait(), in_pipe.output, in_pipe.errors), (0, output, ""))
        self.assertEqual(json.loads(output), {"protocol": "T=1"})

    def test_time_limit(self):
        """It includes the time until the card is held, which a busy machine needs."""
        self.assertEqual(self.run_to_end("hold", "--timeout", "5").output, "T=1\n")

    def test_removal(self):
        holding = self.start_holding()
        in_pipe = self.start("hold")
        in_pipe.wait_for_lines(1)
        self.readers.remove("A")
        self.assertEqual((holding.wait(), in_pipe.wait()), (NO_CARD, NO_CARD))
        self.assertEqual(holding.screen, ["smartcardctl: reader 'a': the card was removed", ""])
        self.assert_one_line(in_pipe.errors, "the card was removed")
        self.assert_one_line(self.run_to_end("hold", status=NO_CARD).errors, "there is no card")

    def test_session_that_is_closed(self):
        """By another program of the user."""
        holding = self.start_holding()
        (session,), = self.client.call(ROOT, MANAGER, "ListSessions")
        self.client.call(ROOT, MANAGER, "CloseSession", GLib.Variant("(o)", (session["session"],)))
        self.assertEqual(holding.wait(), 1)
        self.assertEqual(holding.screen,
                         ["smartcardctl: reader 'a': the connection to the card was closed", ""])

    def test_service_that_stops(self):
        holding = self.start_holding()
        self.testbed.stop_service()
        self.assertEqual(holding.wait(), NO_SERVICE)
        self.assertIn("smartcardd or pcscd has stopped", holding.screen[0])

    def test_service_that_does_not_answer_at_the_end(self):
        holding = self.start_holding()
        self.testbed.service.send_signal(signal.SIGSTOP)
        self.addCleanup(self.testbed.service.send_signal, signal.SIGCONT)
        holding.type("\x03")
        holding.wait_for("Waiting for smartcardd.", HINT)
        self.testbed.service.send_signal(signal.SIGCONT)
        self.assertEqual((holding.wait(), holding.screen), (0, [""]))

    def test_time_limit_without_an_answer_at_the_end(self):
        holding = self.start_holding("--timeout", "5")
        self.testbed.service.send_signal(signal.SIGSTOP)
        self.addCleanup(self.testbed.service.send_signal, signal.SIGCONT)
        self.assertEqual((holding.wait(), holding.screen), (0, [""]))

    def test_protocol(self):
        self.assertEqual(self.transmit("--protocol", "T=1", SELECT).output, "9000\n")
        self.assert_one_line(self.transmit("--protocol=T=0", SELECT, status=1).errors,
                             "the card does not support this protocol")
        self.assert_one_line(self.transmit("--protocol", "T=2", SELECT, status=USAGE).errors,
                             "--protocol takes T=0, T=1 or raw")


if __name__ == "__main__":
    case.main()
