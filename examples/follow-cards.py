#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints insertions and removals of cards until Ctrl-C.

The subscription also works while the service is not running, and when it restarts.
"""

from gi.repository import Gio, GLib

READER = "org.smartcardd1.Reader"


def print_event(_bus, _sender, path, _interface, name, arguments):
    """path is the object path of the reader."""
    if name == "CardInserted":
        card, atr = arguments.unpack()
        print(f"inserted {path} {card} {bytes(atr).hex().upper()}", flush=True)
    elif name == "CardRemoved":
        card, = arguments.unpack()
        print(f"removed {path} {card}", flush=True)


bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
bus.signal_subscribe("org.smartcardd1", READER, None, None, None, Gio.DBusSignalFlags.NONE,
                     print_event)
# A call starts the service, if it is not running, and its reply means that the bus has processed the
# subscription.
bus.call_sync("org.smartcardd1", "/org/smartcardd1", "org.freedesktop.DBus.Peer", "Ping", None, None,
              Gio.DBusCallFlags.NONE, -1, None)
print("following", flush=True)

try:
    GLib.MainLoop().run()
except KeyboardInterrupt:
    pass
