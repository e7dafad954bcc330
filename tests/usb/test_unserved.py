#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ListUnservedDevices: why a USB device that looks like a reader is none."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, plugging
from scdtest.clients.client import Client
from scdtest.clients.program import Program
from scdtest.clients.recorder import MANAGER, ROOT
from scdtest.testbed.testbed import built, pcscd_version
from scdtest.testbed.usb import VENDOR

CONTROLLER = "0000:00:14.0"
OLD_LIMIT = 16


class Unserved(plugging.PluggingTest):
    def start(self, settings=""):
        self.testbed.start_pcscd(environment=self.bus.environment())
        self.start_service(settings)

    def start_service(self, settings=""):
        path = os.path.join(self.testbed.folder, "smartcardd.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(settings)
        self.testbed.start_service("--config", path, "--sysfs", self.bus.testbed.get_sys_dir())
        self.caller = Client()
        self._clients.append(self.caller)

    def devices(self):
        return self.caller.ask(ROOT, MANAGER, "ListUnservedDevices")

    def reasons(self):
        return {device["usb-port"]: device["reason"] for device in self.devices()}

    def wait_for_readers(self, count):
        self.caller.wait_for_state(lambda c: len(c.readers()) == count, f"{count} readers")

    def add(self, port, product, kind, driver=None, vendor=VENDOR):
        """Adds a device that pcscd does not see, with one interface of a class."""
        device = self.bus.add(port, self.bus.root, {
            "busnum": "1", "devnum": "99", "idVendor": vendor, "idProduct": product,
            "bDeviceClass": "00", "manufacturer": "Maker", "product": "Model"}, {})
        interface = self.bus.add(f"{port}:1.0", device, {
            "bInterfaceNumber": "00", "bInterfaceClass": kind}, {})
        if driver:
            self.bus.testbed.set_attribute_link(interface, "driver",
                                                "../../../../../bus/usb/drivers/" + driver)

    def test_nothing(self):
        self.usb_reader("1-1", 2).plug()
        self.add("1-2", "0099", "ff")
        self.add("1-3", "0099", "03", driver="usbhid")
        self.start()
        self.wait_for_readers(1)
        self.assertEqual(self.devices(), [])

    def test_reasons(self):
        self.add("1-1", "0099", "0b")
        self.add("1-2", "0001", "ff", driver="pn533_usb")
        self.add("1-3", "0001", "0b", driver="usbfs")
        self.add("1-4", "0004", "ff")
        self.start()
        self.assertEqual(self.reasons(), {"1-1": "no-driver", "1-2": "kernel-driver",
                                          "1-3": "other-program", "1-4": "unknown"})
        device = self.devices()[1]
        self.assertIn("modprobe -r pn533_usb", device.pop("message"))
        self.assertEqual(device, {
            "usb-port": "1-2", "vendor-id": int(VENDOR, 16), "product-id": 1, "vendor": "Maker",
            "product": "Model", "reason": "kernel-driver", "kernel-driver": "pn533_usb"})

    def test_ignored(self):
        self.usb_reader("1-1", 2).plug()
        self.usb_reader("1-2", 3).plug()
        self.start("[Reader till]\nMatchPort=1-1\nIgnore=yes\n")
        self.wait_for_readers(1)
        device, = self.devices()
        self.assertEqual((device["usb-port"], device["reason"]), ("1-1", "ignored"))
        self.assertRegex(device["message"], r"\[Reader till\] in .*: line 1 has Ignore=yes")

    def test_pcscd_is_away(self):
        self.usb_reader("1-1", 2).plug()
        self.start_service()
        device, = self.devices()
        self.assertEqual(device["reason"], "no-service")
        self.assertEqual(device["message"], self.caller.manager("UnavailableReason"))

    def test_limit_of_pcscd(self):
        if pcscd_version() >= (2, 5):
            self.skipTest("this pcscd has no limit")
        for number in range(1, OLD_LIMIT + 2):
            self.usb_reader(f"1-{number}", number + 1).plug()
        self.start()
        self.wait_for_readers(OLD_LIMIT)
        self.assertEqual(list(self.reasons().values()), ["reader-limit"])

    def test_device_that_comes_and_goes(self):
        self.start()
        self.assertEqual(self.devices(), [])
        reader = self.usb_reader("1-1", 2)
        reader.plug()
        self.wait_for_readers(1)
        self.assertEqual(self.devices(), [])
        reader.unplug()
        self.wait_for_readers(0)
        self.assertEqual(self.devices(), [])

    def test_many_calls(self):
        self.add("1-1", "0099", "0b")
        self.start()
        calls = [self.caller.send(ROOT, MANAGER, "ListUnservedDevices") for _ in range(100)]
        for call in calls:
            self.assertEqual([device["usb-port"] for device in call.wait()], ["1-1"])

    def test_stop_during_calls(self):
        self.start()
        calls = [self.caller.send(ROOT, MANAGER, "ListUnservedDevices") for _ in range(50)]
        self.caller.connection.flush_sync(None)
        self.testbed.stop_service()
        self.caller.wait(lambda: all(call.is_done for call in calls), "all are answered")


if __name__ == "__main__":
    case.main(preload="libumockdev-preload.so.0")
