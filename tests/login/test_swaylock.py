#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The configuration of swayidle in examples/: sway, swayidle and swaylock on a screen in memory."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.clients.program import Program
from scdtest.testbed import events
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import SOURCE
from test_lock import LOCK, LockTest

NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups"]
CONFIG = os.path.join(SOURCE, "examples", "swaylock", "config")


@unittest.skipUnless(all(map(shutil.which, ("sway", "swayidle", "swaylock"))),
                     "sway is not installed")
class Swaylock(LockTest):
    def setUp(self):
        super().setUp()
        self.folder = os.path.join(self.testbed.folder, "sway")
        os.mkdir(self.folder, 0o700)
        os.chown(self.folder, NOBODY.pw_uid, NOBODY.pw_gid)
        self.environment = {"XDG_RUNTIME_DIR": self.folder, "HOME": "/nonexistent",
                            "WLR_BACKENDS": "headless", "WLR_LIBINPUT_NO_DEVICES": "1",
                            "WLR_RENDERER": "pixman"}
        self.start_sway()
        self.start(("Desk", ATR))
        self.log_in()

    def program(self, *command):
        """Its standard error is part of the output."""
        program = Program([*AS_NOBODY, "sh", "-c", 'exec "$@" 2>&1', "sh", *command],
                          environment=self.environment)
        self.addCleanup(program.close)
        return program

    def start_sway(self):
        config, display = (os.path.join(self.folder, name) for name in ("config", "display"))
        with open(config, "w", encoding="ascii") as file:
            file.write(f"exec echo $WAYLAND_DISPLAY >{display}.new && mv {display}.new {display}\n")
        self.sway = self.program("sway", "--config", config)
        events.wait_for_file(display)
        with open(display, encoding="ascii") as file:
            self.environment["WAYLAND_DISPLAY"] = file.read().strip()

    def start_swayidle(self):
        idle = self.program("swayidle", "-d", "-w", "-C", CONFIG)
        idle.wait_for("Enable idle timeouts")
        return idle

    def assert_screen_is_locked(self, idle):
        """swayidle ends after its command. A second swaylock is refused."""
        idle.wait_for("Cmd exec swaylock --daemonize")
        idle.send_signal(signal.SIGTERM)
        idle.wait_for("Got SIGTERM")
        result = subprocess.run([*AS_NOBODY, "swaylock", "--daemonize"],
                                env={**os.environ, **self.environment}, capture_output=True,
                                text=True, check=False)
        self.assertIn("another lockscreen", result.stderr)
        self.assertNotEqual(result.returncode, 0)

    def test_documentation(self):
        """The configuration is also in docs/login.md."""
        with open(CONFIG, encoding="ascii") as file:
            lines = [line for line in file if not line.startswith("#")]
        with open(os.path.join(SOURCE, "docs", "login.md"), encoding="utf-8") as file:
            self.assertIn("```text\n" + "".join(lines) + "```\n", file.read())

    def test_removal(self):
        idle = self.start_swayidle()
        self.start_lock()
        self.readers.remove("Desk")
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])
        self.assert_screen_is_locked(idle)

    def test_sleep(self):
        idle = self.start_swayidle()
        self.logind.prepare_for_sleep()
        self.assert_screen_is_locked(idle)


if __name__ == "__main__":
    case.main()
