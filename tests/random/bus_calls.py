# SPDX-License-Identifier: LGPL-2.1-or-later
"""The random calls of a client of the D-Bus interface, and what their replies must be."""

from gi.repository import GLib

from model import NAMES, check_pair, check_response

PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
DISPOSITIONS = ("leave", "leave", "leave", "reset", "unpower", "eject")
MODES = ("shared",) * 8 + ("exclusive", "direct")
PROTOCOLS = ([], [], ["T=0"], ["T=1"], ["T=0", "T=1"], ["raw"])
ATR_STRING, VENDOR_NAME, GET_FEATURE_REQUEST = 0x90303, 0x10100, 0x42000D48
TIME_LIMITS_MS = (0, 1, 10, 100, 1000)
NO_LIMIT = 0xFFFFFFFF


def data(value):
    return GLib.Variant.new_from_bytes(GLib.VariantType("ay"), GLib.Bytes.new(value), True)


def data_list(values):
    return GLib.Variant.new_array(GLib.VariantType("ay"), [data(value) for value in values])


def to_bytes(value):
    return value.get_data_as_bytes().get_data() if value.get_size() else b""


def to_bytes_list(value):
    return [to_bytes(value.get_child_value(i)) for i in range(value.n_children())]


def join(*values):
    types = {str: "s", int: "u", list: "as"}
    return GLib.Variant.new_tuple(*[value if isinstance(value, GLib.Variant)
                                    else GLib.Variant(types[type(value)], value)
                                    for value in values])


def check_responses(responses, expected, stopped):
    """Checks those of a script; stopped: why there are fewer than commands."""
    for response, right in zip(responses, expected):
        check_response(response, right)
    if stopped == "" and len(responses) != len(expected):
        check_response(b"", b"")


class Calls:
    """client: a BusClient."""

    def __init__(self, client):
        self._client, self._dice = client, client.dice
        self._number = 0
        self.are_objects_old = False
        session = [(self._transmit, 20), (self._transmit_many, 8),
                   (self._pair, 6), (self._begin, 6), (self.end, 8), (self._reconnect, 6),
                   (self._control, 3), (self._get_attribute, 4), (self._set_attribute, 1),
                   (self._get_status, 4), (self._close, 3), (self._get_property, 2)]
        others = [(self._connect, 12), (self._one_shot, 3), (self._transmit_hex, 2), (self._wait_for_card, 2),
                  (self._wait_for_removal, 2), (self._refresh, 1), (self._cancel, 6),
                  (self._find_reader, 1), (self._list_sessions, 1), (self._can_connect, 1),
                  (self._close_session, 1), (self._read_tree, 1)]
        self._of_session = [call for call, weight in session for _ in range(weight)]
        self._others = [call for call, weight in others for _ in range(weight)]

    def refresh_objects(self):
        """Begins to read the paths of the readers and the cards."""
        self.are_objects_old = False
        self._client.call("GetManagedObjects", interface=OBJECT_MANAGER,
                          check=self._set_objects)

    def _set_objects(self, objects):
        paths = objects.unpack()
        self._client.readers = [path for path in paths if "/readers/" in path]
        self._client.cards = [path for path in paths if "/cards/" in path]

    def make_one(self, sessions_max):
        sessions = list(self._client.sessions)
        if not sessions or self._dice.random() < 0.25:
            call = self._dice.choice(self._others)
            if call == self._connect and len(sessions) >= sessions_max:
                call = self._cancel
            call()
        else:
            self._dice.choice(self._of_session)(self._dice.choice(sessions))

    def _options(self, longest_ms=NO_LIMIT, **more):
        """Returns options with a time limit and an id, perhaps; and the id or None."""
        options = {name.replace("_", "-"): GLib.Variant("b", value)
                   for name, value in more.items()}
        call_id = None
        chance = self._dice.random()
        if chance < 0.2:
            limit_ms = self._dice.choice(TIME_LIMITS_MS)
            options["timeout-ms"] = GLib.Variant("u", limit_ms)
        elif chance < 0.25:
            options["timeout-ms"] = GLib.Variant("u", longest_ms)
        if self._dice.random() < 0.2:
            self._number += 1
            call_id = f"call-{self._number}"
            options["call-id"] = GLib.Variant("s", call_id)
        return GLib.Variant("a{sv}", options), call_id

    def _call(self, path, interface, method, *values, check=lambda *values: None, **more):
        """Calls a method with options."""
        options, call_id = self._options(**more)
        no_reply = self._dice.random() < 0.01 and method not in ("Connect", "OpenChannel")
        self._client.call(method, join(*values, options), path, interface, check, call_id,
                          no_reply)

    def _of(self, session, method, *values, **options):
        self._call(session, "Session", method, *values, **options)

    def _transmit(self, session):
        command, expected = self._client.commands.echo()
        self._of(session, "Transmit", data(command),
                 check=lambda response: check_response(to_bytes(response), expected))

    def _transmit_hex(self):
        if not self._client.cards:
            return
        command, expected = self._client.commands.echo()
        self._client.call(
            "TransmitHex", join(command.hex()), self._dice.choice(self._client.cards), "Card",
            lambda response: check_response(bytes.fromhex(response.unpack()), expected))

    def _transmit_many(self, session):
        pairs = [self._client.commands.echo() for _ in range(self._dice.choice((1, 2, 5)))]
        self._of(session, "TransmitMany", data_list([command for command, _ in pairs]),
                 check=lambda responses, stopped: check_responses(
                     to_bytes_list(responses), [right for _, right in pairs], stopped.unpack()))

    def _pair(self, session):
        commands, expected = self._client.commands.pair()

        def check(responses, _stopped):
            responses = to_bytes_list(responses)
            if len(responses) == 2:
                check_pair(responses, expected)
        self._of(session, "TransmitMany", data_list(commands), check=check)

    def _begin(self, session):
        self._of(session, "BeginTransaction",
                 check=lambda _used: self._client.transactions.add(session))

    def end(self, session):
        """Ends a transaction."""
        self._client.transactions.discard(session)
        self._of(session, "EndTransaction", self._dice.choice(DISPOSITIONS))

    def _reconnect(self, session):
        self._of(session, "Reconnect", self._dice.choice(MODES), self._dice.choice(PROTOCOLS),
                 self._dice.choice(DISPOSITIONS[:5]))

    def _control(self, session):
        self._of(session, "Control", self._dice.choice((GET_FEATURE_REQUEST, 0x42000001, 1)),
                 data(b"x" * self._dice.choice((0, 1, 1000))))

    def _get_attribute(self, session):
        self._of(session, "GetAttribute", self._dice.choice((ATR_STRING, VENDOR_NAME, 0)))

    def _set_attribute(self, session):
        self._of(session, "SetAttribute", VENDOR_NAME, data(b"x"))

    def _get_status(self, session):
        self._of(session, "GetStatus")

    def _close(self, session):
        self._client.drop_session(session)
        self._of(session, "Close", self._dice.choice(DISPOSITIONS))

    def _get_property(self, session):
        name = self._dice.choice(("Card", "Reader", "ShareMode", "Protocol", "InTransaction"))
        self._client.call("Get", join("org.smartcardd1.Session", name), session, PROPERTIES)

    def _connect(self):
        paths = self._client.readers + self._client.cards
        if not paths:
            self.are_objects_old = True
            return
        path = self._dice.choice(paths)
        self._call(path, "Card" if "/cards/" in path else "Reader", "Connect",
                   self._dice.choice(MODES), GLib.Variant("as", self._dice.choice(PROTOCOLS)),
                   check=lambda session, _protocol: self._client.add_session(session.unpack()),
                   quiet=self._dice.random() < 0.5)

    def _one_shot(self):
        if not self._client.cards:
            return
        command, expected = self._client.commands.echo()
        self._call(self._dice.choice(self._client.cards), "Card", "Transmit", data(command),
                   check=lambda response: check_response(to_bytes(response), expected))

    def _wait_for_card(self):
        options, call_id = self._options(1500, new=self._dice.random() < 0.5)
        self._client.call("WaitForCard", join(options), call_id=call_id)

    def _wait_for_removal(self):
        if self._client.cards:
            options, call_id = self._options(1500)
            card = GLib.Variant("o", self._dice.choice(self._client.cards))
            self._client.call("WaitForRemoval", join(card, options), call_id=call_id)

    def _refresh(self):
        if self._client.readers:
            self._call(self._dice.choice(self._client.readers), "Reader", "Refresh")

    def _cancel(self):
        ids = [pending.call_id for pending in self._client.pending.values() if pending.call_id]
        self._client.call("CancelCall", join(self._dice.choice(ids) if ids else "none"))

    def _find_reader(self):
        self._client.call("FindReader", join(self._dice.choice([*NAMES, "none"])))

    def _list_sessions(self):
        self._client.call("ListSessions", check=self._close_one_of)

    def _close_one_of(self, sessions):
        """Closes a session of any client, sometimes."""
        paths = [session["session"] for session in sessions.unpack()]
        if paths and self._dice.random() < 0.2:
            self._client.call("CloseSession",
                              join(GLib.Variant("o", self._dice.choice(paths))))

    def _can_connect(self):
        if self._client.readers:
            self._client.call("CanConnect",
                              join(GLib.Variant("o", self._dice.choice(self._client.readers))))

    def _close_session(self):
        if self._client.sessions:
            session = self._dice.choice(list(self._client.sessions))
            self._client.call("CloseSession", join(GLib.Variant("o", session)))

    def _read_tree(self):
        self.refresh_objects()
