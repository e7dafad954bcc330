# SPDX-License-Identifier: LGPL-2.1-or-later
"""A folder that has the USB devices of /sys."""

import os

CCID = "0b"


class Sysfs:
    def __init__(self, folder):
        self.folder = folder
        self._devices = os.path.join(folder, "bus", "usb", "devices")
        os.makedirs(self._devices)

    def add(self, port, address, interfaces=((CCID, ""),), **attributes):
        """port: as the kernel names it, 1-3.1; interfaces: class and name of each."""
        self._write(port, busnum=port.partition("-")[0], devnum=address, **attributes)
        for number, (kind, name) in enumerate(interfaces):
            self._write(os.path.join(port, f"{port}:1.{number}"), bInterfaceClass=kind,
                        bInterfaceNumber=f"{number:02x}", **({"interface": name} if name else {}))

    def bind(self, port, driver):
        """Gives the first interface of a device to a driver of the kernel."""
        os.symlink("../../../drivers/" + driver,
                   os.path.join(self._devices, port, port + ":1.0", "driver"))

    def _write(self, folder, **attributes):
        os.makedirs(os.path.join(self._devices, folder))
        for name, value in attributes.items():
            path = os.path.join(self._devices, folder, name)
            with open(path, "wb") as file:
                file.write(value if isinstance(value, bytes) else f"{value}\n".encode())
