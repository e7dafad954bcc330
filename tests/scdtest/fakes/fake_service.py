# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fake service, whose answers the test sets: checks that its clients do not trust it too much."""

import os
import socket

from gi.repository import Gio, GLib

from scdtest.clients.channel import VERSION
from scdtest.clients.client import SESSION
from scdtest.clients.recorder import CARD, MANAGER, NAME, PROPERTIES, READER, ROOT
from scdtest.testbed.testbed import connect_to_bus

BUS = "org.freedesktop.DBus"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
READER_PATH, CARD_PATH, SESSION_PATH = (f"{ROOT}/{path}" for path in
                                        ("readers/Fake", "cards/1", "sessions/1"))
READER_NAME = "Fake 00 00"
PRESENT = 0x20
FEATURES = ["channel", "call-lifetime", "card-use", "find-cause", "pin-entry"]


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


def objects_of_text(text):
    """The same, with the text in each property that is a text."""
    value = GLib.Variant("s", text)
    names = ("Name", "Alias", "Vendor", "Product", "Serial", "UsbPath", "DriverVersion", "Seat")
    reader_properties = {"Card": GLib.Variant("o", CARD_PATH),
                         "CardPresent": GLib.Variant("b", True),
                         "Features": GLib.Variant("as", [text]), **dict.fromkeys(names, value)}
    return objects(reader_properties, card(Atr=GLib.Variant("ay", b"\x3b\x00\x1b"),
                                           HistoricalBytes=GLib.Variant("ay", text.encode()),
                                           Protocols=GLib.Variant("as", [text])))


def call_bus(connection, method, arguments=None):
    return connection.call_sync(BUS, "/org/freedesktop/DBus", BUS, method, arguments, None,
                                Gio.DBusCallFlags.NONE, -1, None).unpack()


def send_to_all(connection, path, interface, signal, arguments):
    """Sends the signal to each connection of the bus; it has arrived when this returns."""
    for name in call_bus(connection, "ListNames")[0]:
        if name.startswith(":"):
            connection.emit_signal(name, path, interface, signal, arguments)
    call_bus(connection, "GetId")


# By method: the types of its arguments, and of its result where a function answers.
ARGUMENTS = {"Connect": ("s", "as", "a{sv}"), "OpenChannel": ("a{sv}",),
             "Close": ("s", "a{sv}"), "FindReader": ("s",), "Control": ("u", "ay", "a{sv}"),
             "Reconnect": ("s", "as", "s", "a{sv}"), "Refresh": ("a{sv}",), "CancelCall": ("s",),
             "Transmit": ("ay", "a{sv}"), "BeginTransaction": ("a{sv}",),
             "SetAlias": ("s", "a{sv}"), "GetAttribute": ("u", "a{sv}"),
             "SetAttribute": ("u", "ay", "a{sv}"), "EndTransaction": ("s", "a{sv}"),
             "VerifyPin": ("ay", "a{sv}", "a{sv}"), "GetAll": ("s",)}
RESULTS = {"GetManagedObjects": ("a{oa{sa{sv}}}",), "OpenChannel": ("h",),
           "FindReader": ("o",), "Control": ("ay",), "Connect": ("o", "s"), "CancelCall": (),
           "Close": (), "Refresh": (), "SetAlias": (), "SetAttribute": (), "Reconnect": ("s",),
           "Transmit": ("ay",), "BeginTransaction": ("b",), "EndTransaction": (),
           "GetAttribute": ("ay",), "VerifyPin": ("ay",), "ListSessions": ("aa{sv}",),
           "ListUnservedDevices": ("aa{sv}",), "GetAll": ("a{sv}",)}


class FakeService:
    """Owns the service's name, with one reader, one card and one session.

    on_packet: a function from a packet that arrives by a channel to the answer, None to hang up;
    an empty list for no answer.
    channel_version, features: properties of the manager; None: it has none, as in old versions.
    available, text: properties of the manager: Available, and those that are texts.
    answers: by names of methods, the result as a tuple of GVariant, or a function
    that answers the invocation. GetAll is that of the manager.
    """

    def __init__(self, on_packet=None, available=GLib.Variant("b", True), text="",
                 channel_version=GLib.Variant("u", VERSION), features=FEATURES, **answers):
        self._on_packet = on_packet
        self.properties = {"Available": available, "Version": GLib.Variant("s", text),
                            "ReaderChanges": GLib.Variant("u", 1),
                            "UnavailableReason": GLib.Variant("s", text)}
        if channel_version:
            self.properties["ChannelVersion"] = channel_version
        if features is not None:
            self.properties["Features"] = GLib.Variant("as", features)
        self._text = text
        self._answers = {
            "GetManagedObjects": objects(reader(), card()),
            "FindReader": GLib.Variant("(o)", (READER_PATH,)),
            "Connect": GLib.Variant("(os)", (SESSION_PATH, "T=1")),
            "Control": self._refuse_control,
            "OpenChannel": self._open_channel,
            "Close": GLib.Variant("()", ()),
            "Reconnect": GLib.Variant("(s)", ("T=1",)),
            "Refresh": GLib.Variant("()", ()),
            "SetAlias": GLib.Variant("()", ()),
            "CancelCall": GLib.Variant("()", ()),
            "Transmit": GLib.Variant("(ay)", (b"\x90\x00",)),
            "BeginTransaction": GLib.Variant("(b)", (False,)),
            "EndTransaction": GLib.Variant("()", ()),
            "GetAttribute": GLib.Variant("(ay)", (b"value",)),
            "SetAttribute": GLib.Variant("()", ()),
            "VerifyPin": GLib.Variant("(ay)", (b"\x90\x00",)),
            "ListSessions": GLib.Variant("(aa{sv})", ([],)),
            "ListUnservedDevices": GLib.Variant("(aa{sv})", ([],)),
            **answers,
        }
        self.error = "org.smartcardd1.Error.NotAuthorized"  # in which Control ends
        self.flags = []  # of the message, for each call of Control
        self.calls = []  # (method, arguments) for each call
        self._descriptors = []
        self.connection = connect_to_bus()
        self._serve(ROOT, OBJECT_MANAGER, "GetManagedObjects")
        self._serve(ROOT, MANAGER, "FindReader", "CancelCall", "ListSessions",
                    "ListUnservedDevices")
        if "GetAll" in answers:
            self._serve(ROOT, PROPERTIES, "GetAll")
        self._serve(READER_PATH, READER, "Connect", "Control", "Refresh", "SetAlias")
        self._serve(SESSION_PATH, SESSION, "OpenChannel", "Close", "Reconnect", "Transmit",
                    "BeginTransaction", "EndTransaction", "GetAttribute", "SetAttribute",
                    "VerifyPin", "Control")
        call_bus(self.connection, "RequestName", GLib.Variant("(su)", (NAME, 0)))

    @classmethod
    def of_text(cls, text, available=True):
        """A service that has the text in all its properties and error messages."""
        return cls(available=GLib.Variant("b", available), text=text,
                   GetManagedObjects=objects_of_text(text))

    def answer(self, method, answer):
        """Replaces the answer; a value must have the type of the one before."""
        self._answers[method] = answer

    def _serve(self, path, interface, *methods):
        text = "".join(f'<method name="{name}">{self._arguments(name)}</method>'
                       for name in methods)
        if interface == MANAGER:
            text += "".join(
                f'<property name="{name}" type="{value.get_type_string()}" access="read"/>'
                for name, value in self.properties.items())
        node = Gio.DBusNodeInfo.new_for_xml(
            f'<node><interface name="{interface}">{text}</interface></node>')
        self.connection.register_object(path, node.interfaces[0], self._called,
                                        lambda *get: self.properties[get[4]], None)

    def _arguments(self, method):
        answer = self._answers[method]
        results = ([answer.get_child_value(i).get_type_string()
                    for i in range(answer.n_children())]
                   if isinstance(answer, GLib.Variant) else RESULTS[method])
        kinds = [*((kind, "in") for kind in ARGUMENTS.get(method, ())),
                 *((kind, "out") for kind in results)]
        return "".join(f'<arg type="{kind}" direction="{way}"/>' for kind, way in kinds)

    def _refuse_control(self, invocation):
        self.flags.append(invocation.get_message().get_flags())
        invocation.return_dbus_error(self.error, self._text)

    def _called(self, _bus, _sender, _path, _interface, method, arguments, invocation):
        self.calls.append((method, arguments.unpack()))
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
        if ours.fileno() < 0:
            return False
        packet = ours.recv(100000)
        answer = self._on_packet(packet) if packet else None
        if answer is None:
            ours.shutdown(socket.SHUT_RDWR)
            return False
        if answer != []:
            ours.send(answer)
        return True  # until the program leaves

    def send_packet(self, packet):
        """Sends an answer by the channel that was opened last."""
        self._descriptors[-1].send(packet)

    @staticmethod
    def hand_out(invocation, descriptor):
        fds = Gio.UnixFDList.new_from_array([descriptor])
        invocation.return_value_with_unix_fd_list(GLib.Variant("(h)", (0,)), fds)

    def close(self):
        self.connection.close_sync(None)
        for descriptor in self._descriptors:
            descriptor.close()


def refuse(name, text="no"):
    """Returns an answer that is this error."""
    return lambda invocation: invocation.return_dbus_error(name, text)


def pipe_for_channel(invocation):
    """Answers OpenChannel with a pipe instead of a socket."""
    reading, writing = os.pipe()
    os.close(reading)
    FakeService.hand_out(invocation, writing)
