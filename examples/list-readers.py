#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists the readers, their USB ports and the cards in them, with one D-Bus call."""

from gi.repository import Gio

bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
reply = bus.call_sync("org.smartcardd1", "/org/smartcardd1", "org.freedesktop.DBus.ObjectManager",
                      "GetManagedObjects", None, None, Gio.DBusCallFlags.NONE, -1, None)
objects, = reply.unpack()

for path, interfaces in sorted(objects.items()):
    reader = interfaces.get("org.smartcardd1.Reader")
    if not reader:
        continue
    name = reader["Alias"] or reader["Name"]
    port = reader["UsbPath"] or "no USB port"
    if reader["CardPresent"]:
        card = objects[reader["Card"]]["org.smartcardd1.Card"]
        print(f"{name} ({port}): card {card['AtrHex']} {', '.join(card['Names'])}")
    else:
        print(f"{name} ({port}): no card")
