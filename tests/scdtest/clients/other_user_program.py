# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that makes the calls that it reads from standard input: see other_user.py.

It imports no other module, since its user may not be able to read this folder.
"""

import json
import sys

from gi.repository import Gio, GLib

NAME = "org.smartcardd1"


OPTIONS = {bool: "b", int: "u", str: "s"}


def to_arguments(values):
    """Converts values; a dictionary is one of options."""
    return [{key: GLib.Variant(OPTIONS[type(item)], item) for key, item in value.items()}
            if isinstance(value, dict) else value for value in values]


def main(address, limit_ms):
    flags = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
             | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
    bus = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
    loop = GLib.MainLoop()

    def tell(**words):
        print(json.dumps(words), flush=True)

    def answered(_bus, result, number):
        try:
            tell(number=number, answer=bus.call_finish(result).unpack())
        except GLib.Error as error:
            name = Gio.DBusError.get_remote_error(error)
            Gio.DBusError.strip_remote_error(error)
            tell(number=number, error=name or error.domain, message=error.message)

    def heard(_bus, _sender, path, _interface, member, arguments):
        tell(signal=member, path=path, arguments=arguments.unpack())

    def obey(channel, _condition):
        line = channel.readline()
        if not line:
            loop.quit()
            return False
        order = json.loads(line)
        flags = (Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION if order["interactive"]
                 else Gio.DBusCallFlags.NONE)
        arguments = GLib.Variant(order["signature"], to_arguments(order["arguments"]))
        bus.call(order["destination"], order["path"], order["interface"], order["method"],
                 arguments, None, flags, limit_ms, None, answered, order["number"])
        return True

    bus.signal_subscribe(NAME, NAME + ".Session", None, None, None, Gio.DBusSignalFlags.NONE, heard)
    # Unbuffered: the main loop sees each line.
    orders = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
    GLib.io_add_watch(orders, GLib.IOCondition.IN | GLib.IOCondition.HUP, obey)
    tell(name=bus.get_unique_name())
    loop.run()


main(sys.argv[1], int(sys.argv[2]))
