# SPDX-License-Identifier: LGPL-2.1-or-later
"""USB readers that are plugged in and pulled out: a mocked /sys and udev (umockdev).

The real pcscd sees them, and drives them by the simulated reader, which it finds
in its folder of drivers as it finds libccid. The process that uses this module
must have PRELOAD loaded, for umockdev looks at devices through its own /sys.
"""

import os
import shutil
import subprocess

import gi

from scdtest.testbed.testbed import built

gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402

PRELOAD = "libumockdev-preload.so.0"
DRIVERS = "/usr/lib/pcsc/drivers"
CONTROLLER = "/devices/pci0000:00/0000:00:14.0"
RECORDS = "/run/udev/data"
VENDOR = "5c0d"


def _new_testbed():
    """Makes the folder in the private /run, which the kernel removes with a test that is killed.

    umockdev removes its folder at an orderly end only. GLib reads the variable once, and nothing
    else in this process makes a folder by it.
    """
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = "/run/scd"
    try:
        return UMockdev.Testbed.new()
    finally:
        del os.environ["TMPDIR"]
        if before is not None:
            os.environ["TMPDIR"] = before


class Bus:
    """USB bus 1, without devices at first."""

    def __init__(self):
        # umockdev sends its events without waiting, and what finds no room is lost: as many as
        # are ever sent at once. The number belongs to the private network.
        with open("/proc/sys/net/unix/max_dgram_qlen", "w", encoding="ascii") as limit:
            limit.write("4096")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", DRIVERS], check=True)
        shutil.copytree(built("tests/sim/scd-sim.bundle"), DRIVERS + "/scd-sim.bundle")

        self.testbed = _new_testbed()
        self.testbed.add_from_string(f"P: {CONTROLLER}\nE: SUBSYSTEM=pci\n"
                                     "E: PCI_SLOT_NAME=0000:00:14.0\nA: class=0x0c0330\n")
        self.root = self.add("usb1", "/sys" + CONTROLLER,
                             {"busnum": "1", "devnum": "1", "idVendor": "1d6b",
                              "idProduct": "0002", "bDeviceClass": "09"},
                             {"DEVTYPE": "usb_device", "DEVNAME": "/dev/bus/usb/001/001",
                              "PRODUCT": "1d6b/2/100", "TYPE": "9/0/1"})

        self._records = self._make_records()

    def _make_records(self):
        """Makes the folder of udev's records; early versions of umockdev have none of their own."""
        own = self.testbed.get_root_dir() + RECORDS
        os.makedirs(own)
        if os.path.exists(RECORDS):
            return own
        os.makedirs(RECORDS)
        return RECORDS

    def write_record(self, name, *lines):
        """As udev does for each event of a device: to another name, which is then renamed."""
        path = os.path.join(self._records, name)
        with open(path + ".new", "w", encoding="ascii") as file:
            file.writelines(line + "\n" for line in lines)
        os.rename(path + ".new", path)

    def environment(self):
        """For a process that is to see this bus."""
        return {"LD_PRELOAD": PRELOAD, "UMOCKDEV_DIR": self.testbed.get_root_dir()}

    def add(self, name, parent, attributes, properties):
        """Makes a folder in /sys and sends the event "add"; returns the folder."""
        def flat(pairs):
            return [text for pair in pairs.items() for text in pair]
        return self.testbed.add_device("usb", name, parent, flat(attributes), flat(properties))

    def close(self):
        shutil.rmtree(self._records, ignore_errors=True)
        subprocess.run(["umount", "--lazy", DRIVERS], check=True)


class Hub:
    """folder: the parent of the devices that are plugged into it."""

    def __init__(self, bus, port, address, parent=None):
        self.folder = bus.add(port, parent.folder if parent else bus.root,
                              {"busnum": "1", "devnum": str(address), "bDeviceClass": "09",
                               "idVendor": "1d6b", "idProduct": "0002"},
                              {"DEVTYPE": "usb_device", "TYPE": "9/0/1",
                               "DEVNAME": f"/dev/bus/usb/001/{address:03}"})


class Reader:
    """A USB device, one CCID interface a reader. port: as the kernel names it, 1-1, 1-2.3, ...

    slots: 1 or 4; seat: the property ID_SEAT of udev; attributes: of the device.
    """

    def __init__(self, bus, port, address, serial="", interfaces=("",), slots=1, hub=None,
                 seat=None, **attributes):
        self._bus, self.port, self._address = bus, port, address
        self._interfaces = interfaces
        self._parent = hub.folder if hub else bus.root
        self._product = f"{slots:04}"
        self._attributes = attributes | ({"serial": serial} if serial else {})
        self._properties = {"ID_SEAT": seat} if seat else {}
        self._folders = []

    def name(self, interface=0):
        """Returns the simulator's name of the reader."""
        return f"001/{self._address:03}" + (f".{interface}" if interface else "")

    def plug(self, port=None, address=None):
        """The same reader may be plugged in elsewhere, where it gets another address too."""
        self.port, self._address = port or self.port, address or self._address
        attributes = {"busnum": "1", "devnum": str(self._address), "idVendor": VENDOR,
                      "idProduct": self._product, "bDeviceClass": "00", "speed": "12",
                      "bNumInterfaces": f" {len(self._interfaces)}",
                      "product": "Simulated USB Reader", **self._attributes}
        product = {"PRODUCT": f"{VENDOR}/{int(self._product)}/100", "TYPE": "0/0/0"}
        device = self._bus.add(self.port, self._parent, attributes, {
            "DEVTYPE": "usb_device", "DEVNAME": f"/dev/bus/usb/001/{self._address:03}",
            "BUSNUM": "001", "DEVNUM": f"{self._address:03}", "MAJOR": "189",
            "MINOR": str(self._address - 1), **self._properties, **product})
        self._folders = [device]
        for number, name in enumerate(self._interfaces):
            attributes = {"bInterfaceNumber": f"{number:02x}", "bInterfaceClass": "0b",
                          "bInterfaceSubClass": "00", "bInterfaceProtocol": "00"}
            if name:
                attributes["interface"] = name
            self._folders.append(self._bus.add(f"{self.port}:1.{number}", device, attributes, {
                "DEVTYPE": "usb_interface", "INTERFACE": "11/0/0", **product}))

    def attach(self, seat=None):
        """As loginctl(1) does. None: the reader returns to the default seat."""
        self._bus.write_record(f"c189:{self._address - 1}", *(["E:ID_SEAT=" + seat] if seat else []))
        self._bus.testbed.uevent(self._folders[0], "change")

    def unplug(self):
        """Sends each event before the folder is removed; inner folders first."""
        for folder in reversed(self._folders):
            self._bus.testbed.uevent(folder, "remove")
            self._bus.testbed.remove_device(folder)
        self._folders = []

    def mark_gone(self):
        """As the kernel does with each device behind a hub, before it removes the first of them."""
        port = os.path.join(self._bus.testbed.get_root_dir() + self._folders[0], "port")
        os.makedirs(port)
        with open(os.path.join(port, "state"), "w", encoding="ascii") as file:
            file.write("not attached\n")

    def forget(self):
        """The kernel no longer has the device, and udev has not sent its event yet."""
        for folder in reversed(self._folders):
            os.unlink(os.path.join(self._bus.testbed.get_sys_dir(), "bus", "usb", "devices",
                                   os.path.basename(folder)))
