#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Readers whose names are no text: they are shown and usable, and have no effect on others."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case, plugging
from scdtest.clients.client import Client, options
from scdtest.clients.library import THROUGH_LIBRARY
from scdtest.clients.pcsc_client import PcscClient
from scdtest.clients.recorder import MANAGER, PROPERTIES, READER, ROOT
from scdtest.testbed.testbed import simulated_reader

PRODUCT = b"Simulated USB Reader"
REPLACED = "\ufffd"
COMMAND, RESPONSE = "8010000002ABCD", "ABCD9000"


class OddNames(plugging.PluggingTest):
    def start(self, *readers):
        self.testbed.start_pcscd(readers, environment=self.bus.environment())
        self.testbed.start_service("--sysfs", self.bus.testbed.get_sys_dir())
        self.client = Client()
        self._clients.append(self.client)

    def plug(self, port, address, serial=""):
        reader = self.usb_reader(port, address, serial=serial)
        reader.plug()
        path = ROOT + "/readers/usb_" + port.replace("-", "_")
        self.client.wait_for_state(lambda c: path in c.objects(), f"a reader at {port}")
        return reader, path

    def get(self, path, name):
        value = self.client.connection.call_sync(
            "org.smartcardd1", path, PROPERTIES, "Get", GLib.Variant("(ss)", (READER, name)),
            None, 0, -1, None).get_child_value(0).get_variant()
        return bytes(value) if value.get_type_string() == "ay" else value.unpack()

    def assert_usable(self, path):
        """By its path and by its name."""
        name = self.get(path, "Name")
        self.assertEqual(self.client.ask(ROOT, MANAGER, "FindReader", name), path)
        session = self.client.connect(path)
        self.assertEqual(session.transmit(COMMAND), RESPONSE)
        self.assertEqual(session.call("GetStatus")[0], name)
        session.call("Close", "leave")

    def check_reader(self, serial, pcsc_name, name):
        self.start()
        reader, path = self.plug("1-1", 10, serial)
        self.assertEqual(self.get(path, "PcscName"), pcsc_name)
        self.assertEqual(self.get(path, "Name"), name)
        self.simulator().insert(reader.name())
        self.client.wait_for_signal("CardInserted", path)
        self.assert_usable(path)
        self.client.ask(path, READER, "Refresh")
        reader.unplug()
        self.client.wait_for_state(lambda c: path not in c.objects(), "the reader is gone")
        return path

    def logged_names(self):
        return self.testbed.service.output.count("its name is not valid text")

    def test_control_character(self):
        self.check_reader("12\x0734", PRODUCT + b" (12\x0734) 00 00",
                          PRODUCT.decode() + f" (12{REPLACED}34) 00 00")
        self.assertEqual(self.logged_names(), 1)

    def test_name_that_is_cut_inside_a_character(self):
        """One of two serial numbers: a letter is as long as the other's first byte."""
        self.start()
        names = [self.get(self.plug(f"1-{number}", 10 + number, serial)[1], "PcscName")
                 for number, serial in ((1, "\u00e9" * 60), (2, "e" + "\u00e9" * 60))]
        self.assertEqual([name.decode(errors="replace").count(REPLACED) for name in sorted(
            names, key=lambda name: REPLACED in name.decode(errors="replace"))], [0, 1])
        self.assertEqual(self.logged_names(), 1)
        self.assertEqual({self.get(path, "Name") for path in self.client.objects()},
                         {name.decode(errors="replace") for name in names})

    def test_bytes_that_are_not_utf_8(self):
        """Two that are shown alike: the name stands for neither of them."""
        self.start(simulated_reader("A", "Caf\udce9"), simulated_reader("B", "Plain"))
        (path, properties), = [(path, properties) for name, (path, properties)
                               in self.client.readers().items() if "Caf" in name]
        self.assertEqual(bytes(properties["PcscName"]), b"Caf\xe9 00 00")
        self.assertEqual(properties["Name"], f"Caf{REPLACED} 00 00")
        self.simulator().insert("A")
        self.client.wait_for_signal("CardInserted", path)
        self.assert_usable(path)

    def test_longest_name(self):
        """Each byte of it takes four characters of the object path."""
        self.start(simulated_reader("A", "\udce9" * 119))
        (path,) = self.client.objects()
        self.assertGreater(len(path), 4 * 119)
        self.simulator().insert("A")
        self.client.wait_for_signal("CardInserted", path)
        self.assert_usable(path)

    def test_names_that_are_shown_alike(self):
        self.start(simulated_reader("A", "Caf\udce9"), simulated_reader("B", f"Caf{REPLACED}"),
                   simulated_reader("C", "Caf\udce8"))
        names = {bytes(properties["PcscName"]): path for path, properties in
                 ((path, interfaces[READER]) for path, interfaces in self.client.objects().items())}
        self.assertEqual(set(names), {b"Caf\xe9 00 00", f"Caf{REPLACED} 01 00".encode(),
                                      b"Caf\xe8 02 00"})
        self.assertEqual(self.client.ask(ROOT, MANAGER, "FindReader", f"Caf{REPLACED} 01 00"),
                         names[f"Caf{REPLACED} 01 00".encode()])

    def test_no_effect_on_other_readers(self):
        self.start()
        token, token_path = self.plug("1-1", 10, "TOKEN")
        self.simulator().insert(token.name())
        self.client.wait_for_signal("CardInserted", token_path)
        card = self.get(token_path, "Card")
        odd, odd_path = self.plug("1-2", 11, "\x01" * 70)
        wait = self.client.send(ROOT, MANAGER, "WaitForRemoval", GLib.Variant("o", card),
                                options())
        token.unplug()
        self.assertIsNone(wait.wait())
        self.client.wait_for_state(lambda c: token_path not in c.objects(), "the token is gone")
        self.client.ask(odd_path, READER, "Refresh")
        _, second_path = self.plug("1-3", 12, "OTHER")
        odd.unplug()
        self.client.wait_for_state(lambda c: odd_path not in c.objects(), "the odd one is gone")
        self.assertIn(second_path, self.client.objects())
        self.assertEqual(self.logged_names(), 1)

    def test_pc_sc_programs_use_the_bytes(self):
        self.start(simulated_reader("A", "Caf\udce9", card="3B021450"))
        name = b"Caf\xe9 00 00"
        for way in ((), THROUGH_LIBRARY):
            program = PcscClient(command=way)
            self._clients.append(program)
            words = name.decode(errors="surrogateescape")
            self.assertEqual(program.order("wait", words)[0], "ok")
            program.do("connect", "shared", words)
            self.assertEqual(program.do("transmit", COMMAND), RESPONSE)
            self.assertEqual(program.order("wait", f"Caf{REPLACED} 00 00"),
                             ("error", "80100009"))


if __name__ == "__main__":
    case.main(preload="libumockdev-preload.so.0")
