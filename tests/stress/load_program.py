# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that uses cards over and over until it is killed: see load.py.

It prints a line for each attempt: "used", or "failed" and the error, after which it tries again. A
response that is not that of its command ends it.
"""

import contextlib
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.clients import winscard
from scdtest.clients.channel import SUCCESS, Channel, transmit
from scdtest.clients.client import Client, Refused
from scdtest.testbed.users import as_user

LONGEST_DATA = 200
MOST_COMMANDS = 5
VERIFY = "00200080083132333435363738"
PAUSE_S = 0.02  # the longest pause between two attempts


class Failed(Exception):
    """The argument is the name of the error."""


class User:
    """The base class of all ways to a card. Its random numbers decide what it does."""

    def __init__(self, numbers, account):
        self.numbers, self.account = numbers, account

    def happens(self, probability):
        return self.numbers.random() < probability

    def exchange(self, send):
        """Sends a command whose response has the same data. send: a function of hex, to hex."""
        data = self.numbers.randbytes(self.numbers.randint(1, LONGEST_DATA)).hex().upper()
        response = send(f"80100000{len(data) // 2:02X}{data}")
        if response != data + "9000":
            sys.exit(f"wrong response {response} to {data}")

    def exchange_some(self, send):
        for _ in range(self.numbers.randint(1, MOST_COMMANDS)):
            self.exchange(send)

    def use_in_transaction(self, send, begin, end):
        """A transaction in which a PIN is verified. begin, end: functions without arguments."""
        begin()
        send(VERIFY)
        self.exchange(send)
        end()


class BusUser(User):
    """Sessions of a client on the bus, some of which end with the connection of their client."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._client = None

    def _connect(self):
        if not self._client:
            with as_user(self.account):
                self._client = Client()
        return self._client

    def _leave(self):
        if self._client:
            with contextlib.suppress(GLib.Error):
                self._client.close()
        self._client = None

    def use(self):
        try:
            client = self._connect()
            del client.signals[:], client.done[:]
            cards = sorted(client.cards())
            if not cards:
                raise Failed("no card")
            session = client.connect(self.numbers.choice(cards))
            self.use_session(session)
            if self.happens(0.8):
                session.close(self.numbers.choice(["leave", "reset"]))
            else:
                self._leave()
        except Refused as error:
            self._leave()
            raise Failed(error.name or error.message) from None
        except (GLib.Error, OSError) as error:
            self._leave()
            raise Failed(type(error).__name__) from None

    def use_session(self, session):
        self.exchange_some(session.transmit)
        if self.happens(0.3):
            self.use_in_transaction(session.transmit, session.begin,
                                    lambda: session.end("reset"))


class ChannelUser(BusUser):
    """The same, but the commands go through a channel."""

    def use_session(self, session):
        channel = Channel(session)

        def send(command):
            answer = channel.ask(transmit(command))
            if not answer:
                raise Failed("the channel has ended")
            code, response = answer
            if code != SUCCESS:
                raise Failed(f"{code:08X}")
            return response.hex().upper()

        try:
            self.exchange_some(send)
            if self.happens(0.3):
                self.use_in_transaction(send, session.begin, lambda: session.end("reset"))
        finally:
            channel.close()


class LibraryUser(User):
    """The client library. It has one client for its whole life, which must find the service again."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        from scdtest.cases.glib_library import DEFAULT, Smartcardd
        self._library, self._limit = Smartcardd, DEFAULT
        self._client = None

    def use(self):
        try:
            self._client = self._client or self._library.Client.new(None)
            while GLib.MainContext.default().iteration(False):
                pass
            cards = list(self._client.get_cards())
            if not cards:
                raise Failed("no card")
            self._use_card(self.numbers.choice(cards))
        except GLib.Error as error:
            raise Failed(f"{error.domain} {error.code}") from None

    def _use_card(self, card):
        session = card.open_session(self._library.ShareMode.SHARED, self._library.Protocols.ANY,
                                    self._limit, None)

        def send(command):
            command = GLib.Bytes.new(bytes.fromhex(command))
            return session.transmit(command, self._limit, None).get_data().hex().upper()

        self.exchange_some(send)
        session.close(self._library.Disposition.LEAVE, self._limit, None)


class PcscUser(User):
    """A PC/SC program, which uses pcscd or the library over the bus."""

    def use(self):
        code, context = winscard.establish()
        self._check(code)
        try:
            code, readers = winscard.names(context)
            self._check(code)
            if not readers:
                raise Failed("no reader")
            code, card, protocol = winscard.connect(context, self.numbers.choice(readers))
            self._check(code)
            self._use_card(card, protocol)
            self._check(winscard.disconnect(card))
        finally:
            winscard.release(context)

    def _check(self, code):
        if code != SUCCESS:
            raise Failed(f"{code:08X}")

    def _use_card(self, card, protocol):
        def send(command):
            code, response = winscard.transmit(card, command, protocol)
            self._check(code)
            return response

        self.exchange_some(send)
        if self.happens(0.3):
            self.use_in_transaction(send, lambda: self._check(winscard.begin(card)),
                                    lambda: self._check(winscard.end(card, winscard.RESET)))


USERS = {"bus": BusUser, "channel": ChannelUser, "library": LibraryUser, "pcsc": PcscUser,
         "pcscd": PcscUser}


def main(kind, seed, account):
    numbers = random.Random(int(seed))
    user = USERS[kind](numbers, account)
    while True:
        try:
            user.use()
            print("used", flush=True)
        except Failed as failed:
            print("failed", failed, flush=True)
        time.sleep(numbers.uniform(0, PAUSE_S))


if __name__ == "__main__":
    main(*sys.argv[1:])
