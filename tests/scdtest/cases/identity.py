# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base class of tests of readers' identity: a driver and a sysfs that the test controls."""

import os

from gi.repository import Gio, GLib

from scdtest.cases import case
from scdtest.clients.methods import short_name
from scdtest.testbed.sysfs import Sysfs
from scdtest.testbed.testbed import simulated_reader

READERS = "/org/smartcardd1/readers/"
USB_PATH = 0x42000E11
GET_FEATURES = 0x42000D48
CHANNEL_ID, VENDOR, PRODUCT = 0x20110, 0x10100, 0x10101
VERSION, SERIAL = 0x10102, 0x10103


def text(words):
    """Returns the words in hex with a final NUL, as drivers do."""
    return words.encode().hex() + "00"


def channel(bus, address):
    return f"{address:02x}{bus:02x}2000"


class IdentityTest(case.TestBedTest):
    """Readers of reader.conf; the test sets the results of their driver and the sysfs tree."""

    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.sysfs = Sysfs(os.path.join(self.testbed.folder, "sys"))

    def start_pcscd(self, *readers):
        self.testbed.start_pcscd(readers)
        self.driver = self.simulator()

    def start_service(self, *options, **keywords):
        self.testbed.start_service("--sysfs", self.sysfs.folder, *options, **keywords)
        self.client = self.recorder()

    def simulated_reader(self, *arguments, **keywords):
        return simulated_reader(*arguments, **keywords)

    def start(self, *names):
        self.start_pcscd(*map(self.simulated_reader, names))

    def control(self, reader, code, answer):
        self.driver.order("control", reader, f"{code:x}", answer)

    def attribute(self, reader, tag, answer):
        self.driver.order("attribute", reader, f"{tag:x}", answer)

    def reader(self, words):
        """Returns label and properties."""
        path = self.client.reader(words)
        (properties,) = [properties for known, properties in self.client.readers().values()
                         if known == path]
        return path.removeprefix(READERS), properties

    def find(self, selector):
        (path,) = self.client.call("/org/smartcardd1", "org.smartcardd1.Manager", "FindReader",
                                   GLib.Variant("(s)", (selector,)))
        return path.removeprefix(READERS)

    def assert_refused(self, error, selector, words=""):
        """words: of the message."""
        with self.assertRaises(GLib.Error) as caught:
            self.find(selector)
        self.assertEqual(short_name(Gio.DBusError.get_remote_error(caught.exception)), error)
        self.assertIn(words, caught.exception.message)

    def assert_has(self, words, label, **expected):
        found, properties = self.reader(words)
        self.assertEqual(found, label)
        self.assertEqual({name: properties[name] for name in expected}, expected)
