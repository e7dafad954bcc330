#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the D-Bus interface that makes random calls, many at a time, and checks the answers.

Arguments: seed, number of the client, number of operations, and the share of its sessions that
have a channel, in percent.
"""

import os
import random
import select
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import scdtest.testbed.events  # noqa: F401  (the version of Gio)
from gi.repository import Gio, GLib

from bus_calls import Calls
from channel import Channel
from connection import KIND, NO_REPLY, Connection, Gone
from model import AWAY, LIMIT_S, Commands, Progress, Wrong, check_error, run_client

PENDING_MAX = 24
SESSIONS_MAX = 6
LEAVE_EACH = 400  # operations, on average


class Pending:
    """A call without an answer. check: gets the arguments of the reply."""

    def __init__(self, method, path, arguments, check, call_id):
        self.method, self.path, self.arguments = method, path, arguments
        self.check, self.call_id = check, call_id
        self.since = time.monotonic()

    def __str__(self):
        return f"{self.method} of {self.path}"


class BusClient:
    def __init__(self, seed, number, operations, channel_share):
        self.dice = random.Random(seed)
        self.number, self.channel_share = number, channel_share
        self.commands = Commands(self.dice, number)
        self._left = operations
        self._progress = Progress()
        self._calls = Calls(self)
        self._connect()

    def _connect(self):
        self.connection = Connection()
        self.pending = {}  # by serial number
        self._answered = set()
        self.sessions = {}  # path → Channel or None
        self.transactions = set()  # paths of sessions that have one, unless they have lost it
        self._closed = set()
        self._known = set()  # all paths of sessions of this connection
        self.cards, self.readers = [], []
        self.connection.ask_bus("AddMatch", GLib.Variant("(s)", (
            "type='signal',sender='org.smartcardd1',path_namespace='/org/smartcardd1'",)))
        self._calls.refresh_objects()

    def call(self, method, arguments=None, path="/org/smartcardd1", interface="Manager",
             check=lambda *values: None, call_id=None, no_reply=False):
        """Sends a call; its answer is checked when it comes."""
        flags = NO_REPLY if no_reply else Gio.DBusMessageFlags.NONE
        if "." not in interface:
            interface = "org.smartcardd1." + interface
        serial = self.connection.call(method, arguments, path=path, interface=interface,
                                      flags=flags)
        if not no_reply:
            self.pending[serial] = Pending(method, path, arguments, check, call_id)

    def add_session(self, path):
        if path in self._known:
            raise Wrong(f"Connect returned {path} twice")
        self._known.add(path)
        if path not in self._closed:
            self.sessions[path] = None
        if self.dice.randrange(100) < self.channel_share:
            self.call("OpenChannel", GLib.Variant("(a{sv})", ({},)), path, "Session",
                      lambda _handle: self._add_channel(path))

    def _add_channel(self, path):
        channel = Channel(self.connection.take_descriptor(), self.dice, self.commands)
        if path in self.sessions:
            self.sessions[path] = channel
        else:
            channel.close()

    def drop_session(self, path):
        channel = self.sessions.pop(path, None)
        if channel:
            channel.close()

    def _handle_signal(self, message):
        if message.get_member() != "Closed":
            return
        path = message.get_path()
        if path in self._closed:
            raise Wrong(f"the signal Closed of {path} came twice")
        self._closed.add(path)
        self.drop_session(path)

    def _handle(self, message):
        if message.get_message_type() == KIND.SIGNAL:
            self._handle_signal(message)
            return
        serial = message.get_reply_serial()
        pending = self.pending.pop(serial, None)
        if not pending:
            raise Wrong(f"the call {serial} got "
                        + ("two answers" if serial in self._answered else "an answer"))
        self._answered.add(serial)
        if message.get_message_type() == KIND.ERROR:
            self._handle_error(pending, message)
            return
        try:
            body = message.get_body()
            pending.check(*(body.get_child_value(i) for i in range(body.n_children()))
                          if body else ())
        except Wrong as error:
            raise Wrong(f"{pending}: {error}") from None

    def _handle_error(self, pending, message):
        name = message.get_error_name()
        try:
            check_error(name)
        except Wrong as error:
            raise Wrong(f"{pending}: {error}: {message.get_body()}") from None
        short = name.rpartition(".")[2]
        if short in ("UnknownObject", "UnknownReader", "RemovedCard", "NoService", "InvalidArgs"):
            self._calls.are_objects_old = True
        if short == "InvalidHandle" and "/sessions/" in pending.path:
            self.drop_session(pending.path)
        if name in AWAY:
            self._calls.are_objects_old = True
            self.sessions.clear()

    def _receive(self, limit_s):
        """Handles all messages and packets that arrive."""
        channels = [channel for channel in self.sessions.values() if channel]
        writing = [self.connection] if self.connection.has_unsent() else []
        readable, writable, _ = select.select([self.connection, *channels], writing, [], limit_s)
        if writable:
            self.connection.flush()
        for channel in channels:
            if channel in readable and not channel.receive():
                self._lose_channel(channel)
        if self.connection in readable:
            while message := self.connection.receive():
                self._handle(message)

    def _lose_channel(self, channel):
        for path in [path for path, other in self.sessions.items() if other is channel]:
            channel.close()
            self.sessions[path] = None

    def _is_busy(self):
        return len(self.pending) >= PENDING_MAX

    def _check_limit(self):
        for pending in self.pending.values():
            if time.monotonic() > pending.since + LIMIT_S:
                raise Wrong(f"no answer: {pending} with {pending.arguments}")

    def wait_for_all(self):
        """Waits for the answers to all calls."""
        while self.pending:
            self._receive(1)
            self._check_limit()

    def _leave(self):
        """Leaves the bus with calls pending, and comes back: no session is left."""
        name, known = self.connection.name, self._known
        for path in list(self.sessions):
            self.drop_session(path)
        self.connection.close()
        self._connect()
        self._wait_until_gone(name)
        sessions = self.connection.ask("ListSessions", handle=self._handle).unpack()[0]
        if left := known & {session["session"] for session in sessions}:
            raise Wrong(f"the owner of {left} has left the bus")

    def _wait_until_gone(self, name):
        argument = GLib.Variant("(s)", (name,))
        while self.connection.ask_bus("NameHasOwner", argument, handle=self._handle).unpack()[0]:
            pass

    def _step(self):
        self._left -= 1
        self._progress.step()
        if self.dice.randrange(LEAVE_EACH) == 0:
            self._leave()
            return
        channels = [channel for channel in self.sessions.values() if channel]
        if channels and self.dice.randrange(100) < self.channel_share:
            self.dice.choice(channels).send()
            return
        holding = [path for path in self.transactions if path in self.sessions]
        if holding and self.dice.random() < 0.3:
            self._calls.end(self.dice.choice(holding))
        else:
            self._calls.make_one(SESSIONS_MAX)

    def run(self):
        while self._left > 0:
            if self._calls.are_objects_old:
                self._calls.refresh_objects()
            if self._is_busy():
                self._receive(1)
                self._check_limit()
            else:
                self._step()
                self._receive(0)
        if self.dice.randrange(2):
            self.wait_for_all()
        for path in list(self.sessions):
            self.drop_session(path)
        self.connection.close()


def run(seed, number, operations, channel_share):
    client = BusClient(seed, number, operations, int(channel_share))
    try:
        client.run()
    except Gone as error:
        raise Wrong(str(error)) from None


if __name__ == "__main__":
    run_client(run)
