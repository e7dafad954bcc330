# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine's polkitd on the private bus, with our actions and the rules of the test."""

import os
import signal
import subprocess

from gi.repository import Gio, GLib

from scdtest.testbed import events
from scdtest.testbed.process import Process
from scdtest.testbed.testbed import SOURCE, connect_to_bus

NAME = "org.freedesktop.PolicyKit1"
PROGRAM = "/usr/lib/polkit-1/polkitd"
ACTIONS = "/usr/share/polkit-1/actions"
RULES = "/etc/polkit-1/rules.d"
OTHER_RULES = "/usr/share/polkit-1/rules.d"

# There is no logind and hence no active session: the rules alone decide.
HEAD = """polkit.addRule(function(action, subject) {
    if (action.id.indexOf("org.smartcardd1.") != 0)
        return polkit.Result.NOT_HANDLED;
"""
TAIL = "});\n"


class Polkit:
    """Private folders for polkitd, which stay while the daemon restarts."""

    def __init__(self):
        self._daemon = None
        for folder in (ACTIONS, RULES, OTHER_RULES):
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder], check=True)
        with open(os.path.join(SOURCE, "data", "org.smartcardd1.policy"), "rb") as ours:
            self._write(os.path.join(ACTIONS, "org.smartcardd1.policy"), ours.read())
        self.connect()

    def connect(self):
        """Connects to the bus, again if that is another one now."""
        self._connection = connect_to_bus()
        self._owner, self._changes = "", 0
        self._connection.signal_subscribe("org.freedesktop.DBus", None, "NameOwnerChanged", None,
                                          NAME, Gio.DBusSignalFlags.NONE, self._note_owner)
        self._connection.signal_subscribe(NAME, NAME + ".Authority", "Changed", None, None,
                                          Gio.DBusSignalFlags.NONE, self._note_change)

    def _note_owner(self, _connection, _sender, _path, _interface, _member, arguments):
        self._owner = arguments.unpack()[2]

    def _note_change(self, *_):
        self._changes += 1

    @staticmethod
    def _write(path, content):
        """polkitd reads a file of rules when it gets its name, so it is complete then."""
        with open(path + ".new", "wb") as file:
            file.write(content)
        os.rename(path + ".new", path)

    def start(self, body=""):
        """body: of a rule in JavaScript, which has "action" and "subject"."""
        self._write_rule(body)
        self._run()

    def _run(self):
        self._daemon = Process("polkitd", [PROGRAM, "--no-debug"])
        events.wait_until(lambda: self._owner, "polkitd has its name")

    def _write_rule(self, body):
        self._write(os.path.join(RULES, "test.rules"), (HEAD + body + TAIL).encode())

    def wait_until_idle(self):
        """Waits until it has replied to all earlier calls."""
        name = GLib.Variant("s", self._connection.get_unique_name())
        subject = ("system-bus-name", {"name": name})
        self._connection.call_sync(NAME, "/org/freedesktop/PolicyKit1/Authority",
                                   NAME + ".Authority", "CheckAuthorization",
                                   GLib.Variant("((sa{sv})sa{ss}us)",
                                                (subject, "org.smartcardd1.connect", {}, 0, "")),
                                   None, Gio.DBusCallFlags.NONE, int(events.LIMIT_S * 1000), None)

    def start_with(self, rules):
        """rules: the text of a whole file."""
        self._write(os.path.join(RULES, "test.rules"), rules.encode())
        self._run()

    def change_rule(self, body):
        """Returns when polkitd has announced the change, which it may do more than once.

        It announces an agent in the same way: what happened before does not count.
        """
        self.wait_until_idle()
        while GLib.MainContext.default().iteration(False):
            pass
        before = self._changes
        self._write_rule(body)
        events.wait_until(lambda: self._changes > before, "polkitd has read its rules")
        self.wait_until_idle()

    def pause(self):
        """Stops it with SIGSTOP."""
        self._daemon.send_signal(signal.SIGSTOP)

    def resume(self):
        self._daemon.send_signal(signal.SIGCONT)

    def stop(self):
        """Kills it, even if it is paused; newer versions have a handler for SIGTERM."""
        self._daemon.stop(signal.SIGKILL, expect=(-signal.SIGKILL,))
        self._daemon = None
        events.wait_until(lambda: not self._owner, "polkitd has gone")

    def close(self):
        try:
            if self._daemon:
                self.stop()
        finally:
            self._connection.close_sync(None)
            for folder in (ACTIONS, RULES, OTHER_RULES):
                subprocess.run(["umount", "--lazy", folder], check=True)
