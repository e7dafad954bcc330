#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A window with the readers of the machine, their cards, and the programs that use them.

Usage: readers.py [--dark] [--announce]

--announce prints the width and the height of the window when the readers are shown.
"""

import argparse
import sys

import gi

gi.require_version("Gtk", "4.0")
gi.require_version("Smartcardd", "1")
from gi.repository import Gio, GLib, Gtk, Smartcardd  # noqa: E402

SPACE = 12


def label(text="", *classes):
    made = Gtk.Label(label=text, xalign=0, wrap=True, selectable=False)
    for name in classes:
        made.add_css_class(name)
    return made


def name_of_process(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return f"process {pid}"


def spaced(data):
    return data.hex(" ").upper()


def describe_atr(card):
    """Returns lines of text."""
    atr = card.get_atr().get_data() or b""
    if not atr:
        return ["The card does not answer"]
    interface = ", ".join(f"{name} {card.get_interface_byte(name):02X}"
                          for name in card.list_interface_bytes())
    historical = card.get_historical_bytes().get_data() or b""
    text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in historical)
    lines = ["ATR " + spaced(atr)]
    if card.get_protocols():
        lines.append("Protocols " + ", ".join(card.get_protocols()))
    if interface:
        lines.append("Interface bytes " + interface)
    if historical:
        lines.append(f"Historical bytes {spaced(historical)} “{text}”")
    return lines


class Row(Gtk.Box):
    """One reader, which it follows while it is shown."""

    def __init__(self):
        super().__init__(orientation=Gtk.Orientation.HORIZONTAL, spacing=SPACE,
                         margin_top=SPACE, margin_bottom=SPACE, margin_start=SPACE,
                         margin_end=SPACE)
        self._icon = Gtk.Image(icon_name="auth-smartcard-symbolic", pixel_size=32,
                               valign=Gtk.Align.START)
        self._title, self._port = label("", "heading"), label("", "dim-label")
        self._card, self._atr = label(), label("", "caption", "monospace")
        self._use = label("", "caption")
        texts = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=SPACE // 4, hexpand=True)
        for part in (self._title, self._port, self._card, self._atr, self._use):
            texts.append(part)
        self.append(self._icon)
        self.append(texts)
        self._reader = None

    def bind(self, reader):
        self._reader = reader
        self._handler = reader.connect("notify", lambda *_: self.show_reader())
        self.show_reader()

    def unbind(self):
        self._reader.disconnect(self._handler)
        self._reader = None

    def show_reader(self):
        reader, card = self._reader, self._reader.get_card()
        self._title.set_label(reader.get_alias() or reader.get_product() or reader.get_name())
        port = reader.get_usb_path().partition(":")[0]
        where = f"USB port {port}" if port else reader.get_name()
        self._port.set_label(where)
        self._port.set_visible(where != self._title.get_label())
        self._icon.set_opacity(1 if card else 0.4)
        names = card.get_names() if card else []
        self._card.set_label(names[0] if names else "A card" if card else "No card")
        self._atr.set_label("\n".join(describe_atr(card)) if card else "")
        self._atr.set_visible(bool(card))
        self.show_use(reader)

    def show_use(self, reader):
        users = ", ".join(Users.of(reader.get_object_path()))
        how = "In exclusive use" if reader.is_exclusive() else "In use"
        in_use = reader.is_in_use() or users
        self._use.set_label((f"{how} by {users}" if users else how) if in_use else "")
        self._use.set_visible(bool(in_use))


class Users:
    """Which programs have sessions with which reader: Manager.ListSessions."""

    _by_reader = {}

    @classmethod
    def of(cls, reader_path):
        return cls._by_reader.get(reader_path, [])

    @classmethod
    def update(cls, bus, done):
        def take(_bus, result):
            try:
                sessions, = bus.call_finish(result).unpack()
            except GLib.Error:
                sessions = []
            cls._by_reader = {}
            for session in sessions:
                name = name_of_process(session.get("pid", 0))
                cls._by_reader.setdefault(session["reader"], []).append(name)
            done()
        bus.call("org.smartcardd1", "/org/smartcardd1", "org.smartcardd1.Manager", "ListSessions",
                 None, None, Gio.DBusCallFlags.NONE, -1, None, take)


class Window(Gtk.ApplicationWindow):
    def __init__(self, application, client):
        super().__init__(application=application, title="Smart Card Readers", default_width=560,
                         default_height=420)
        self.client, self.rows = client, set()
        self.set_titlebar(Gtk.HeaderBar())
        self._stack = Gtk.Stack()
        self._stack.add_named(self._new_list(), "readers")
        self._status = label("", "title-2", "dim-label")
        self._status.set_xalign(0.5)
        self._stack.add_named(self._status, "none")
        self.set_child(self._stack)
        client.get_readers().connect("items-changed", lambda *_: self.show_state())
        client.connect("notify::available", lambda *_: self.show_state())
        self.show_state()

    def _new_list(self):
        """The list is sorted by port and name, and follows the readers by itself."""
        def compare(one, other, _data):
            keys = [(reader.get_usb_path() == "", reader.get_usb_path(), reader.get_name())
                    for reader in (one, other)]
            return (keys[0] > keys[1]) - (keys[0] < keys[1])
        factory = Gtk.SignalListItemFactory()
        factory.connect("setup", lambda _factory, item: item.set_child(Row()))
        factory.connect("bind", self._bind)
        factory.connect("unbind", self._unbind)
        readers = Gtk.SortListModel(model=self.client.get_readers(),
                                    sorter=Gtk.CustomSorter.new(compare, None))
        view = Gtk.ListView(model=Gtk.NoSelection(model=readers), factory=factory,
                            show_separators=True)
        view.add_css_class("rich-list")
        return Gtk.ScrolledWindow(child=view, hscrollbar_policy=Gtk.PolicyType.NEVER)

    def _bind(self, _factory, item):
        item.get_child().bind(item.get_item())
        self.rows.add(item.get_child())

    def _unbind(self, _factory, item):
        item.get_child().unbind()
        self.rows.discard(item.get_child())

    def show_users(self):
        for row in self.rows:
            row.show_reader()

    def show_state(self):
        if not self.client.is_available():
            self._status.set_label("Smart cards are not available")
        else:
            self._status.set_label("No reader is connected")
        shown = self.client.is_available() and len(self.client.get_readers())
        self._stack.set_visible_child_name("readers" if shown else "none")


class Application(Gtk.Application):
    def __init__(self, options):
        super().__init__(application_id="org.smartcardd.Readers",
                         flags=Gio.ApplicationFlags.NON_UNIQUE)
        self.options, self.status = options, 0
        self.connect("activate", self._activate)

    def _activate(self, _application):
        if self.options.dark:
            Gtk.Settings.get_default().set_property("gtk-application-prefer-dark-theme", True)
        self.hold()
        Smartcardd.Client.create_async(None, self._show)

    def _show(self, _source, result):
        self.release()
        try:
            client = Smartcardd.Client.create_finish(result)
        except GLib.Error as error:
            print(error.message, file=sys.stderr)
            self.status = 1
            return
        window = Window(self, client)
        bus = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
        for reader in client.get_readers():
            self._follow(bus, window, reader)
        client.connect("reader-added", lambda _client, reader: self._follow(bus, window, reader))
        window.present()
        Users.update(bus, lambda: self._users_are_known(window))

    def _follow(self, bus, window, reader):
        reader.connect("notify::in-use", lambda *_: Users.update(bus, window.show_users))

    def _users_are_known(self, window):
        window.show_users()
        if self.options.announce:
            window.add_tick_callback(self._announce_when_drawn)

    @staticmethod
    def _announce_when_drawn(window, clock):
        if clock.get_frame_counter() < 10:
            return True
        surface = window.get_surface()
        print(surface.get_width(), surface.get_height(), flush=True)
        return False


def main():
    parser = argparse.ArgumentParser(description="Shows smart card readers and their cards.")
    parser.add_argument("--dark", action="store_true", help="use dark colors")
    parser.add_argument("--announce", action="store_true",
                        help="print the size of the window when it is shown")
    application = Application(parser.parse_args())
    application.run([])
    return application.status


if __name__ == "__main__":
    sys.exit(main())
