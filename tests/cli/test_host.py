#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl --host: the readers of another machine, by a fake ssh and systemd-stdio-bridge."""

import json
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import HINT, NO_SERVICE, REFUSED, SELECT, TIMEOUT, USAGE, CliTest
from scdtest.testbed import events
from scdtest.testbed.testbed import BUS_ADDRESS

HOST = "alice@server"

# Notes its arguments, and runs the command on this machine.
SSH = f"""#!/bin/sh
printf '<%s>' "$@" >>"${{0%/*}}/said"
[ -e "${{0%/*}}/hang" ] && exec sleep 1000
DBUS_SYSTEM_BUS_ADDRESS={BUS_ADDRESS} exec "$4"
"""


def bridges():
    """Returns the processes that are at the other end of an ssh."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read() in (b"systemd-stdio-bridge\0", b"sleep\0001000\0"):
                    found.append(pid)
        except OSError:
            pass
    return found


class Host(CliTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("systemd-stdio-bridge"):
            self.skipTest("systemd-stdio-bridge is not installed")
        self.start_testbed("A")
        self.insert("A")
        self.folder = os.path.join(self.testbed.folder, "bin")
        os.mkdir(self.folder)
        self.write_ssh(SSH)
        self.before = bridges()

    def write_ssh(self, text):
        path = os.path.join(self.folder, "ssh")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, 0o755)

    def start(self, *arguments, **options):
        """The bus of this machine is out of reach."""
        return super().start(*arguments, **options, environment={
            "PATH": self.folder + ":/usr/bin:/bin", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"})

    def said(self):
        try:
            with open(os.path.join(self.folder, "said"), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def assert_nothing_is_left(self):
        events.poll_until(lambda: bridges() == self.before, "ssh ends")

    def test_commands(self):
        self.assertEqual(self.run_to_end("--host", HOST, "list").lines,
                         ["A 00 00\tcard\t3B028899\tunknown card, T=0\t-\t-\t-"])
        self.assertEqual(self.said(), f"<-xT><--><{HOST}><systemd-stdio-bridge>")
        self.assertEqual(self.run_to_end("transmit", "-H", "server", "A", SELECT).lines, ["9000"])
        self.assertIn("<--><server>", self.said())
        self.assertEqual(self.run_to_end("script", "--host=" + HOST, "-", text=SELECT).lines,
                         ["9000"])
        self.assertIn("card-present", self.run_to_end("wait", "--host", HOST).output)
        self.assertIn("card-present",
                      self.run_to_end("monitor", "--host", HOST, "--timeout", "0").output)
        for command in ("status", "show", "attributes", "who"):
            self.run_to_end(command, "--host", HOST)
        self.assertIn("T=0", self.run_to_end("-H", HOST, "reset").output)
        self.assert_nothing_is_left()

    def test_this_machine_is_not_the_other(self):
        """Nothing of this machine is said to be of the other one."""
        report = json.loads(self.run_to_end("--json", "report", "--host", HOST).output)
        self.assertEqual(sorted(name for name, text in report["versions"].items() if text),
                         ["smartcardctl", "smartcardd"])
        self.assertEqual((report["usb"], len(report["readers"])), ([], 1))
        self.assertIsNone(json.loads(self.run_to_end("--json", "who", "-H", HOST).output)
                          ["hidden-connections"])

    def test_stopped(self):
        """Ctrl-C cancels the call through ssh, which it does not end."""
        monitor = self.start("monitor", "--host", HOST, columns=80)
        monitor.wait_for("Waiting for cards")
        monitor.type("\x03")
        self.assertEqual(monitor.wait(), 0)
        self.readers.hold_commands("A")
        slow = self.start("transmit", "-H", HOST, "A", SELECT, columns=200)
        self.readers.wait_for("A", "busy=1")
        slow.type("\x03")
        self.assertEqual(slow.wait(), -signal.SIGINT)
        self.assertIn("stopped; the command was sent", slow.output)
        self.readers.release_commands("A")
        killed = self.start("monitor", "--host", HOST)
        killed.wait_for("card-present")
        killed.send_signal(signal.SIGKILL)
        self.assert_nothing_is_left()

    def test_no_connection(self):
        """ssh says why; the message does not add what a library says about its socket."""
        self.write_ssh("#!/bin/sh\nexit 255\n")
        message = (f"smartcardctl: cannot connect to the system bus of {HOST} through ssh "
                   "(is systemd-stdio-bridge installed there?)")
        for command in ("list", "monitor", "reset"):
            self.assertEqual(self.run_to_end(command, "-H", HOST, status=NO_SERVICE).errors,
                             message + "\n")
            self.assertEqual(self.run_to_end(command, "-H", HOST, columns=200,
                                             status=NO_SERVICE).screen, [message, ""])
        os.unlink(os.path.join(self.folder, "ssh"))
        os.symlink("/nowhere", os.path.join(self.folder, "ssh"))
        program = super().start("list", "-H", HOST, environment={"PATH": self.folder})
        self.assertEqual(program.wait(), NO_SERVICE)
        self.assert_one_line(program.errors, "through ssh", "No such file")

    def test_refused(self):
        """polkit sees a user who is not at the machine."""
        self.write_ssh(SSH.replace('exec "$4"', 'exec setpriv --reuid=nobody --clear-groups "$4"'))
        self.assert_one_line(self.run_to_end("reset", "-H", HOST, status=REFUSED).errors,
                             "you are not allowed to do this through ssh")

    def test_host_that_does_not_answer(self):
        with open(os.path.join(self.folder, "hang"), "w", encoding="ascii"):
            pass
        self.assert_one_line(self.run_to_end("list", "-H", HOST, "--timeout", "0.3",
                                             status=TIMEOUT).errors, "the time ran out")
        waiting = self.start("list", "-H", HOST, columns=80)
        waiting.wait_for(f"Waiting for {HOST}.", HINT)
        self.stop(waiting, signal.SIGINT)
        self.assert_nothing_is_left()

    def test_hostile_names(self):
        """ssh would take them for options."""
        for host in ("-oProxyCommand=touch /run/scd/x", "", "alice@-oProxyCommand=x", "alice@"):
            for words in (["list", "--host", host], ["--host=" + host, "list"]):
                self.assert_one_line(self.run_to_end(*words, status=USAGE).errors, "--host")
        self.run_to_end("run", "--host", HOST, "true", status=USAGE)
        self.run_to_end("--host", HOST, "run", "true", status=USAGE)
        self.assertEqual(self.said(), "")


if __name__ == "__main__":
    case.main()
