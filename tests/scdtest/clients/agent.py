# SPDX-License-Identifier: LGPL-2.1-or-later
"""An authentication agent: the part of a desktop that shows polkit's dialogs."""

from gi.repository import Gio, GLib

from scdtest.testbed import events
from scdtest.testbed.testbed import connect_to_bus
from scdtest.testbed.users import as_user

NAME = "org.freedesktop.PolicyKit1"
AUTHORITY = "/org/freedesktop/PolicyKit1/Authority"
PATH = "/org/smartcardd1/test/Agent"
INTERFACE = """<node>
  <interface name="org.freedesktop.PolicyKit1.AuthenticationAgent">
    <method name="BeginAuthentication">
      <arg type="s" direction="in"/> <arg type="s" direction="in"/> <arg type="s" direction="in"/>
      <arg type="a{ss}" direction="in"/> <arg type="s" direction="in"/>
      <arg type="a(sa{sv})" direction="in"/>
    </method>
    <method name="CancelAuthentication"> <arg type="s" direction="in"/> </method>
  </interface>
</node>"""


def start_time(pid):
    """Returns the start time, by which polkit distinguishes processes with one PID."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return int(file.read().rpartition(")")[2].split()[19])


def connect(uid=0):
    """Connects to the bus as that user."""
    with as_user(uid):
        return connect_to_bus()


class Agent:
    """The agent of one program of another user; confirms the password to polkit as root."""

    def __init__(self, user):
        self.cancelled = []  # cookies of the dialogs that polkit took away
        self._dialogs = []  # those that are open: (arguments, invocation)
        self._uid = user.uid
        self._connection = connect(user.uid)
        self._helper = connect()
        interface, = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces
        self._connection.register_object(PATH, interface, self._call, None, None)
        process = {"pid": GLib.Variant("u", user.pid), "uid": GLib.Variant("i", user.uid),
                   "start-time": GLib.Variant("t", start_time(user.pid))}
        self._ask_polkit(self._connection, "RegisterAuthenticationAgent", GLib.Variant(
            "((sa{sv})ss)", (("unix-process", process), "C", PATH)))

    @staticmethod
    def _ask_polkit(connection, method, arguments):
        connection.call_sync(NAME, AUTHORITY, NAME + ".Authority", method, arguments, None,
                             Gio.DBusCallFlags.NONE, int(events.LIMIT_S * 1000), None)

    def _call(self, _connection, _sender, _path, _interface, method, arguments, invocation):
        if method == "BeginAuthentication":
            self._dialogs.append((arguments, invocation))
        else:
            self.cancelled.append(arguments.unpack()[0])
            invocation.return_value(None)

    def wait_for_dialog(self):
        """Returns the action and the text of the open dialog."""
        events.wait_until(lambda: self._dialogs, "polkit opens a dialog")
        (arguments, _), = self._dialogs
        return arguments.unpack()[:2]

    def confirm(self):
        """Authenticates as the first of the identities that polkit accepts."""
        self.wait_for_dialog()
        arguments, invocation = self._dialogs.pop()
        cookie, identities = (arguments.get_child_value(i) for i in (4, 5))
        self._ask_polkit(self._helper, "AuthenticationAgentResponse2", GLib.Variant.new_tuple(
            GLib.Variant("u", self._uid), cookie, identities.get_child_value(0)))
        invocation.return_value(None)

    def dismiss(self):
        self.wait_for_dialog()
        _, invocation = self._dialogs.pop()
        invocation.return_dbus_error(NAME + ".Error.Cancelled", "No thanks")

    def wait_until_cancelled(self):
        events.wait_until(lambda: self.cancelled, "polkit takes the dialog away")
        _, invocation = self._dialogs.pop()
        invocation.return_value(None)

    def close(self):
        self._connection.close_sync(None)
        self._helper.close_sync(None)
