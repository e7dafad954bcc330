#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine with the units of GNOME's settings daemon: docs/login.md puts the bridge into them.

gnome-session is not there: a target without content stands for the one that says that the session
has been initialized.
"""

import os
import pwd

import login_page
from booted import BootTest, main, object_path, on_seat, run
from gi.repository import Gio, GLib
from scdtest.testbed import events

NAME = "org.gnome.SettingsDaemon.Smartcard"
MANAGER = "/org/gnome/SettingsDaemon/Smartcard/Manager"
BUS = "org.freedesktop.DBus"
INITIALIZED = "gnome-session-initialized.target"
TERMINAL = 8


class Gnome(BootTest):
    @classmethod
    def setUpClass(cls):
        login_page.write("/etc/smartcardd/smartcardd.conf.d/test.conf",
                         "[Login]\nLoginCards=atr 3B0161\n")
        login_page.write(f"/etc/systemd/user/{INITIALIZED}", "[Unit]\nDescription=Test\n")
        login_page.write("/usr/libexec/gnome-session-ctl", "#!/bin/sh\n", 0o755)  # of gnome-session
        run("systemctl", "reload", "smartcardd")
        login_page.follow(login_page.part("GNOME")[1], atr="")
        run("chvt", str(TERMINAL))
        begin, *options = (word for word in on_seat(TERMINAL) if word not in ("--pipe", "--wait"))
        run(begin, "--service-type=exec", *options, "sleep", "infinity")
        uid = pwd.getpwnam("tester").pw_uid
        cls.folder = f"/run/user/{uid}"
        events.wait_for_file(cls.folder + "/bus")
        os.seteuid(uid)  # the bus of a user refuses root
        cls.session = Gio.DBusConnection.new_for_address_sync(
            f"unix:path={cls.folder}/bus", Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
        os.seteuid(0)
        cls.changes = []
        cls.session.signal_subscribe(NAME, BUS + ".Properties", "PropertiesChanged", None, None,
                                     Gio.DBusSignalFlags.NONE, cls.note_change)

    @classmethod
    def note_change(cls, _bus, _sender, _path, _interface, _name, arguments):
        cls.changes.append(arguments.unpack()[1])

    def setUp(self):
        super().setUp()
        self.wait_for_service()
        self.wait_for_card("a")
        self.control("start", INITIALIZED)
        self.addCleanup(self.control, "stop", INITIALIZED)
        self.control("start", f"{NAME}.target")

    def control(self, *words):
        """As gnome-session does."""
        return run("setpriv", "--reuid=tester", "--clear-groups", "env",
                   "XDG_RUNTIME_DIR=" + self.folder, "systemctl", "--user", *words)

    def call(self, name, path, method, *arguments):
        interface, _, member = method.rpartition(".")
        words = GLib.Variant(f"({'s' * len(arguments)})", arguments)
        return self.session.call_sync(name, path, interface, member, words, None,
                                      Gio.DBusCallFlags.NO_AUTO_START, -1, None).unpack()

    def tokens(self):
        return self.call(NAME, MANAGER, NAME + ".Manager.GetInsertedTokens")[0]

    def test_the_unit_runs_the_bridge(self):
        self.assertEqual(self.control("is-active", NAME + ".service"), "active\n")
        pid, = self.call(BUS, "/", BUS + ".GetConnectionUnixProcessID", NAME)
        self.assertEqual(os.readlink(f"/proc/{pid}/exe"), "/usr/libexec/smartcardd-gnome")
        self.assertEqual(len(self.tokens()), 1)

    def test_a_card_out_and_in(self):
        self.assertEqual(len(self.tokens()), 1)
        self.changes.clear()
        self.host.order("remove", "a")
        self.client.wait(lambda: self.changes, "the token has changed")
        self.host.order("insert", "a")
        self.client.wait(lambda: len(self.changes) > 1, "the token has changed again")
        self.assertEqual(self.changes, [{"IsInserted": False}, {"IsInserted": True}])

    def test_the_bridge_ends_with_the_session(self):
        self.control("stop", INITIALIZED)
        self.assertEqual(self.call(BUS, "/", BUS + ".NameHasOwner", NAME), (False,))
        self.assertEqual(self.control("show", "--value", "--property=Result", NAME + ".service"),
                         "success\n")


if __name__ == "__main__":
    main()
