# SPDX-License-Identifier: LGPL-2.1-or-later
"""A polkit that answers when, and as, a test wants."""

import os

from gi.repository import Gio, GLib

from scdtest.testbed.testbed import SOURCE, connect_to_bus

NAME = "org.freedesktop.PolicyKit1"
PATH = "/org/freedesktop/PolicyKit1/Authority"
INTERFACE = NAME + ".Authority"
XML = f"""<node><interface name="{INTERFACE}">
<method name="CheckAuthorization"><arg type="(sa{{sv}})" direction="in"/>
<arg type="s" direction="in"/><arg type="a{{ss}}" direction="in"/><arg type="u" direction="in"/>
<arg type="s" direction="in"/><arg type="(bba{{ss}})" direction="out"/></method>
<signal name="Changed"/>
</interface></node>"""

# Part of the configuration of the bus: with our own policy, the right to have the name.
POLICY = f"""<busconfig>
  <policy user="root"><allow own="{NAME}"/></policy>
  <include>{os.path.join(SOURCE, "data", "org.smartcardd1.conf")}</include>
</busconfig>
"""


class FakePolkit:
    """questions: the calls without an answer, as pairs of the client's name and the invocation.

    answer: a function that replies to each invocation; without one, the test does.
    """

    def __init__(self, answer=None):
        self.questions = []
        self.answer = answer
        self._connection = connect_to_bus()
        interface, = Gio.DBusNodeInfo.new_for_xml(XML).interfaces
        self._connection.register_object(PATH, interface, self._handle_call, None, None)
        self._connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus",
                                   "RequestName", GLib.Variant("(su)", (NAME, 0)), None,
                                   Gio.DBusCallFlags.NONE, -1, None)

    def _handle_call(self, _connection, _sender, _path, _interface, _method, arguments, invocation):
        (_, subject), *_ = arguments.unpack()
        if self.answer:
            self.answer(invocation)
        else:
            self.questions.append((subject["name"], invocation))

    def allow_all(self):
        """Answers all questions, and those that follow."""
        self.answer = allow
        for _, invocation in self.questions:
            allow(invocation)
        self.questions.clear()

    def announce_change(self):
        self._connection.emit_signal(None, PATH, INTERFACE, "Changed", None)

    def wait_until_sent(self):
        """Waits until the bus has received all its earlier messages."""
        self._connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId",
                                   None, None, Gio.DBusCallFlags.NONE, -1, None)

    def close(self):
        self._connection.close_sync(None)


def allow(invocation):
    invocation.return_value(GLib.Variant("((bba{ss}))", ((True, False, {}),)))

