#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl who: the programs that use smart cards, as far as the user may see them."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.cli import CardTest
from scdtest.clients.pcsc_client import PcscClient
from scdtest.clients.program import Program
from scdtest.testbed.testbed import built

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"


class Who(CardTest):
    def connect(self, mode="shared", begin=False):
        """Opens a session of this test, and returns its path."""
        path, _ = self.client.call(self.client.reader("A"), "org.smartcardd1.Reader", "Connect",
                                   GLib.Variant("(sasa{sv})", (mode, [], {})))
        if begin:
            self.client.call(path, "org.smartcardd1.Session", "BeginTransaction",
                             GLib.Variant("(a{sv})", ({},)))
        return path

    def own_name(self):
        with open("/proc/self/comm", encoding="utf-8") as file:
            return file.read().strip()

    def test_nobody(self):
        for arguments in ([], ["--json"]):
            program = self.run_to_end("who", *arguments)
            if arguments:
                self.assertEqual(json.loads(program.output),
                                 {"sessions": [], "pcscd": [], "hidden-connections": 0})
            else:
                self.assertEqual((program.output, program.errors),
                                 ("", "No program that you may see uses smart cards.\n"))
        self.assertEqual(self.run_to_end("who", columns=80).screen,
                         ["No program that you may see uses smart cards.", ""])

    def test_sessions(self):
        self.connect()
        path = self.connect(begin=True)
        program = self.run_to_end("who")
        self.assertEqual(program.errors, "")
        rows = [line.split("\t") for line in program.lines]
        self.assertEqual([row[:4] + row[5:8] for row in rows],
                         [["session", self.own_name(), str(os.getpid()), "root", "A 00 00", "shared",
                           transaction] for transaction in ("-", "transaction")])
        for row in rows:
            self.assertRegex(row[8], f"^{TIME}$")
        screen = self.run_to_end("who", columns=120).screen
        self.assertRegex(screen[0], "^PROGRAM +PID +USER +READER +ACCESS +SINCE$")
        self.assertRegex(screen[2], r"A 00 00 +shared, in a transaction +\d{4}-")
        session = json.loads(self.run_to_end("--json", "who").output)["sessions"][1]
        self.assertEqual({key: session[key] for key in
                          ("pid", "uid", "reader", "reader-path", "session", "in-transaction")},
                         {"pid": os.getpid(), "uid": 0, "reader": "A 00 00",
                          "reader-path": self.client.reader("A"), "session": path,
                          "in-transaction": True})

    def test_program_that_uses_pcscd(self):
        holder = PcscClient()
        self.addCleanup(holder.close)
        holder.do("connect", "shared", "A 00 00")
        (line,) = self.run_to_end("who").lines
        kind, program, pid, *rest = line.split("\t")
        self.assertEqual((kind, rest), ("pcscd", ["root", "-", "-", "-", "-", "-"]))
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            self.assertEqual(file.read().strip(), program)
        self.assertIn("directly through pcscd", self.run_to_end("who", columns=120).screen[1])
        (client,) = json.loads(self.run_to_end("--json", "who").output)["pcscd"]
        self.assertEqual((client["pid"], client["connections"]), (int(pid), 1))

    def test_other_user(self):
        """It does not see, and is told so."""
        holder = PcscClient()
        self.addCleanup(holder.close)
        holder.do("connect", "shared", "A 00 00")
        self.connect()
        program = Program([*NOBODY, built("cli/smartcardctl"), "who"])
        self.addCleanup(program.close)
        self.assertEqual(program.wait(), 0, program.errors)
        self.assertEqual(program.output, "")
        notes = program.errors.splitlines()
        self.assertEqual(notes[:2], ["No program that you may see uses smart cards.",
                                     "Only root sees the sessions of other users."])
        self.assertGreaterEqual(int(re.fullmatch(r"Connections .*: (\d+)\.", notes[2])[1]), 2)


if __name__ == "__main__":
    case.main()
