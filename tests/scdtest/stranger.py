# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has the name of smartcardd on the bus, and says there whatever a test likes."""

from gi.repository import Gio, GLib

from .recorder import CARD, MANAGER, NAME, READER, ROOT
from .testbed import BUS_ADDRESS

INTERFACES = """<node>
  <interface name="org.smartcardd1.Manager">
    <method name="FindReader"><arg type="s" direction="in"/><arg type="o" direction="out"/></method>
    <property name="Version" type="s" access="read"/>
    <property name="Available" type="b" access="read"/>
    <property name="UnavailableReason" type="s" access="read"/>
  </interface>
  <interface name="org.freedesktop.DBus.ObjectManager">
    <method name="GetManagedObjects"><arg type="a{oa{sa{sv}}}" direction="out"/></method>
  </interface>
</node>"""
READER_INTERFACE = """<node>
  <interface name="org.smartcardd1.Reader">
    <method name="Control">
      <arg type="u" direction="in"/><arg type="ay" direction="in"/>
      <arg type="a{sv}" direction="in"/><arg type="ay" direction="out"/>
    </method>
  </interface>
</node>"""

READER_PATH = ROOT + "/readers/r"
CARD_PATH = ROOT + "/cards/1"


class Stranger:
    """One reader and one card, with the text in all their properties."""

    def __init__(self, text, available=True):
        self.error = None  # the D-Bus name of what FindReader gives instead of the reader
        self._text, self._available = text, available
        self.connection = Gio.DBusConnection.new_for_address_sync(
            BUS_ADDRESS, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.flags = []  # of each call of Control
        for path, text in ((ROOT, INTERFACES), (READER_PATH, READER_INTERFACE)):
            for interface in Gio.DBusNodeInfo.new_for_xml(text).interfaces:
                self.connection.register_object(path, interface, self._call, self._get, None)
        self.connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus",
                                  "RequestName", GLib.Variant("(su)", (NAME, 0)), None,
                                  Gio.DBusCallFlags.NONE, -1, None)

    def _objects(self):
        text = GLib.Variant("s", self._text)
        reader = {name: text for name in ("Name", "Alias", "Vendor", "Product", "Serial",
                                          "UsbPath", "DriverVersion", "Seat")}
        reader["Card"] = GLib.Variant("o", CARD_PATH)
        reader["CardPresent"] = GLib.Variant("b", True)
        reader["Features"] = GLib.Variant("as", [self._text])
        card = {"Reader": GLib.Variant("o", READER_PATH),
                "Atr": GLib.Variant("ay", b"\x3b\x00\x1b"),
                "HistoricalBytes": GLib.Variant("ay", self._text.encode()),
                "Protocols": GLib.Variant("as", [self._text])}
        return GLib.Variant("(a{oa{sa{sv}}})",
                            ({READER_PATH: {READER: reader}, CARD_PATH: {CARD: card}},))

    def _call(self, _connection, _sender, _path, _interface, method, _arguments, invocation):
        if method == "GetManagedObjects":
            invocation.return_value(self._objects())
        elif method == "Control":
            self.flags.append(invocation.get_message().get_flags())
            invocation.return_dbus_error("org.smartcardd1.Error.NotAuthorized", self._text)
        elif self.error:
            invocation.return_dbus_error(self.error, self._text)
        else:
            invocation.return_value(GLib.Variant("(o)", (READER_PATH,)))

    def _get(self, _connection, _sender, _path, interface, name):
        assert interface == MANAGER
        if name == "Available":
            return GLib.Variant("b", self._available)
        return GLib.Variant("s", self._text)

    def close(self):
        self.connection.close_sync(None)
