# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the service that records all signals, and waits for expected ones."""

from gi.repository import Gio, GLib

from scdtest.testbed import events
from scdtest.testbed.testbed import connect_to_bus

NAME = "org.smartcardd1"
ROOT = "/org/smartcardd1"
MANAGER = NAME + ".Manager"
READER = NAME + ".Reader"
CARD = NAME + ".Card"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"

# The promised order.
INSERTION = ["InterfacesAdded", "PropertiesChanged", "CardInserted"]
REMOVAL = ["CardRemoved", "PropertiesChanged", "InterfacesRemoved"]


class Signal:
    def __init__(self, path, interface, member, arguments):
        self.path, self.interface, self.member = path, interface, member
        self.arguments = arguments

    def __repr__(self):
        return f"{self.member}{self.arguments} from {self.path}"


class Recorder:
    """A client with a bus connection of its own, as a desktop program has."""

    def __init__(self):
        self.connection = connect_to_bus()
        self.signals = []
        self.on_signal = lambda signal: None
        self.connection.signal_subscribe(NAME, None, None, None, None,
                                         Gio.DBusSignalFlags.NONE, self._record)
        self.connection.signal_subscribe("org.freedesktop.DBus", None, "NameOwnerChanged", None,
                                         NAME, Gio.DBusSignalFlags.NONE, self._record)
        # When the bus has replied, it has received the subscriptions.
        self.connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId",
                                  None, None, Gio.DBusCallFlags.NONE, -1, None)

    def _record(self, _connection, _sender, path, interface, member, arguments):
        signal = Signal(path, interface, member, arguments.unpack())
        self.signals.append(signal)
        self.on_signal(signal)

    def members(self):
        return [signal.member for signal in self.signals]

    def call(self, path, interface, method, arguments=None):
        """Signals that were sent before the answer are recorded before it is returned."""
        answer = self.connection.call_sync(NAME, path, interface, method, arguments, None,
                                           Gio.DBusCallFlags.NONE, int(events.LIMIT_S * 1000),
                                           None)
        while GLib.MainContext.default().iteration(False):
            pass
        return answer.unpack()

    def objects(self):
        return self.call(ROOT, OBJECT_MANAGER, "GetManagedObjects")[0]

    def readers(self):
        """PC/SC name → (path, properties)."""
        return {interfaces[READER]["Name"]: (path, interfaces[READER])
                for path, interfaces in self.objects().items() if READER in interfaces}

    def cards(self):
        return {path: interfaces[CARD]
                for path, interfaces in self.objects().items() if CARD in interfaces}

    def reader(self, words):
        """Path of the one reader whose name contains the words."""
        paths = [path for name, (path, _) in self.readers().items() if words in name]
        assert len(paths) == 1, f"readers named '{words}': {paths}"
        return paths[0]

    def get(self, path, interface, name):
        return self.call(path, PROPERTIES, "Get", GLib.Variant("(ss)", (interface, name)))[0]

    def manager(self, name):
        return self.get(ROOT, MANAGER, name)

    def departures(self):
        """Returns a set, to which the unique names are added that leave the bus from now on."""
        left = set()

        def note(*event):
            name, _before, now = event[5].unpack()
            if not now:
                left.add(name)
        self.connection.signal_subscribe("org.freedesktop.DBus", None, "NameOwnerChanged", None,
                                         None, Gio.DBusSignalFlags.NONE, note)
        self.manager("Available")  # by now the bus knows of the subscription
        return left

    def wait(self, condition, what):
        return events.wait_until(condition, what)

    def wait_for_signal(self, member, path=None, since=0):
        """The first such signal among those recorded from number since on."""
        def find():
            for signal in self.signals[since:]:
                if signal.member == member and path in (None, signal.path):
                    return signal
            return None
        try:
            return events.wait_until(find, f"{member} from {path}")
        except AssertionError as error:
            raise AssertionError(f"{error}; recorded: {self.signals[since:]}") from None

    def readers_that_came_or_went(self):
        """Returns the recorded signals of added and removed readers."""
        return [signal for signal in self.signals
                if signal.member in ("InterfacesAdded", "InterfacesRemoved")
                and READER in signal.arguments[1]]

    def wait_for_state(self, condition, what):
        """Checks the condition after each signal until it holds; the service may be absent."""
        asked_at = [-1]

        def holds():
            # A check may record signals itself; then it is repeated.
            while asked_at[0] != len(self.signals):
                asked_at[0] = len(self.signals)
                try:
                    if condition(self):
                        return True
                except GLib.Error as error:
                    if not error.matches(Gio.dbus_error_quark(), Gio.DBusError.SERVICE_UNKNOWN):
                        raise
            return False
        return events.wait_until(holds, what)

    def close(self):
        if not self.connection.is_closed():
            self.connection.close_sync(None)
