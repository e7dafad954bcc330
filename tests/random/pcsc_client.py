#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A PC/SC program that makes random calls in two threads, and checks the results.

Arguments: seed, number of the client, number of operations. It uses the library that it finds.
"""

import os
import random
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.clients import winscard
from scdtest.clients.winscard import EXCLUSIVE, SHARED

from channel import is_code
from model import NAMES, Commands, Progress, Wrong, check_response, run_client

THREADS = 2
CARDS_MAX = 3
TIMEOUT = 0x8010000A
WAITS_MS = (0, 1, 50, 300)
EXCLUSIVE_LIMIT_S = 2


def check(code):
    if not is_code(code):
        raise Wrong(f"the code {code:08X}")
    return code == 0


class Program:
    """The calls of one thread, which has a context of its own."""

    def __init__(self, seed, number, step):
        self._dice = random.Random(seed)
        self._commands = Commands(self._dice, number)
        self._step = step
        self._context = None
        self._cards = []  # (handle, protocol)
        self.wrong = None
        calls = [(self._connect, 12), (self._transmit, 30), (self._begin, 6), (self._end, 8),
                 (self._status, 4), (self._reconnect, 5), (self._disconnect, 4),
                 (self._wait, 5), (self._list, 3), (self._cancelled_wait, 1), (self._release, 1)]
        self._calls = [call for call, weight in calls for _ in range(weight)]

    def run(self, operations):
        try:
            for _ in range(operations):
                self._step()
                if self._context is None:
                    self._establish()
                else:
                    self._dice.choice(self._calls)()
        except Wrong as error:
            self.wrong = error

    def _establish(self):
        code, context = winscard.establish()
        if check(code):
            self._context = context

    def _release(self):
        check(winscard.release(self._context))
        self._context = None
        self._cards.clear()

    def _name(self):
        return self._dice.choice(NAMES)

    def _connect(self):
        if len(self._cards) >= CARDS_MAX:
            self._disconnect()
        code, card, protocol = winscard.connect(
            self._context, self._name(), self._dice.choice((2, 2, 2, 2, 1, 3)))
        if check(code):
            self._cards.append((card, protocol))

    def _card(self):
        """Returns one of the handles, or one that is not valid."""
        return self._dice.choice(self._cards) if self._cards else (winscard.LONG(123), 2)

    def _transmit(self):
        self._transmit_with(*self._card())

    def _transmit_with(self, card, protocol):
        command, expected = self._commands.echo()
        code, response = winscard.transmit(card, command.hex(), protocol or 2)
        if check(code):
            check_response(bytes.fromhex(response), expected)

    def _begin(self):
        """A transaction is short, or the service ends it."""
        card, protocol = self._card()
        if check(winscard.begin(card)) and self._dice.random() < 0.9:
            for _ in range(self._dice.randrange(3)):
                self._transmit_with(card, protocol)
            check(winscard.end(card, self._dice.choice((0, 0, 0, 1, 2, 3))))

    def _end(self):
        check(winscard.end(self._card()[0], self._dice.choice((0, 0, 0, 1, 2, 3))))

    def _status(self):
        check(winscard.status(self._card()[0])[0])

    def _reconnect(self):
        """To become exclusive, it waits until others close their handles, perhaps for ever: those of
        this program's other thread, or of one that waits for the same. Another thread ends it.
        """
        card, mode = self._card()[0], self._dice.choice((SHARED, SHARED, SHARED, EXCLUSIVE))
        closer = threading.Timer(EXCLUSIVE_LIMIT_S, winscard.disconnect, [card])
        if mode == EXCLUSIVE:
            closer.start()
        check(winscard.reconnect(card, mode, self._dice.choice((0, 0, 0, 1, 2))))
        closer.cancel()

    def _disconnect(self):
        if self._cards:
            card, _ = self._cards.pop(self._dice.randrange(len(self._cards)))
            check(winscard.disconnect(card, self._dice.choice((0, 0, 0, 1, 2, 3))))

    def _wait(self):
        pairs = [(self._name(), self._dice.choice((0, 0x10, 0x20))), (winscard.PNP, 0)]
        check(winscard.wait(self._context, self._dice.choice(WAITS_MS), *pairs)[0])

    def _list(self):
        code, names = winscard.names(self._context)
        if check(code) and not set(names) <= set(NAMES):
            raise Wrong(f"the readers {names}")

    def _cancelled_wait(self):
        """Another thread cancels the wait, perhaps before it begins."""
        context = self._context
        canceller = threading.Thread(target=winscard.cancel, args=[context])
        canceller.start()
        check(winscard.wait(context, 300, (self._name(), 0x10))[0])
        canceller.join()


def run(seed, number, operations):
    progress, lock = Progress(), threading.Lock()

    def step():
        with lock:
            progress.step()
    programs = [Program(seed + i, number, step) for i in range(THREADS)]
    threads = [threading.Thread(target=program.run, args=[operations // THREADS])
               for program in programs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for program in programs:
        if program.wrong:
            raise program.wrong
    os._exit(0)  # leaves what is open to the service


if __name__ == "__main__":
    run_client(run)
