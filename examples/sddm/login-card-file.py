#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keeps the file "inserted" in a folder while a card for logins is in a reader of the seat.

LoginCard.qml follows the folder. Needs no permissions but to write there: anybody may read which
readers and cards there are.

Usage: login-card-file.py FOLDER [SEAT]
"""

import os
import signal
import sys

import gi

gi.require_version("Smartcardd", "1")
from gi.repository import GLib, Smartcardd  # noqa: E402


class LoginCardFile:
    def __init__(self, client, path, seat):
        self._client, self._path, self._seat = client, path, seat
        client.connect("reader-added", lambda _client, reader: self._follow(reader))
        client.connect("reader-removed", self._update)
        client.connect("card-added", lambda _client, card: self._follow(card))
        for one in [*client.get_readers(), *client.get_cards()]:
            one.connect("notify", self._update)
        self._update()

    def _follow(self, one):
        one.connect("notify", self._update)
        self._update()

    def _is_inserted(self):
        """A reader that is taken out of logins has no influence, nor has its card."""
        for reader in self._client.get_readers():
            card = reader.get_card()
            if (card and card.props.login_candidate and reader.props.login_candidate
                    and reader.get_seat() == self._seat):
                return True
        return False

    def _update(self, *_event):
        if self._is_inserted():
            with open(self._path, "w", encoding="ascii"):
                pass
        else:
            self.remove()

    def remove(self):
        if os.path.exists(self._path):
            os.unlink(self._path)


def main(folder, seat="seat0"):
    loop = GLib.MainLoop()
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    file = LoginCardFile(Smartcardd.Client.new(None), os.path.join(folder, "inserted"), seat)
    loop.run()
    file.remove()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("Usage: login-card-file.py FOLDER [SEAT]")
    try:
        main(*sys.argv[1:])
    except GLib.Error as error:
        sys.exit(error.message)
