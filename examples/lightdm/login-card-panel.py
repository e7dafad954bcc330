#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A panel for greeters of LightDM, and others with GTK: the readers for logins and their cards.

A greeter in Python puts LoginCardPanel beside its entry of the password. Needs no permissions:
the user of the greeter may read which readers and cards there are. Alone, it is a window.

Usage: login-card-panel.py [--seat SEAT] [--announce]

--announce prints the size of the window when it is shown, and each message of the panel.
"""

import argparse
import os
import sys

import gi

gi.require_version("Gtk", "4.0")
gi.require_version("Smartcardd", "1")
from gi.repository import GLib, Gtk, Smartcardd  # noqa: E402

SPACE = 12


def message_of(reader):
    """What the person has to do with the reader."""
    card = reader.get_card()
    if not card:
        return "Insert your smart card."
    if card.props.login_candidate:
        return "Enter the PIN of your smart card."
    if reader.is_mute():
        return "The card does not respond. Insert it again."
    return "Take this card out first, then insert your smart card."


class LoginCardPanel(Gtk.Box):
    """inserted: whether a card for logins is in one of the readers; the greeter asks for its PIN.

    announce: a function that is called with each text that the panel shows.
    """

    def __init__(self, client, seat, announce=lambda text: None):
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=SPACE, margin_top=SPACE,
                         margin_bottom=SPACE, margin_start=SPACE, margin_end=SPACE)
        self.inserted = False
        self._client, self._seat, self._announce = client, seat, announce
        self._shown = None
        client.connect("reader-added", lambda _client, reader: self._follow(reader))
        client.connect("reader-removed", self._update)
        client.connect("card-added", lambda _client, card: self._follow(card))
        for one in [*client.get_readers(), *client.get_cards()]:
            one.connect("notify", self._update)
        self._update()

    def _follow(self, one):
        one.connect("notify", self._update)
        self._update()

    def _readers(self):
        return [reader for reader in self._client.get_readers()
                if reader.props.login_candidate and reader.get_seat() == self._seat]

    def _update(self, *_event):
        readers = self._readers()
        self.inserted = any(reader.get_card() and reader.get_card().props.login_candidate
                            for reader in readers)
        rows = [(reader.get_alias() or reader.get_product() or reader.get_name(),
                 message_of(reader)) for reader in readers]
        rows = rows or [("No reader for smart cards is connected.", "")]
        if rows == self._shown:
            return
        self._shown = rows
        while child := self.get_first_child():
            self.remove(child)
        for name, message in rows:
            self._add_row(name, message)

    def _add_row(self, name, message):
        row = Gtk.Box(spacing=SPACE)
        row.append(Gtk.Image(icon_name="auth-smartcard-symbolic", pixel_size=32))
        texts = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        row.append(texts)
        for text, style in ((message, "heading"), (name, "dim-label")):
            label = Gtk.Label(label=text, xalign=0, wrap=True, visible=bool(text))
            label.add_css_class(style)
            texts.append(label)
        self.append(row)
        self._announce(": ".join(filter(None, (name, message))))


def show_window(client, options):
    announce = (lambda text: print(text, flush=True)) if options.announce else lambda text: None
    window = Gtk.Window(title="Login", default_width=480, default_height=160, decorated=False,
                        child=LoginCardPanel(client, options.seat, announce))
    loop = GLib.MainLoop()
    window.connect("close-request", lambda _window: loop.quit())
    window.present()

    def announce_when_drawn(_window, clock):
        if clock.get_frame_counter() < 10:
            return True
        announce(f"{window.get_width()} {window.get_height()}")
        return False

    if options.announce:
        window.add_tick_callback(announce_when_drawn)
    loop.run()


def main():
    parser = argparse.ArgumentParser(description="Shows the readers and cards for logins.")
    parser.add_argument("--seat", default=os.environ.get("XDG_SEAT", "seat0"))
    parser.add_argument("--announce", action="store_true",
                        help="print the size of the window when it is shown, and the messages")
    options = parser.parse_args()
    if not Gtk.init_check():
        sys.exit("There is no display.")
    try:
        client = Smartcardd.Client.new(None)
    except GLib.Error as error:
        sys.exit(error.message)
    show_window(client, options)


if __name__ == "__main__":
    main()
