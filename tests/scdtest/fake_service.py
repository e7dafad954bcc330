# SPDX-License-Identifier: LGPL-2.1-or-later
"""A service that answers as the test likes: for what becomes of programs that trust it too much."""

import os
import socket

from gi.repository import Gio, GLib

from .client import SESSION
from .recorder import CARD, MANAGER, NAME, READER, ROOT
from .testbed import BUS_ADDRESS

BUS = "org.freedesktop.DBus"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
READER_PATH, CARD_PATH, SESSION_PATH = (f"{ROOT}/{path}" for path in
                                        ("readers/Fake", "cards/1", "sessions/1"))
READER_NAME = "Fake 00 00"
PRESENT = 0x20


def reader(**changes):
    """Properties of a reader with a card in it."""
    return {"Name": GLib.Variant("s", READER_NAME), "State": GLib.Variant("u", PRESENT),
            "EventCount": GLib.Variant("u", 1), "Card": GLib.Variant("o", CARD_PATH), **changes}


def card(**changes):
    return {"Reader": GLib.Variant("o", READER_PATH), "Atr": GLib.Variant("ay", b"\x3b\x00"),
            **changes}


def objects(reader_properties, card_properties):
    """The answer of GetManagedObjects."""
    return GLib.Variant("(a{oa{sa{sv}}})", ({READER_PATH: {READER: reader_properties},
                                             CARD_PATH: {CARD: card_properties}},))


def connect_to_bus():
    return Gio.DBusConnection.new_for_address_sync(
        BUS_ADDRESS, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
        | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)


def call_bus(connection, method, arguments=None):
    return connection.call_sync(BUS, "/org/freedesktop/DBus", BUS, method, arguments, None,
                                Gio.DBusCallFlags.NONE, -1, None).unpack()


def send_to_all(connection, path, interface, signal, arguments):
    """To each who is on the bus, whether they want it or not; it has come when this returns."""
    for name in call_bus(connection, "ListNames")[0]:
        if name.startswith(":"):
            connection.emit_signal(name, path, interface, signal, arguments)
    call_bus(connection, "GetId")


class FakeService:
    """answers: by names of methods, other ones than usual. on_packet: gives what the other end of
    the channel gets for a packet, None to hang up."""

    def __init__(self, on_packet, available=GLib.Variant("b", True), **answers):
        self._on_packet = on_packet
        self._available = available
        self._answers = {
            "GetManagedObjects": objects(reader(), card()),
            "Connect": GLib.Variant("(os)", (SESSION_PATH, "T=1")),
            "OpenChannel": self._open_channel,
            "Close": GLib.Variant("()", ()),
            **answers,
        }
        self._descriptors = []
        self.connection = connect_to_bus()
        self._serve(ROOT, OBJECT_MANAGER, "GetManagedObjects")
        self._serve(ROOT, MANAGER)
        self._serve(READER_PATH, READER, "Connect")
        self._serve(SESSION_PATH, SESSION, "OpenChannel", "Close")
        call_bus(self.connection, "RequestName", GLib.Variant("(su)", (NAME, 0)))

    def _serve(self, path, interface, *methods):
        members = {"Connect": '<arg type="s"/><arg type="as"/><arg type="a{sv}"/>',
                   "OpenChannel": '<arg type="a{sv}"/>', "Close": '<arg type="s"/>'}
        text = "".join(f'<method name="{name}">{members.get(name, "")}{self._results(name)}'
                       "</method>" for name in methods)
        if interface == MANAGER:
            kind = self._available.get_type_string()
            text += f'<property name="Available" type="{kind}" access="read"/>'
        node = Gio.DBusNodeInfo.new_for_xml(
            f'<node><interface name="{interface}">{text}</interface></node>')
        self.connection.register_object(path, node.interfaces[0], self._called,
                                        lambda *_: self._available, None)

    def _results(self, method):
        answer = self._answers[method]
        kinds = ([answer.get_child_value(i).get_type_string() for i in range(answer.n_children())]
                 if isinstance(answer, GLib.Variant) else ["h"])
        return "".join(f'<arg type="{kind}" direction="out"/>' for kind in kinds)

    def _called(self, _bus, _sender, _path, _interface, method, _arguments, invocation):
        answer = self._answers[method]
        if isinstance(answer, GLib.Variant):
            invocation.return_value(answer)
        else:
            answer(invocation)

    def _open_channel(self, invocation):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._descriptors.append(ours)
        GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, ours.fileno(),
                              GLib.IOCondition.IN | GLib.IOCondition.HUP, self._packet, ours)
        self.hand_out(invocation, theirs.detach())

    def _packet(self, _fd, _condition, ours):
        packet = ours.recv(100000)
        answer = self._on_packet(packet) if packet else None
        if answer is None:
            ours.shutdown(socket.SHUT_RDWR)
            return False
        ours.send(answer)
        return True  # until the program leaves

    @staticmethod
    def hand_out(invocation, descriptor):
        fds = Gio.UnixFDList.new_from_array([descriptor])
        invocation.return_value_with_unix_fd_list(GLib.Variant("(h)", (0,)), fds)

    def close(self):
        self.connection.close_sync(None)
        for descriptor in self._descriptors:
            descriptor.close()


def pipe_for_channel(invocation):
    """No socket at all."""
    reading, writing = os.pipe()
    os.close(reading)
    FakeService.hand_out(invocation, writing)
