#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""polkit denies calls of a PC/SC program that runs as another user and uses the library."""

import os
import pwd
import shutil
import sys
import types

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, permissions
from scdtest.cases.permissions import (ALICE, ALLOW, DENY, IS_VERIFIED, NOT_VERIFIED, VENDOR_CODE,
                                       VERIFY_PIN_DIRECT)
from scdtest.clients.agent import Agent
from scdtest.clients.pcsc_client import PcscClient
from scdtest.testbed.testbed import built
REFUSED = ("error", "8010006A")
CONNECT = ("connect", "shared", "Simulated Reader A 00 00")
ASK = "return polkit.Result.AUTH_SELF;"


def deny(action):
    return (f'return action.id == "org.smartcardd1.{action}" ? polkit.Result.NO'
            " : polkit.Result.YES;")


class Permissions(permissions.PermissionTest):
    def setUp(self):
        super().setUp()
        self.account = pwd.getpwnam(ALICE)
        self.folder = self.copy_for_all()

    def copy_for_all(self):
        """Copies program and library to a folder that other users can read."""
        folder = "/run/scd/copy"
        os.mkdir(folder)
        self.addCleanup(shutil.rmtree, folder)
        for name in ("tests/pcsc-client/scd-pcsc-client", "libpcsclite-dbus/libpcsclite-dbus.so.1"):
            shutil.copy(built(name), folder)
        os.symlink("libpcsclite-dbus.so.1", folder + "/libpcsclite.so.1")
        return folder

    def program(self, **environment):
        """Starts a program without a terminal, and without a display unless the environment has one."""
        program = PcscClient(program=self.folder + "/scd-pcsc-client", command=(
            "setpriv", f"--reuid={self.account.pw_uid}", f"--regid={self.account.pw_gid}",
            "--clear-groups", "env", "-u", "DISPLAY", "-u", "WAYLAND_DISPLAY",
            "LD_LIBRARY_PATH=" + self.folder,
            *(f"{name}={value}" for name, value in environment.items())))
        self._clients.append(program)
        return program

    def test_connect_is_denied(self):
        self.daemon.start(DENY)
        program = self.program()
        self.assertEqual(program.order(*CONNECT), REFUSED)
        self.daemon.change_rule(deny("exclusive"))
        self.assertEqual(program.do(*CONNECT), "")
        program.do("disconnect", "leave")
        self.assertEqual(program.order("connect", "exclusive", CONNECT[2]), REFUSED)

    def test_control_codes_need_authorization(self):
        self.daemon.start(deny("control"))
        program = self.program()
        program.do(*CONNECT)
        self.assertEqual(program.do("control", f"{VERIFY_PIN_DIRECT:X}"), "9000")
        self.assertEqual(program.order("control", f"{VENDOR_CODE:X}"), REFUSED)
        self.assertEqual(program.do("transmit", IS_VERIFIED), NOT_VERIFIED)
        self.daemon.change_rule(ALLOW)
        self.assertEqual(program.do("control", f"{VENDOR_CODE:X}"), "9000")

    def test_authorization_is_revoked(self):
        self.daemon.start(ALLOW)
        holder, program, waiting = (self.program() for _ in range(3))
        for each in (holder, program, waiting):
            each.do(*CONNECT)
        holder.do("begin")
        waiting.send("begin")
        self.daemon.change_rule(DENY)
        self.assertEqual(waiting.answer(), REFUSED)
        self.wait_for_recheck(self.other_user(ALICE))
        for each in (holder, program, waiting):
            self.assertEqual(each.order("transmit", IS_VERIFIED), REFUSED)
            self.assertEqual(each.order(*CONNECT), REFUSED)

    def test_user_authorizes_interactively(self):
        self.daemon.start(ASK)
        self.assertEqual(self.program().order(*CONNECT), REFUSED)
        program = self.program(DISPLAY=":0")
        program.order("disconnect", "leave")  # a round trip: the program has changed its user
        agent = Agent(types.SimpleNamespace(pid=program.pid, uid=self.account.pw_uid))
        self.addCleanup(agent.close)
        program.send(*CONNECT)
        agent.confirm()
        self.assertEqual(program.answer(), ("ok", ""))
        self.assertEqual(program.do("transmit", IS_VERIFIED), NOT_VERIFIED)


if __name__ == "__main__":
    case.main()
