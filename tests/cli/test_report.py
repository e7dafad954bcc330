#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl report: a text that others may read."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import CliTest
from scdtest.testbed.sysfs import Sysfs
from scdtest.testbed.testbed import pcscd_version


SERIAL, OTHER_SERIAL = "21120945301234", "A0B1C2D3"
READER, OTHER = f"Maker Model ({SERIAL})", "Own [Contactless]"
ATR, HIDDEN_ATR = "3BDA18FF81B1FE751F030031C573C001400090000C", "3BDA18FF81B1FE751F03" + 11 * ".."
DRIVERS = "/usr/lib/pcsc/drivers"
HUB = (("09", ""),)
KEYBOARD = (("03", ""),)


class Report(CliTest):
    def start_usb_world(self):
        self.start_testbed(READER, OTHER, usb={
            "A": {"path": "1-3.1:1.0", "address": 5, "idVendor": "04e6", "idProduct": "5116",
                  "manufacturer": "Maker", "product": "Model", "serial": SERIAL},
            "B": {"path": "2-6:1.0", "address": 9, "product": f"Own {OTHER_SERIAL}",
                  "serial": OTHER_SERIAL, "removable": "fixed"}})
        self.sysfs.add("1-3", 4, HUB, idVendor="05e3", idProduct="0610", product="Hub")
        self.sysfs.add("1-4", 6, HUB, product="Other hub")
        self.sysfs.add("2-3", 8, HUB, product="Other hub")
        self.sysfs.add("1-4.1", 7, KEYBOARD, product="Keyboard", serial="K1")
        self.insert("A", ATR)
        self.show_sysfs()

    def show_sysfs(self):
        subprocess.run(["mount", "--bind", self.sysfs.folder, "/sys"], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", "/sys"], check=True)

    def report(self, *options, **more):
        return self.run_to_end("report", *options, **more).output.replace("\r", "")

    def test_text(self):
        self.start_usb_world()
        text = self.report()
        self.assertEqual(self.report(columns=80), text)
        for line in ("  bus 1\n  |__ 1-3  05e3:0610, address 4, Hub\n"
                     "      |__ 1-3.1  04e6:5116, address 5, CCID, Maker Model\n"
                     "  bus 2\n  |__ 2-6  0000:0000, address 9, CCID, built in, Own ...\n",
                     "\nMaker Model (...) 00 00\n", "  Vendor            Maker\n",
                     "  Slot              0\n", "  USB path          1-3.1:1.0\n",
                     "  USB device        04e6:5116, bus 1, address 5\n",
                     f"  ATR               {HIDDEN_ATR}\n",
                     "\nOwn [Contactless] 01 00\n", "  Built in          yes\n"):
            self.assertIn(line, text)

    def test_devices_that_are_no_readers(self):
        """Their names may contain a serial number, and are left out."""
        self.start_usb_world()
        self.sysfs.add("1-7", 7, idVendor="072f", idProduct="90cc", product=f"X {OTHER_SERIAL}",
                       serial=OTHER_SERIAL)
        self.sysfs.bind("1-7", "pn533_usb")
        text = self.report()
        self.assertIn("\nUSB devices that are not available as readers\n"
                      "  1-7  072f:90cc, the driver pn533_usb of the kernel has it\n\n", text)
        self.assertNotIn(OTHER_SERIAL, text)
        self.assertEqual(json.loads(self.report("--json"))["unserved"], [
            {"usb-port": "1-7", "vendor-id": 0x072f, "product-id": 0x90cc,
             "reason": "kernel-driver", "kernel-driver": "pn533_usb"}])

    def test_versions(self):
        self.start_testbed()
        versions = json.loads(self.report("--json"))["versions"]
        self.assertEqual(versions["smartcardd"], versions["smartcardctl"])
        self.assertEqual(versions["pcscd"], ".".join(map(str, pcscd_version())))
        self.assertEqual(versions["kernel"], " ".join(os.uname()[i] for i in (0, 2, 4)))
        self.assertRegex(versions["libpcsclite"], r"^\d+\.\d+\.\d+")
        text = self.report()
        for name, version in versions.items():
            self.assertRegex(text, rf"(?m)^  {name} +" + re.escape(version or "not known"))

    def test_drivers(self):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", DRIVERS], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", DRIVERS], check=True)
        for name, text in (("b.bundle", b"<string>1.5.2</string>"), ("a.bundle", b"<string>\x1b"),
                           ("c.bundle", b"\xff"), ("folder", b"<string>1.0</string>")):
            folder = os.path.join(DRIVERS, name, "Contents")
            os.makedirs(folder)
            with open(os.path.join(folder, "Info.plist"), "wb") as file:
                file.write(b"<key>CFBundleShortVersionString</key>\n\t" + text)
        os.mkdir(os.path.join(DRIVERS, "d.bundle"))
        versions = json.loads(self.report("--json"))["versions"]
        self.assertEqual({name: version for name, version in versions.items() if "." in name},
                         {"a.bundle": "", "b.bundle": "1.5.2", "c.bundle": "", "d.bundle": ""})
        self.assertNotIn("folder", versions)

    def test_nothing_private(self):
        self.start_usb_world()
        path = self.client.reader("Maker")
        private = (SERIAL, OTHER_SERIAL, ATR[20:], "00 31", path, "/cards/", os.uname().nodename)
        for options in ([], ["--json"]):
            text = self.report(*options)
            for word in (*private, "Keyboard", "Other hub"):
                self.assertNotIn(word, text)
            self.assertIn(HIDDEN_ATR, text)
            text = self.report("--serials", *options)
            for word in (SERIAL, OTHER_SERIAL, path):
                self.assertIn(word, text)
            self.assertNotIn("Keyboard", text)

    def test_atr_without_sense(self):
        self.start_testbed("A")
        self.insert("A", "3BFF")
        self.assertIn("  ATR               ....\n", self.report())

    def test_json(self):
        self.start_usb_world()
        report = json.loads(self.report("--json"))
        self.assertEqual(report["missing"], "")
        self.assertEqual([device["port"] for device in report["usb"]], ["1-3", "1-3.1", "2-6"])
        self.assertEqual(report["usb"][1],
                         {"port": "1-3.1", "bus": 1, "address": 5, "vendor-id": 0x04E6,
                          "product-id": 0x5116, "vendor": "Maker", "product": "Model",
                          "built-in": False, "ccid": True})
        reader, other = report["readers"]
        self.assertEqual((reader["name"], reader["usb-path"], reader["card"]["atr"]),
                         ("Maker Model (...) 00 00", "1-3.1:1.0", HIDDEN_ATR))
        self.assertEqual((other["built-in"], other["card"]), (True, None))
        whole = json.loads(self.report("--json", "--serials"))
        self.assertEqual(whole["readers"], json.loads(self.run_to_end("--json", "list").output))
        self.assertEqual(whole["usb"][1]["serial"], SERIAL)

    def assert_missing(self, why):
        """The rest is there all the same."""
        text = self.report()
        self.assertIn(why, text)
        self.assertIn("  |__ 1-2  0000:0000, address 2, CCID, Model\n", text)
        report = json.loads(self.report("--json"))
        self.assertIn(why, report["missing"])
        self.assertEqual((report["readers"], len(report["usb"])), ([], 1))
        return report["versions"]["smartcardd"]

    def test_what_cannot_be_had(self):
        self.sysfs = Sysfs(os.path.join(self.testbed.folder, "sys"))
        self.sysfs.add("1-2", 2, product="Model")
        self.show_sysfs()
        self.assertEqual(self.assert_missing("cannot connect to the system bus"), "")
        self.testbed.start_bus()
        self.assertEqual(self.assert_missing("smartcardd is not running"), "")
        self.testbed.start_service()
        self.assertNotEqual(self.assert_missing("smartcardd cannot reach pcscd"), "")

    def test_no_usb(self):
        self.start_testbed()
        os.rmdir(os.path.join(self.sysfs.folder, "bus", "usb", "devices"))
        self.show_sysfs()
        self.assertIn("USB devices on the way to readers\n  none\n", self.report())

    def test_reader_of_no_reader_class(self):
        """The service knows it."""
        self.start_testbed("A", usb={"A": {"path": "1-2:1.0", "address": 3, "product": "Old",
                                         "interfaces": (("ff", ""),)}})
        self.show_sysfs()
        self.assertIn("  |__ 1-2  0000:0000, address 3, Old\n", self.report())


if __name__ == "__main__":
    case.main()
