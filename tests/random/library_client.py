#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that makes random asynchronous calls of the client library, and checks the results.

Arguments: seed, number of the client, number of operations.
"""

import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import scdtest.testbed.events  # noqa: F401  (the version of Gio)
from gi.repository import Gio, GLib

from scdtest.cases.glib_library import Smartcardd

from model import LIMIT_S, Commands, Progress, Wrong, check_pair, check_response, run_client

PENDING_MAX = 16
SESSIONS_MAX = 4
TIME_LIMITS_MS = (-1, -1, 0, 1, 100, 3000)
CONTROL_CODES = (0x42000D48, 1)
ATTRIBUTES = (0x90303, 1)


class LibraryClient:
    def __init__(self, seed, number, operations):
        self._dice = random.Random(seed)
        self._commands = Commands(self._dice, number)
        self._left = operations
        self._progress = Progress()
        self._client = Smartcardd.Client.new(None)
        self._sessions, self._transactions = [], []
        self._pending = {}  # number → (name of the method, cancellable, since)
        self._number = 0
        self._wrong = None
        calls = [(self._open, 10), (self._transmit, 30), (self._transmit_pair, 8),
                 (self._begin, 8), (self._end, 10), (self._reconnect, 5), (self._control, 2),
                 (self._get_attribute, 3), (self._close, 3), (self._cancel, 8),
                 (self._wait_for_card, 2), (self._forget, 2)]
        self._calls = [call for call, weight in calls for _ in range(weight)]

    def _start(self, source, method, *arguments, done=lambda result: None):
        """Calls method_async(), and done() with its result if it is not an error."""
        self._number += 1
        number, cancellable = self._number, Gio.Cancellable()
        self._pending[number] = method, cancellable, time.monotonic()
        finish = getattr(source, method + "_finish")

        def handle(_source, result, *_data):
            try:
                if not self._pending.pop(number, None):
                    raise Wrong(f"{method} has ended twice")
                self._finish(method, finish, result, done)
            except Wrong as error:
                self._wrong = error
        getattr(source, method + "_async" if hasattr(source, method + "_async") else method)(
            *arguments, cancellable, handle)

    @staticmethod
    def _finish(method, finish, result, done):
        try:
            value = finish(result)
        except GLib.Error as error:
            if error.domain not in ("smartcardd-error-quark", "g-io-error-quark",
                                    "g-dbus-error-quark"):
                raise Wrong(f"{method}: {error.domain}: {error.message}") from None
            return
        done(value)

    def _limit(self):
        return self._dice.choice(TIME_LIMITS_MS)

    def _session(self):
        sessions = [session for session in self._sessions if not session.is_closed()]
        return self._dice.choice(sessions) if sessions else None

    def _open(self):
        cards = self._client.get_cards()
        self._sessions = [session for session in self._sessions if not session.is_closed()]
        if not cards.get_n_items() or len(self._sessions) >= SESSIONS_MAX:
            return
        card = cards.get_item(self._dice.randrange(cards.get_n_items()))
        mode = (Smartcardd.ShareMode.EXCLUSIVE if self._dice.random() < 0.1
                else Smartcardd.ShareMode.SHARED)
        self._start(card, "open_session", mode, Smartcardd.Protocols.ANY, self._limit(),
                    done=self._sessions.append)

    def _transmit(self):
        if not (session := self._session()):
            return self._open()
        command, expected = self._commands.echo()
        return self._start(session, "transmit", GLib.Bytes.new(command), self._limit(),
                           done=lambda response: check_response(response.get_data(), expected))

    def _transmit_pair(self):
        if not (session := self._session()):
            return
        commands, expected = self._commands.pair()

        def done(responses):
            if len(responses) == 2:
                # The library sends them one by one; it takes a transaction to keep others away.
                check_pair([response.get_data() for response in responses], expected,
                           is_alone=False)
        self._start(session, "transmit_many", [GLib.Bytes.new(command) for command in commands],
                    None, self._limit(), done=done)

    def _begin(self):
        if session := self._session():
            self._start(session, "begin_transaction", self._limit(),
                        done=self._transactions.append)

    def _end(self):
        if self._transactions:
            transaction = self._transactions.pop(self._dice.randrange(len(self._transactions)))
            self._start(transaction, "end", self._disposition())

    def _disposition(self):
        kinds = Smartcardd.Disposition
        return self._dice.choice((kinds.LEAVE, kinds.LEAVE, kinds.LEAVE, kinds.RESET,
                                  kinds.UNPOWER))

    def _reconnect(self):
        if session := self._session():
            self._start(session, "reconnect", Smartcardd.ShareMode.SHARED,
                        Smartcardd.Protocols.ANY, self._disposition(), self._limit())

    def _control(self):
        if session := self._session():
            self._start(session, "control", self._dice.choice(CONTROL_CODES),
                        GLib.Bytes.new(b"x"), self._limit())

    def _get_attribute(self):
        if session := self._session():
            self._start(session, "get_attribute", self._dice.choice(ATTRIBUTES), self._limit())

    def _close(self):
        if session := self._session():
            self._start(session, "close", self._disposition(), self._limit())

    def _forget(self):
        """Drops the last reference to a session, or to a transaction, which ends it."""
        if self._transactions and self._dice.random() < 0.5:
            self._transactions.pop()
        elif self._sessions:
            self._sessions.pop(self._dice.randrange(len(self._sessions)))

    def _cancel(self):
        if self._pending:
            self._pending[self._dice.choice(list(self._pending))][1].cancel()

    def _wait_for_card(self):
        self._start(self._client, "wait_for_card", None, self._dice.choice((0, 1, 100)))

    def _iterate(self, may_block):
        GLib.MainContext.default().iteration(may_block)
        if self._wrong:
            raise self._wrong
        for method, _cancellable, since in self._pending.values():
            if time.monotonic() > since + LIMIT_S:
                raise Wrong(f"{method} does not end")

    def run(self):
        GLib.timeout_add_seconds(1, lambda: True)
        while self._left > 0:
            if len(self._pending) >= PENDING_MAX:
                self._iterate(True)
                continue
            self._left -= 1
            self._progress.step()
            if self._transactions and self._dice.random() < 0.5:
                self._end()
            else:
                self._dice.choice(self._calls)()
            self._iterate(False)
        if self._dice.random() < 0.5:
            while self._pending:
                self._iterate(True)


def run(seed, number, operations):
    LibraryClient(seed, number, operations).run()
    os._exit(0)  # leaves what is open to the service


if __name__ == "__main__":
    run_client(run)
