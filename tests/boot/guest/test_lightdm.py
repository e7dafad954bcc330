#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine with LightDM that is set up as docs/login.md says: card in, PIN, in; card out, locked.

The X server is Xvfb, because the machine has no screen, and the greeter is greeter.py.
"""

import os
import socket

import login_page
from booted import LOGIND, READER, BootTest, main, object_path, run, wait_for_lock_service
from gi.repository import Gio
from machines import IDENTITY
from scdtest.testbed import events

HERE = os.path.dirname(os.path.abspath(__file__))
CONTROL = "/run/greeter"
PACKAGED = "/usr/share/lightdm/lightdm.conf.d/60-lightdm-autologin-greeter.conf"

# The machine has no graphics adapter.
SETTINGS = """\
[LightDM]
logind-check-graphical=false
[Seat:*]
xserver-command=/usr/local/bin/x-server
greeter-session=test
user-session=test
"""
X_SERVER = """\
#!/bin/sh
while [ "$1" != -auth ]; do shift; done
exec Xvfb :0 -auth "$2" -nolisten tcp -screen 0 320x200x24
"""
GREETER = "[Desktop Entry]\nName=Test\nType=Application\nExec=/usr/local/bin/greeter.py\n"
SESSION = "[Desktop Entry]\nName=Test\nType=Application\nExec=sleep infinity\n"


class LightDm(BootTest):
    @classmethod
    def setUpClass(cls):
        cls.reader = object_path(cls.places[IDENTITY])
        cls.host.order("insert", IDENTITY)
        run("smartcardctl", "wait", "--timeout", "60", cls.reader)
        login_page.set_up(cls.reader, "lightdm")
        os.unlink(PACKAGED)  # logs in another user
        login_page.write("/etc/lightdm/lightdm.conf.d/test.conf", SETTINGS)
        login_page.write("/usr/local/bin/x-server", X_SERVER, 0o755)
        login_page.write("/usr/share/xgreeters/test.desktop", GREETER)
        login_page.write("/usr/share/xsessions/test.desktop", SESSION)
        run("install", HERE + "/greeter.py", "-t", "/usr/local/bin")
        cls.listener = socket.socket(socket.AF_UNIX)
        cls.listener.bind(CONTROL)
        cls.listener.listen()
        cls.listener.settimeout(events.LIMIT_S)
        os.chmod(CONTROL, 0o666)

    def setUp(self):
        super().setUp()
        self.wait_for_places()
        if self.client.get(self.reader, READER, "CardPresent"):
            self.host.order("remove", IDENTITY)
            run("smartcardctl", "wait", "--removal", "--timeout", "60", self.reader)
        run("systemctl", "restart", "lightdm")
        self.addCleanup(run, "systemctl", "stop", "lightdm")
        connection, _ = self.listener.accept()
        connection.settimeout(events.LIMIT_S)
        self.addCleanup(connection.close)
        self.greeter = connection.makefile("rw", buffering=1, encoding="utf-8")
        self.expect("ready")

    def order(self, *words):
        print(*words, file=self.greeter, flush=True)

    def expect(self, line):
        self.assertEqual(self.greeter.readline().rstrip(), line)

    def expect_at_last(self, line):
        """After messages of other modules."""
        while (said := self.greeter.readline().rstrip()).startswith("message:"):
            print("#", said)
        self.assertEqual(said, line)

    def test_the_password_without_a_card(self):
        self.order("authenticate", "tester")
        self.expect("message: Insert your smart card.")
        self.expect("prompt: Password:")

    def test_card_in_and_out(self):
        locked = []
        self.client.connection.signal_subscribe(
            LOGIND, LOGIND + ".Session", "Lock", None, None, Gio.DBusSignalFlags.NONE,
            lambda _bus, _sender, path, *_: locked.append(path))
        self.order("authenticate", "tester")
        self.expect("message: Insert your smart card.")
        self.host.order("insert", IDENTITY)
        self.expect_at_last("prompt: Smart card PIN:")
        self.order("respond", login_page.PIN)
        self.expect_at_last("authenticated: True")
        self.order("start", "test")
        wait_for_lock_service("of which 1 are")
        self.host.order("remove", IDENTITY)
        self.client.wait(lambda: locked, "the session is locked")
        self.assertEqual(len(locked), 1)


if __name__ == "__main__":
    main()
