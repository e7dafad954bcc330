# SPDX-License-Identifier: LGPL-2.1-or-later
"""A systemd-logind that records the requests to lock and to end sessions.

As the real one does, it sends the signal of a session that is to be locked.
"""

import os

from gi.repository import Gio, GLib

from scdtest.testbed import events
from scdtest.testbed.testbed import SOURCE, connect_to_bus

NAME = "org.freedesktop.login1"
PATH = "/org/freedesktop/login1"
INTERFACE = NAME + ".Manager"
SEATS = "/run/systemd/seats"
SESSIONS = "/run/systemd/sessions"
USERS = "/run/systemd/users"
SESSION = NAME + ".Session"
XML = f"""<node><interface name="{INTERFACE}">
<method name="LockSession"><arg type="s" direction="in"/></method>
<method name="TerminateSession"><arg type="s" direction="in"/></method>
<method name="GetSession"><arg type="s" direction="in"/><arg type="o" direction="out"/></method>
<method name="Inhibit"><arg type="s" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="h" direction="out"/></method>
<signal name="PrepareForSleep"><arg type="b"/></signal>
</interface></node>"""

# Part of the configuration of the bus: with our own policy, the right to have the name.
POLICY = f"""<busconfig>
  <policy user="root">
    <allow own="{NAME}"/>
    <allow send_interface="org.freedesktop.DBus.Peer"/>
  </policy>
  <policy context="default"><allow send_destination="{NAME}"/></policy>
  <include>{os.path.join(SOURCE, "data", "org.smartcardd1.conf")}</include>
</busconfig>
"""


class Logind:
    """requests: pairs of a method and a session.

    A second one waits until the first one closes or, with dies_of_requests, gets a request.
    refusal: the text of the error in which requests end.
    """

    def __init__(self):
        self.requests = []
        self.dies_of_requests = False
        self.refusal = None
        self._connection = connect_to_bus()
        interface, = Gio.DBusNodeInfo.new_for_xml(XML).interfaces
        self._connection.register_object(PATH, interface, self._handle_call, None, None)
        self._connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus",
                                   "RequestName", GLib.Variant("(su)", (NAME, 0)), None,
                                   Gio.DBusCallFlags.NONE, -1, None)

    def _handle_call(self, _connection, _sender, _path, _interface, method, arguments, invocation):
        if method == "GetSession":  # "auto": that of the caller
            invocation.return_value(GLib.Variant("(o)", (session_path("c1"),)))
        elif method == "Inhibit":
            with open("/dev/null", "rb") as file:
                invocation.return_value_with_unix_fd_list(
                    GLib.Variant("(h)", (0,)), Gio.UnixFDList.new_from_array([os.dup(file.fileno())]))
        else:
            self.requests.append((method, *arguments.unpack()))
            if self.dies_of_requests:
                self.close()
                return
            if self.refusal:
                invocation.return_dbus_error(NAME + ".Refused", self.refusal)
                return
            invocation.return_value(None)
            if method == "LockSession":
                self._connection.emit_signal(None, session_path(*arguments.unpack()), SESSION,
                                             "Lock", None)

    def wait_for_requests(self, count):
        events.wait_until(lambda: len(self.requests) >= count, f"{count} requests")
        return self.requests

    def requests_until_now(self):
        """Returns those that have reached the bus."""
        self._connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId",
                                   None, None, Gio.DBusCallFlags.NONE, -1, None)
        while GLib.MainContext.default().iteration(False):
            pass
        return self.requests

    def prepare_for_sleep(self, begins=True, arguments=None):
        """Returns when our programs in the session have the signal: logind sends it in time.

        arguments: of a signal that violates the contract.
        """
        self._connection.emit_signal(None, PATH, INTERFACE, "PrepareForSleep",
                                     arguments or GLib.Variant("(b)", (begins,)))
        for name in self._session_programs():
            self._connection.call_sync(name, "/", "org.freedesktop.DBus.Peer", "Ping", None, None,
                                       Gio.DBusCallFlags.NONE, -1, None)

    def pretend_to_sleep(self):
        """Sends the same signals for another connection, to each of our programs in the session."""
        other = connect_to_bus()
        for name in self._session_programs():
            for begins in (True, False):
                other.emit_signal(name, PATH, INTERFACE, "PrepareForSleep",
                                  GLib.Variant("(b)", (begins,)))
            other.call_sync(name, "/", "org.freedesktop.DBus.Peer", "Ping", None, None,
                            Gio.DBusCallFlags.NONE, -1, None)
        other.close_sync(None)

    def _session_programs(self):
        return [name for name in self._ask_bus("ListNames", None, "(as)")
                if name.startswith(":") and self._is_session_program(name)]

    def _ask_bus(self, method, arguments, reply):
        return self._connection.call_sync(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method,
            arguments, GLib.VariantType(reply), Gio.DBusCallFlags.NONE, -1, None).unpack()[0]

    def _is_session_program(self, name):
        pid = self._ask_bus("GetConnectionUnixProcessID", GLib.Variant("(s)", (name,)), "(u)")
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            return file.read().startswith("smartcardd-")

    def sleep_and_resume(self):
        for begins in (True, False):
            self.prepare_for_sleep(begins)

    def close(self):
        if not self._connection.is_closed():
            self._connection.close_sync(None)


def session_path(name):
    return f"{PATH}/session/{name}"


def add_session(name, uid, **changes):
    """Writes the state of a session as logind has it for sd-login(3)."""
    os.makedirs(SESSIONS, exist_ok=True)
    with open(os.path.join(SESSIONS, name), "w", encoding="ascii") as file:
        for key, value in {"UID": uid, "STATE": "active", "SEAT": "seat0", **changes}.items():
            file.write(f"{key}={value}\n")


def remove_session(name):
    os.unlink(os.path.join(SESSIONS, name))


def add_seat(name, session):
    """Writes the state of a seat, on which the session is active."""
    os.makedirs(SEATS, exist_ok=True)
    with open(os.path.join(SEATS, name), "w", encoding="ascii") as file:
        file.write(f"ACTIVE={session}\nACTIVE_UID=0\n")


def set_display(uid, line):
    """Writes the state of a user. line: "DISPLAY=" and the name of the graphical session, or ""."""
    os.makedirs(USERS, exist_ok=True)
    with open(os.path.join(USERS, str(uid)), "w", encoding="ascii") as file:
        file.write(f"STATE=active\n{line}\n")
