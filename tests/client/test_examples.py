#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples that use the client library: built and run as their users do."""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.glib_library import LibraryTest, environment
from scdtest.cases.sessions import ATR
from scdtest.testbed import events
from scdtest.testbed.testbed import SOURCE, built

EXAMPLES = os.path.join(SOURCE, "examples")
IDENTIFIER_LENGTH = 16

PYTHON = """
import gi
gi.require_version("Smartcardd", "1")
from gi.repository import Gio, GLib, Smartcardd
client = Smartcardd.Client.new()
for reader in client.get_readers():
    print(reader.get_name(), reader.get_card().get_atr_hex())
cancellable = Gio.Cancellable()
GLib.idle_add(cancellable.cancel)
try:
    client.wait_for_card("another reader", Smartcardd.TIMEOUT_NONE, cancellable)
except GLib.Error as error:
    assert error.matches(Smartcardd.error_quark(), Smartcardd.Error.CANCELLED)
    print("cancelled")
"""

JAVASCRIPT = """
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Smartcardd from 'gi://Smartcardd';
const client = Smartcardd.Client.new(null);
for (let i = 0, readers = client.get_readers(); i < readers.get_n_items(); i++)
    print(readers.get_item(i).name, readers.get_item(i).card.atrHex);
const cancellable = new Gio.Cancellable();
GLib.idle_add(GLib.PRIORITY_DEFAULT_IDLE, () => cancellable.cancel());
try {
    client.wait_for_card('another reader', Smartcardd.TIMEOUT_NONE, cancellable);
} catch (error) {
    if (error.matches(Smartcardd.Error, Smartcardd.Error.CANCELLED))
        print('cancelled');
}
"""


class UseCard(LibraryTest):
    def setUp(self):
        super().setUp()
        self.start_client()

    def environment(self):
        return {**os.environ, **environment(),
                "PKG_CONFIG_PATH": built("meson-uninstalled"), "CCACHE_DISABLE": "1"}

    def build(self, *command):
        """Returns the path of the program."""
        program = os.path.join(self.testbed.folder, "use-card")
        result = subprocess.run([*command, "-o", program], env=self.environment(),
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                check=False, cwd=self.testbed.folder)
        self.assertEqual(result.returncode, 0, result.stdout)
        return program

    def flags(self):
        return subprocess.run(["pkg-config", "--cflags", "--libs", "smartcardd-glib-1"],
                              env=self.environment(), capture_output=True, text=True,
                              check=True).stdout.split()

    def start_program(self, *command):
        return subprocess.Popen([*command, self.pcsc_name()], env=self.environment(), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def check_output(self, program):
        with program:
            output = program.communicate(timeout=events.LIMIT_S)[0]
        self.assertEqual(output.splitlines(),
                         ["card " + ATR, "00A4040006D2760001240100: 0 bytes, success",
                          f"00CA004F00: {IDENTIFIER_LENGTH} bytes, success"])
        self.assertEqual(program.returncode, 0)

    def check_program(self, *command):
        """With a card in the reader, and with one that is inserted later."""
        self.check_output(self.start_program(*command))
        self.cards.order("remove", "A")
        events.wait_until(lambda: not len(self.library.get_cards()), "the card goes")
        program = self.start_program(*command)
        self.cards.insert("A", ATR)
        self.check_output(program)

    def test_c(self):
        self.check_program(self.build("cc", "-Werror", "-Wall", EXAMPLES + "/use-card.c",
                                      *self.flags()))

    def test_python(self):
        self.check_program("/usr/bin/python3", EXAMPLES + "/use-card.py")

    @unittest.skipUnless(shutil.which("gjs"), "there is no gjs")
    def test_javascript(self):
        self.check_program("gjs", "-m", EXAMPLES + "/use-card.js")

    @unittest.skipUnless(shutil.which("valac") and os.path.exists(
        built("client/smartcardd-glib-1.vapi")), "there is no valac")
    def test_vala(self):
        options = [part for flag in self.flags() for part in ("-X", flag)]
        self.check_program(self.build("valac", "--vapidir=" + built("client"),
                                      "--pkg=gio-2.0",
                                      "--pkg=smartcardd-glib-1", EXAMPLES + "/use-card.vala",
                                      *options, "-X", "-w"))

    def check_list(self, *command):
        """A program that lists all cards, and cancels a wait."""
        result = subprocess.run(command, env=self.environment(), capture_output=True, text=True,
                                check=False, timeout=events.LIMIT_S)
        self.assertEqual((result.stdout.splitlines(), result.stderr),
                         ([f"{self.pcsc_name()} {ATR}", "cancelled"], ""))

    def write(self, name, text):
        path = os.path.join(self.testbed.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_short_program_in_python(self):
        self.check_list("/usr/bin/python3", self.write("list.py", PYTHON))

    @unittest.skipUnless(shutil.which("gjs"), "there is no gjs")
    def test_short_program_in_javascript(self):
        self.check_list("gjs", "-m", self.write("list.js", JAVASCRIPT))

    def test_reader_without_card(self):
        """An error is one line for people."""
        self.testbed.stop_service()
        result = subprocess.run(["/usr/bin/python3", EXAMPLES + "/use-card.py", "A"],
                                env=self.environment(), capture_output=True, text=True,
                                check=False)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)


if __name__ == "__main__":
    case.main()
