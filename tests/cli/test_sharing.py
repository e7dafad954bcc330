#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl while a program beside the service has a transaction."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import HINT, SELECT, CardTest
from scdtest.clients.pcsc_client import PcscClient


FEATURES = "42000D48"  # SCARD_CTL_CODE(3400)
WAITING = "Waiting: another program may be using the reader."


class Sharing(CardTest):
    def setUp(self):
        super().setUp()
        self.readers.order("control", "A", FEATURES, "silent")
        self.holder = PcscClient()
        self.addCleanup(self.holder.close)
        self.holder.do("connect", "shared", "A 00 00")
        self.holder.do("begin")

    def start_waiting(self, *arguments, **options):
        program = self.start(*arguments, columns=80, **options)
        program.wait_for(WAITING, HINT)
        return program

    def test_each_says_what_it_waits_for(self):
        commands = (["transmit", "A 00 00", SELECT], ["script", "/run/scd/script"],
                    ["control", "A 00 00", "0x" + FEATURES], ["attributes"])
        with open("/run/scd/script", "w", encoding="ascii") as file:
            file.write(SELECT)
        waiting = [self.start(*command, columns=80) for command in commands]
        for program in waiting:
            program.wait_for(WAITING, HINT)
            self.assertEqual(program.screen, [f"{WAITING} {HINT}"])
        self.holder.leave()
        for program in waiting:
            self.assertEqual(program.wait(), 0, program.output)
            self.assertNotIn("Waiting", "".join(program.screen))

    def test_reset(self):
        waiting = self.start_waiting("reset")
        self.holder.leave()
        self.assertEqual(waiting.wait(), 0)
        self.assertEqual(waiting.screen, ["The card was reset. Its protocol is T=1.", ""])

    def test_nothing_of_it_in_output_for_programs(self):
        on_terminal = self.start_waiting("transmit", "A 00 00", SELECT)
        in_pipe = self.start("transmit", "A 00 00", SELECT)
        json = self.start("--json", "transmit", "A 00 00", SELECT, columns=80)
        self.start_waiting("transmit", "A 00 00", SELECT)  # the others have waited as long
        self.holder.leave()
        for program in (on_terminal, in_pipe, json):
            self.assertEqual(program.wait(), 0)
        self.assertEqual((in_pipe.output, in_pipe.errors), ("9000\n", ""))
        self.assertNotIn("Waiting", json.output)

    def test_stop(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.stop(self.start_waiting("transmit", "A 00 00", SELECT), number,
                      "reader 'A 00 00': stopped; the command was not sent")
        self.holder.do("end")
        self.assertEqual(self.transmit(SELECT).output, "9000\n")


if __name__ == "__main__":
    case.main()
