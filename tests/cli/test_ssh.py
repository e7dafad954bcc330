#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl --host through ssh and a real server, on the loopback device of the namespace."""

import os
import pwd
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import IS_VERIFIED, NO_SERVICE, REFUSED, SELECT, VERIFY, CliTest
from scdtest.testbed import events
from scdtest.testbed.process import Process

PORT = 2222
ALICE = 1234
PROGRAMS = ("dropbear", "dropbearkey", "ssh", "ssh-keygen", "systemd-stdio-bridge")


def connections():
    """Returns the command lines of the processes at both ends of a connection by ssh."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                line = file.read()
        except OSError:
            continue
        if line.startswith(("ssh\0", "systemd-stdio-bridge\0")):
            found.append(line)
    return found


class Ssh(CliTest):
    def setUp(self):
        super().setUp()
        for program in PROGRAMS:
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed")
        self.start_testbed("A")
        self.insert("A")
        self.homes = os.path.join(self.testbed.folder, "homes")
        os.chmod(self.testbed.folder, 0o755)
        os.mkdir(self.homes)
        self.make_users()
        self.start_server()

    def run_tool(self, *command):
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def make_users(self):
        """Users whose homes are those of the test, in the namespace; all have the same key."""
        lines = [":".join((name, "x", str(uid), str(uid), "", os.path.join(self.homes, name),
                           "/bin/sh")) + "\n" for name, uid in (("root", 0), ("alice", ALICE))]
        path = os.path.join(self.testbed.folder, "passwd")
        with open("/etc/passwd", encoding="utf-8") as file:
            others = [line for line in file if not line.startswith("root:")]
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(lines + others))
        subprocess.run(["mount", "--bind", path, "/etc/passwd"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/passwd"], check=True)
        key = os.path.join(self.testbed.folder, "key")
        self.run_tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        for name in ("root", "alice"):
            user = pwd.getpwnam(name)
            folder = os.path.join(user.pw_dir, ".ssh")
            os.makedirs(folder)
            shutil.copy(key + ".pub", os.path.join(folder, "authorized_keys"))
            for made in (user.pw_dir, folder, os.path.join(folder, "authorized_keys")):
                os.chown(made, user.pw_uid, user.pw_gid)

    def start_server(self):
        key = os.path.join(self.testbed.folder, "host-key")
        public = next(line for line in self.run_tool("dropbearkey", "-t", "ed25519", "-f",
                                                     key).splitlines() if line.startswith("ssh-"))
        own = os.path.join(self.homes, "root", ".ssh")
        with open(os.path.join(own, "known_hosts"), "w", encoding="utf-8") as file:
            file.write(f"[127.0.0.1]:{PORT} {public}\n")
        with open(os.path.join(own, "config"), "w", encoding="utf-8") as file:
            file.write(f"Host server\n  HostName 127.0.0.1\n  Port {PORT}\n  BatchMode yes\n"
                       f"  IdentityFile {self.testbed.folder}/key\n"
                       f"  UserKnownHostsFile {own}/known_hosts\n")
        self.server = Process("dropbear", ["dropbear", "-F", "-E", "-s", "-p", f"127.0.0.1:{PORT}", "-r", key,
                               "-P", os.path.join(self.testbed.folder, "dropbear.pid")])
        self.addCleanup(self.server.stop, expect=(0, 1))
        events.poll_until(lambda: subprocess.run(
            ["ssh", "server", "true"], check=False, capture_output=True).returncode == 0,
            "the server answers")

    def start(self, *arguments, **options):
        """The bus of this machine is out of reach but through the server."""
        return super().start(*arguments, **options, environment={
            "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"})

    def test_commands(self):
        self.assertEqual(self.run_to_end("list", "--host", "server").lines,
                         ["A 00 00\tcard\t3B028899\tunknown card, T=0\t-\t-\t-"])
        self.assertEqual(self.run_to_end("-H", "root@server", "transmit", "A", VERIFY,
                                         IS_VERIFIED).lines, ["9000", "9000"])
        self.assertEqual(self.run_to_end("script", "-H", "server", "-", text=f"{SELECT}\nreset\n")
                         .lines, ["9000"])
        self.assertEqual(self.run_to_end("-H", "server", "reset").output, "T=0\n")
        self.assertIn("card-present", self.run_to_end("wait", "--host", "server").output)
        for command in ("status", "show", "attributes", "who", "report"):
            self.run_to_end(command, "--host", "server")
        events.poll_until(lambda: not connections(), "ssh and the bridge end")

    def test_stopped(self):
        """Ctrl-C is told to the service, which answers at once."""
        self.readers.hold_commands("A")
        slow = self.start("transmit", "-H", "server", "A", SELECT, columns=200)
        self.readers.wait_for("A", "busy=1")
        slow.type("\x03")
        self.assertEqual(slow.wait(), -signal.SIGINT)
        self.assertIn("stopped; the command was sent, its result is unknown", slow.output)

    def test_user_who_is_not_allowed(self):
        """polkit sees a user who is not at the machine."""
        self.assertEqual(self.run_to_end("list", "-H", "alice@server").lines[0].split("\t")[0],
                         "A 00 00")
        self.assert_one_line(self.run_to_end("reset", "-H", "alice@server", status=REFUSED).errors,
                             "you are not allowed to do this through ssh")

    def test_user_who_is_not_let_in(self):
        program = self.run_to_end("list", "-H", "nobody@server", status=NO_SERVICE)
        self.assertIn("cannot connect to the system bus of nobody@server through ssh",
                      program.errors)


if __name__ == "__main__":
    case.main()
