#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The udev rule: devices that count as readers, and pull in smartcard.target."""

import os
import re
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, plugging
from scdtest.testbed.testbed import SOURCE, built
from scdtest.testbed.usb import VENDOR

MAKERS_CLASS, READER_CLASS = "ff", "0b"
PROGRAM = "smartcardd-reader-id"
RULES = "60-smartcardd.rules"
SYSTEMD_RULES = "99-systemd.rules"


def descriptors(*classes):
    """Returns those of a device with an interface for each class, as the kernel has them."""
    device = struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x200, 0, 0, 0, 64, 0x5C0D, 9, 0x100, 0, 0, 0, 1)
    endpoint = struct.pack("<BBBBHB", 7, 5, 0x81, 3, 8, 10)
    interfaces = b"".join(struct.pack("<9B", 9, 4, number, 0, 1, int(kind, 16), 0, 0, 0) + endpoint
                          for number, kind in enumerate(classes))
    configuration = struct.pack("<BBHBBBBB", 9, 2, 9 + len(interfaces), len(classes), 1, 0, 0x80, 50)
    return device + configuration + interfaces


class UdevRule(plugging.PluggingTest):
    def setUp(self):
        super().setUp()
        self.use_rules()
        self.address = 1

    def use_rules(self):
        """Our rule and its program, among those of the machine."""
        folder = os.path.join(self.testbed.folder, "udev")
        os.makedirs(folder)
        shutil.copy(built("service/smartcardd-reader-id"), folder)
        os.makedirs("/run/udev/rules.d")
        shutil.copy(os.path.join(SOURCE, "data", RULES), "/run/udev/rules.d")
        self.addCleanup(shutil.rmtree, "/run/udev")
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={folder}:/usr/lib/udev", "/usr/lib/udev"], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", "/usr/lib/udev"], check=True)

    def hide_rules(self, *names):
        """Rules of the machine in files of these names do not count."""
        for name in names:
            os.symlink("/dev/null", "/run/udev/rules.d/" + name)

    def add(self, product, *classes, device_class="00"):
        """Adds a device with an interface of each class; returns the folders of all."""
        self.address += 1
        port = f"1-{self.address}"
        ids = {"PRODUCT": f"{VENDOR}/{int(product, 16):x}/100"}
        device = self.bus.add(port, self.bus.root, {
            "busnum": "1", "devnum": str(self.address), "idVendor": VENDOR, "idProduct": product,
            "bDeviceClass": device_class}, {
            "DEVTYPE": "usb_device", "DEVNAME": f"/dev/bus/usb/001/{self.address:03}",
            "TYPE": "0/0/0", **ids})
        self.bus.testbed.set_attribute_binary(device, "descriptors", descriptors(*classes))
        return [device] + [
            self.bus.add(f"{port}:1.{number}", device,
                         {"bInterfaceNumber": f"{number:02x}", "bInterfaceClass": kind,
                          "bInterfaceSubClass": "00", "bInterfaceProtocol": "00"},
                         {"DEVTYPE": "usb_interface", "INTERFACE": f"{int(kind, 16)}/0/0", **ids})
            for number, kind in enumerate(classes)]

    def properties(self, folder, action="add"):
        """Returns the properties that the rules give to a device."""
        output = subprocess.run(["udevadm", "test", "--action", action, folder], check=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=os.environ | self.bus.environment()).stdout
        if f"skipping execution of '{PROGRAM}" in output:
            self.skipTest("this version of udevadm does not run programs in a test")
        return dict(re.findall(r"^ *([A-Z_]+)=(.*)$", output, re.M))

    def is_reader(self, folder, **keywords):
        found = self.properties(folder, **keywords)
        if "ID_SMARTCARD_READER" in found and os.path.exists("/usr/lib/udev/rules.d/" + SYSTEMD_RULES):
            self.assertIn("smartcard.target", found["SYSTEMD_WANTS"])
            self.assertIn(":systemd:", found["TAGS"])
        return found.get("ID_SMARTCARD_READER") == "1"

    def test_interface_of_class_0b(self):
        """Also where systemd and GnuPG have no rule for it."""
        self.hide_rules("60-fido-id.rules", "60-scdaemon.rules")
        device, _, reader = self.add("0099", "03", READER_CLASS)
        self.assertTrue(self.is_reader(device))
        self.assertTrue(self.is_reader(reader))

    def test_makers_class_with_a_driver(self):
        device, _ = self.add("0001", MAKERS_CLASS)
        self.assertTrue(self.is_reader(device))
        self.assertTrue(self.is_reader(device, action="change"))

    def test_other_devices(self):
        for device in (*self.add("0099", MAKERS_CLASS), *self.add("0099", "03", "08"),
                       *self.add("0001", "09", device_class="09")):
            self.assertFalse(self.is_reader(device))

    def test_no_drivers(self):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/usr/lib/pcsc"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/usr/lib/pcsc"], check=True)
        device, _ = self.add("0001", MAKERS_CLASS)
        self.assertFalse(self.is_reader(device))

    def test_arguments_of_the_program(self):
        for arguments in ([], ["04e6"], ["04e6", "5116", "1"], ["04e6", "5116x"], ["10000", "5116"]):
            program = subprocess.run([built("service/" + PROGRAM), *arguments], capture_output=True,
                                     text=True)
            self.assertEqual((program.returncode, program.stdout), (2, ""))
            self.assertTrue(program.stderr.startswith(f"usage: {PROGRAM} VENDOR PRODUCT\n"))

    def test_another_rule_knows_the_reader(self):
        """Its value stays."""
        with open("/run/udev/rules.d/59-other.rules", "w", encoding="utf-8") as file:
            file.write('SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ENV{ID_SMARTCARD_READER}="other"\n')
        device, _ = self.add("0001", MAKERS_CLASS)
        self.assertEqual(self.properties(device)["ID_SMARTCARD_READER"], "other")


if __name__ == "__main__":
    case.main(preload="libumockdev-preload.so.0")
