#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the application identifier of an OpenPGP card, which has its serial number.

Usage: read-card-id.py READER

READER is an alias, a USB port, a serial number or a name. The transaction prevents another program
from selecting another application between the two commands.
"""

import sys

from gi.repository import Gio, GLib

SELECT = bytes.fromhex("00A4040006D2760001240100")  # the OpenPGP application
GET_DATA = bytes.fromhex("00CA004F00")  # application identifier

bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)


def call(path, interface, method, arguments=None):
    """Returns the tuple of results. polkit may ask the user for a password meanwhile."""
    return bus.call_sync("org.smartcardd1", path, "org.smartcardd1." + interface, method, arguments,
                         None, Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION, GLib.MAXINT,
                         None).unpack()


def transmit(session, command):
    """Sends one command and returns the data of the response."""
    response, = call(session, "Session", "Transmit", GLib.Variant("(aya{sv})", (command, {})))
    data, status = bytes(response[:-2]), bytes(response[-2:])
    if status != b"\x90\x00":
        raise SystemExit(f"the card answered {status.hex().upper()}")
    return data


def main(selector):
    reader, = call("/org/smartcardd1", "Manager", "FindReader", GLib.Variant("(s)", (selector,)))
    session, _protocol = call(reader, "Reader", "Connect",
                              GLib.Variant("(sasa{sv})", ("shared", [], {})))
    call(session, "Session", "BeginTransaction", GLib.Variant("(a{sv})", ({},)))
    try:
        transmit(session, SELECT)
        print(transmit(session, GET_DATA).hex().upper())
    finally:
        call(session, "Session", "Close", GLib.Variant("(sa{sv})", ("leave", {})))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: read-card-id.py READER")
    try:
        main(sys.argv[1])
    except GLib.Error as error:
        Gio.DBusError.strip_remote_error(error)
        sys.exit(error.message)
