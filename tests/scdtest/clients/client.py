# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the service that talks to cards: calls that wait, and sessions."""

from gi.repository import Gio, GLib

from scdtest.clients.methods import needs_options, short_name
from scdtest.clients.recorder import CARD, NAME, PROPERTIES, READER, Recorder
from scdtest.testbed import events

SESSION = NAME + ".Session"


# The bus has the same error for its own limits as the service, which a test does not expect.
LIMIT_OF_THE_BUS = "The maximum number of pending replies per connection"


class Refused(Exception):
    """name: of the D-Bus error, without its prefix."""

    def __init__(self, error):
        super().__init__(error.message)
        name = Gio.DBusError.get_remote_error(error)
        self.name = ("LimitOfTheBus" if LIMIT_OF_THE_BUS in error.message
                     else short_name(name or ""))
        self.message = error.message


def data(value):
    """Returns an ay, or an aay of a list; GLib.Variant("ay") would convert each byte."""
    if isinstance(value, (bytes, bytearray)):
        return GLib.Variant.new_from_bytes(GLib.VariantType("ay"), GLib.Bytes.new(value), True)
    return GLib.Variant.new_array(GLib.VariantType("ay"), [data(item) for item in value])


def hex_data(text):
    return data(bytes.fromhex(text))


def options(**values):
    """a{sv}; names with a line for a hyphen."""
    types = {bool: "b", int: "u", str: "s", list: "as", bytes: "ay"}
    return GLib.Variant("a{sv}", {name.replace("_", "-"): value if isinstance(value, GLib.Variant)
                                  else GLib.Variant(types[type(value)], value)
                                  for name, value in values.items()})


def join(*values):
    """A tuple of arguments; words are strings, numbers are u, lists are as."""
    types = {str: "s", int: "u", list: "as"}
    return GLib.Variant.new_tuple(*[value if isinstance(value, GLib.Variant)
                                    else GLib.Variant(types[type(value)], value)
                                    for value in values])


def to_python(value):
    """As unpack(), but bytes are bytes."""
    kind = value.get_type_string()
    if kind == "ay":
        return value.get_data_as_bytes().get_data() if value.get_size() else b""
    if kind == "aay" or kind.startswith("("):
        return [to_python(value.get_child_value(i)) for i in range(value.n_children())]
    return value.unpack()


class Call:
    """A method call that may still wait for its answer."""

    def __init__(self, client, path, interface, method, arguments):
        self.is_done = False
        self.on_done = lambda: None
        self._answer = self._error = None
        self.client = client
        client.connection.call(NAME, path, interface, method, arguments, None,
                               Gio.DBusCallFlags.NONE, GLib.MAXINT, None, self._done)

    def _done(self, connection, result):
        try:
            self._answer = to_python(connection.call_finish(result))
        except GLib.Error as error:
            self._error = Refused(error)
        self.is_done = True
        self.client.done.append(self)
        self.on_done()

    def wait(self):
        """Returns the one result, a list of several, or None; raises Refused."""
        events.wait_until(lambda: self.is_done, "a call is answered")
        if self._error:
            raise self._error
        return self._answer[0] if len(self._answer) == 1 else self._answer or None

    def error(self):
        """Returns the name of the error that it must end in."""
        try:
            answer = self.wait()
        except Refused as refused:
            return refused.name
        raise AssertionError(f"this was not refused: {answer!r}")


class Client(Recorder):
    """done: its calls in the order in which they were answered."""

    def __init__(self):
        super().__init__()
        self.done = []

    def send(self, path, interface, method, *arguments):
        """Options may be left out."""
        if needs_options(method, len(arguments)):
            arguments += (options(),)
        return Call(self, path, interface, method, join(*arguments))

    def ask(self, path, interface, method, *arguments):
        return self.send(path, interface, method, *arguments).wait()

    def send_connect(self, path, share_mode="shared", protocols=(), **more):
        """path: of a reader or of a card."""
        interface = CARD if "/cards/" in path else READER
        return self.send(path, interface, "Connect", share_mode, list(protocols),
                         options(**more))

    def connect(self, path, share_mode="shared", protocols=(), **more):
        session, protocol = self.send_connect(path, share_mode, protocols, **more).wait()
        return Session(self, session, protocol)


class Session:
    """protocol: the one that Connect returned."""

    def __init__(self, client, path, protocol=""):
        self.client, self.path, self.protocol = client, path, protocol

    def send(self, method, *arguments):
        return self.client.send(self.path, SESSION, method, *arguments)

    def call(self, method, *arguments):
        return self.send(method, *arguments).wait()

    def send_transmit(self, command, **more):
        return self.send("Transmit", hex_data(command), options(**more))

    def transmit(self, command, **more):
        """Hex in, upper-case hex out."""
        return self.send_transmit(command, **more).wait().hex().upper()

    def send_many(self, commands, **more):
        return self.send("TransmitMany", data([bytes.fromhex(c) for c in commands]),
                         options(**more))

    def many(self, commands, **more):
        responses, _stopped = self.send_many(commands, **more).wait()
        return [response.hex().upper() for response in responses]

    def send_begin(self, **more):
        return self.send("BeginTransaction", options(**more))

    def begin(self, **more):
        self.send_begin(**more).wait()

    def end(self, disposition="leave"):
        self.call("EndTransaction", disposition)

    def reconnect(self, share_mode="shared", protocols=(), initialization="leave"):
        return self.call("Reconnect", share_mode, list(protocols), initialization)

    def close(self, disposition="leave"):
        self.call("Close", disposition)

    def get(self, name):
        return self.client.ask(self.path, PROPERTIES, "Get", SESSION, name)

    def wait_for_closed(self):
        """Returns the reason."""
        return self.client.wait_for_signal("Closed", self.path).arguments[0]
