#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl and the client library where the user has another number than the bus sees."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import SELECT, CardTest
from scdtest.clients.program import Program
from scdtest.testbed.testbed import built

LIBRARY = {"SMARTCARDCTL_LIBRARY_DIR": built("libpcsclite-dbus")}

# The client is made without a main loop, as simple programs do.
LIST = """
import os, gi
gi.require_version("Smartcardd", "1")
from gi.repository import Smartcardd
client = Smartcardd.Client.new(None)
print(os.getuid(), *(reader.get_name() for reader in client.get_readers()), sep=",")
"""


class UserNamespace(CardTest):
    """The bus sees root, which is user 1000 in the namespace."""

    def start_inside(self, *command, **options):
        program = Program(["unshare", "--user", "--map-user=1000", "--map-group=1000", *command],
                          **{"environment": LIBRARY, **options})
        self.addCleanup(program.close)
        return program

    def start_command(self, *arguments, **options):
        return self.start_inside(built("cli/smartcardctl"), *arguments, **options)

    def test_commands(self):
        for columns in (None, 80):
            for arguments, shown in ((["list"], "A 00 00"), (["transmit", "A", SELECT], "9000"),
                                     (["reset"], "T=1"), (["who"], ""), (["wait"], "A 00 00"),
                                     (["report"], "A 00 00"), (["run", "--check"], "reached")):
                program = self.start_command(*arguments, columns=columns)
                self.assertEqual(program.wait(), 0, program.output + program.errors)
                self.assertIn(shown, program.output)

    def test_monitor(self):
        for columns in (None, 80):
            monitor = self.start_command("monitor", columns=columns)
            monitor.wait_for("reader", "present")
            monitor.send_signal(signal.SIGTERM)
            self.assertEqual(monitor.wait(), 0)

    def test_library(self):
        if not os.path.exists(built("client/Smartcardd-1.typelib")):
            self.skipTest("the build has no introspection data")
        program = self.start_inside("/usr/bin/python3", "-c", LIST, environment={
            "GI_TYPELIB_PATH": built("client"), "LD_LIBRARY_PATH": built("client")})
        self.assertEqual(program.wait(), 0, program.errors)
        self.assertEqual(program.lines, ["1000,A 00 00"])


if __name__ == "__main__":
    case.main()
