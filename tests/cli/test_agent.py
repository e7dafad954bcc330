#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent of polkit that smartcardctl runs on a terminal, with the real polkitd."""

import os
import shutil
import signal
import stat
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import HINT, REFUSED, SELECT, USAGE, CliTest
from scdtest.clients.program import Program
from scdtest.testbed import events
from scdtest.testbed.testbed import built

USER = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
ASK = "return polkit.Result.AUTH_ADMIN;"
HELPER = "/usr/lib/polkit-1/polkit-agent-helper-1"
NO_PASSWORD = "you have to authenticate"

# Says what happens to it, in the folder of the test.
FAKE = """#!/usr/bin/python3
import os, signal, sys, time
def say(word):
    with open(os.path.dirname(sys.argv[0]) + "/said", "a") as file:
        file.write(word + "\\n")
def end(*_):
    say("end")
    sys.exit()
signal.signal(signal.SIGTERM, end)
say(" ".join(sys.argv[1:]))
os.close(int(sys.argv[2]))
while True:
    signal.pause()
"""


def agents():
    """Returns the processes that are agents, apart from zombies."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if any(word.endswith(b"pkttyagent") for word in words[:3]):
            found.append(int(pid))
    return found


def parent_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return int(file.read().rpartition(")")[2].split()[1])


class Agent(CliTest):
    def setUp(self):
        super().setUp()
        self.folder = os.path.join(self.testbed.folder, "bin")
        os.mkdir(self.folder)
        os.chmod(self.testbed.folder, 0o755)
        os.chmod(self.folder, 0o777)
        # The user may not be able to read the folder of the build.
        self.program = shutil.copy(built("cli/smartcardctl"), self.folder)
        os.chmod(self.program, 0o755)
        self.before = agents()
        self.testbed.start_bus()
        self.daemon = self.polkit()
        self.daemon.start(ASK)
        self.start_testbed_with_bus()

    def start_testbed_with_bus(self):
        start_bus, self.testbed.start_bus = self.testbed.start_bus, lambda: None
        self.addCleanup(setattr, self.testbed, "start_bus", start_bus)
        self.start_testbed("A")
        self.insert("A")

    def write_fake(self):
        path = os.path.join(self.folder, "pkttyagent")
        with open(path, "w", encoding="ascii") as file:
            file.write(FAKE)
        os.chmod(path, 0o755)

    def said(self):
        try:
            with open(os.path.join(self.folder, "said"), encoding="ascii") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def start_as_user(self, *arguments, before=(), **options):
        program = Program([*before, *USER, self.program, *arguments],
                          environment={"PATH": self.folder + ":/usr/bin:/bin"}, **options)
        self.addCleanup(program.close)
        return program

    def refused(self, *arguments, **options):
        program = self.start_as_user(*arguments, "transmit", "A", SELECT, **options)
        self.assertEqual(program.wait(), REFUSED, program.output + program.errors)
        return program

    def assert_no_agent_is_left(self):
        self.assertEqual(agents(), self.before)

    def test_terminal(self):
        """It is started before the call, and stopped at the end."""
        self.write_fake()
        self.assertIn(NO_PASSWORD, self.refused(columns=300).output)
        self.assertEqual(self.said(), ["--notify-fd 3 --fallback", "end"])
        self.assert_no_agent_is_left()

    def test_not_needed(self):
        self.write_fake()
        self.assertIn(NO_PASSWORD, self.refused().errors)
        self.assertIn(NO_PASSWORD, self.refused("--no-ask-password", columns=300).output)
        program = self.start_as_user("reset", "--no-ask-password", "A", columns=300)
        self.assertEqual(program.wait(), REFUSED)
        self.assertEqual(self.start_as_user("list", columns=80).wait(), 0)
        self.assertEqual(self.start_as_user("list", "--no-ask-password", columns=80).wait(), 0)
        self.assertEqual(self.run_to_end("reset", columns=80).output.strip(), "The card was reset. Its protocol is T=0.")  # as root
        self.assertEqual(self.said(), [])
        self.run_to_end("run", "--no-ask-password", "true", status=USAGE)

    def test_agent_that_takes_long(self):
        path = os.path.join(self.folder, "pkttyagent")
        with open(path, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexec sleep 1000\n")
        os.chmod(path, 0o755)
        program = self.refused(columns=300)
        self.assertIn("Waiting for the program that asks for passwords. " + HINT, program.output)
        self.assertEqual(len(program.screen), 2, program.screen)

    def test_agent_that_cannot_run(self):
        path = os.path.join(self.folder, "pkttyagent")
        with open(path, "w", encoding="ascii") as file:
            file.write("#!/nowhere\n")
        os.chmod(path, 0o755)
        self.assertIn(NO_PASSWORD, self.refused(columns=300).output)

    def test_status(self):
        """It does not say that it is another program for which the command waits."""
        self.write_fake()
        self.daemon.pause()
        for arguments in (["reset", "A"], ["control", "A", "1"]):
            program = self.start_as_user(*arguments, columns=100)
            program.wait_for("Waiting for the reader, or for authentication.", HINT)
            self.stop(program, signal.SIGTERM, "reader 'A': stopped; the command was not sent")
        self.daemon.resume()

    def test_without_polkit(self):
        """The command says so in one line; the agent does not add what its library says."""
        if not shutil.which("pkttyagent"):
            self.skipTest("pkttyagent is not installed")
        self.daemon.stop()
        for columns in (None, 300):
            program = self.start_as_user("reset", "A", columns=columns)
            self.assertEqual(program.wait(), REFUSED)
            line = program.screen[0] if columns else program.errors
            self.assert_one_line(line, "you are not allowed to do this: polkit is not available")
            self.assertNotIn("GDBus", program.output + program.errors)
            self.assertEqual(len(program.screen), 2 if columns else 1, program.output)

    def mount_setuid_helper(self):
        """Since polkit 127, systemd starts the agent's helper, which is not there: as before."""
        if os.stat(HELPER).st_mode & stat.S_ISUID:
            return
        copy = shutil.copy(HELPER, self.testbed.folder)
        os.chmod(copy, 0o4755)
        subprocess.run(["mount", "--bind", copy, HELPER], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", HELPER], check=True)

    def start_with_real_agent(self, **options):
        """Without a session of logind, polkit does not ask an agent that is a fallback."""
        if not shutil.which("pkttyagent"):
            self.skipTest("pkttyagent is not installed")
        self.mount_setuid_helper()
        path = os.path.join(self.folder, "pkttyagent")
        with open(path, "w", encoding="ascii") as file:
            file.write('#!/bin/sh\nexec /usr/bin/pkttyagent "$1" "$2"\n')
        os.chmod(path, 0o755)
        program = self.start_as_user("transmit", "A", SELECT, columns=300, **options)
        events.wait_until(lambda: "Password" in program.output or program.ended,
                          "the agent asks for a password")
        self.assertFalse(program.ended, program.output)
        self.assertIn("AUTHENTICATING FOR org.smartcardd1.connect", program.output)
        self.assertEqual(len(agents()), len(self.before) + 1)
        return program

    def test_real_agent(self):
        """It asks while the call waits, no status erases its question, and Ctrl-C ends both."""
        program = self.start_with_real_agent()
        program.type("\x03")
        self.assertEqual(program.wait(), -signal.SIGINT, program.output)
        self.assertNotIn("Waiting", program.output)
        events.poll_until(lambda: agents() == self.before, "the agent ends")

    def test_killed(self):
        """The agent ends with it, however it ends; the shell on the terminal goes on."""
        program = self.start_with_real_agent(before=["sh", "-c", '"$@"; read line', "sh"])
        agent, = set(agents()) - set(self.before)
        os.kill(parent_of(agent), signal.SIGKILL)
        events.poll_until(lambda: agents() == self.before, "the agent ends")
        self.assertFalse(program.ended)


if __name__ == "__main__":
    case.main()
