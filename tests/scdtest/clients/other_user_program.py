# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs of other users that make the calls that they read from standard input: see other_user.py.

With two arguments, the address of the bus and the time limit of a call, this is one such program.
With the number of a socket before these it starts them: for each user and group that it receives,
with the descriptors of two pipes, it forks one and sends its PID. That takes a tenth of the time
that Python takes to start.

It imports no other module, since its user may not be able to read this folder.
"""

import json
import os
import signal
import socket
import sys

from gi.repository import Gio, GLib

NAME = "org.smartcardd1"


OPTIONS = {bool: "b", int: "u", str: "s"}


def to_arguments(values):
    """Converts values; a dictionary is one of options."""
    return [{key: GLib.Variant(OPTIONS[type(item)], item) for key, item in value.items()}
            if isinstance(value, dict) else value for value in values]


def run(address, limit_ms):
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


def become(uid, gid, pipes):
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    for number, pipe in enumerate(pipes):
        os.dup2(pipe, number)
        os.close(pipe)


def start_programs(control, *arguments):
    """Until the end of file."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the children
    while True:
        order, pipes, _, _ = socket.recv_fds(control, 100, 2)
        if not order:
            return
        if not (child := os.fork()):
            control.close()
            become(*json.loads(order), pipes)
            return run(*arguments)
        for pipe in pipes:
            os.close(pipe)
        control.send(b"%d" % child)


def main(*numbers):
    address, limit_ms = sys.argv[-2:]
    if numbers:
        start_programs(socket.socket(fileno=numbers[0]), address, int(limit_ms))
    else:
        run(address, int(limit_ms))


main(*map(int, sys.argv[1:-2]))
