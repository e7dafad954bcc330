# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers of the tests on a booted machine: orders to the host, systemd, sysfs, test cases."""

import glob
import os
import pwd
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(os.path.dirname(HERE)), os.path.dirname(HERE)]

from gi.repository import Gio, GLib

from machines import MACHINES
from scdtest.cases import case
from scdtest.clients.client import Client
from scdtest.clients.recorder import CARD, MANAGER, NAME, READER, ROOT
from scdtest.testbed import events

UNIT, PCSCD = "smartcardd.service", "pcscd.service"
READERS = ROOT + "/readers/"
BUS, LOGIND = "org.freedesktop.DBus", "org.freedesktop.login1"

# Journal messages of a service that exceeds its sandbox. On this machine a system call that is not
# allowed kills the service: see tests/boot/guest/setup.
DENIAL = re.compile(r"status=31/SYS|SIGSYS|seccomp|not permitted|[Pp]ermission denied"
                    r"|[Rr]ead-only file system", re.M)


def run(*command):
    """Runs a command, which must succeed, and returns its output."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command}: {result.returncode} {result.stdout}{result.stderr}"
    return result.stdout


IN_SESSION = ("systemd-run", "--quiet", "--pipe", "--wait", "--collect",
              "--property=User=tester", "--property=PAMName=login")


def on_seat(terminal):
    """Returns how a command line begins that runs in a session of tester on that terminal."""
    return (*IN_SESSION, "--setenv=XDG_SEAT=seat0", f"--setenv=XDG_VTNR={terminal}",
            "--setenv=XDG_SESSION_TYPE=tty")


def control_lock_service(*command):
    """Runs a command of systemctl for the lock service of tester."""
    uid = pwd.getpwnam("tester").pw_uid
    return run("setpriv", f"--reuid={uid}", "--clear-groups", "env",
               f"XDG_RUNTIME_DIR=/run/user/{uid}", "systemctl", "--user", *command,
               "smartcardd-lock.service")


def wait_for_lock_service(words):
    """It says in its status how many cards it sees.

    The session may have just begun: not even the folders may be there.
    """
    socket = f"/run/user/{pwd.getpwnam('tester').pw_uid}/systemd/private"
    events.poll_until(lambda: os.path.exists(socket), socket + " appears")
    while words not in control_lock_service("show", "--property=StatusText"):
        pass


def unit(name, unit_name=UNIT):
    """Returns a property of a unit."""
    return run("systemctl", "show", "--value", "--property", name, unit_name).strip()


def object_path(place):
    """Returns the object path of the reader on a USB port."""
    return READERS + "usb_" + re.sub(r"[-.]", "_", place)


def sysfs(place, name):
    with open(f"/sys/bus/usb/devices/{place}/{name}", encoding="utf-8") as file:
        return file.read().strip()


def interfaces():
    """Returns the USB interfaces of class 0b in sysfs."""
    return {file.split("/")[-2] for file in glob.glob("/sys/bus/usb/devices/*/bInterfaceClass")
            if sysfs(file.split("/")[-2], "bInterfaceClass") == "0b"}


class Host:
    """Sends orders to tests/boot/machine.py, which plugs in readers and inserts cards."""

    def __init__(self):
        self._port = open("/dev/virtio-ports/orders", "r+b", buffering=0)

    def order(self, *words):
        self._port.write(" ".join(words).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self._port.read(4096)
        assert answer == b"\n", answer.decode()


class BootTest(unittest.TestCase):
    """places: the names of the readers that are plugged in, with their USB ports."""

    host = Host()
    places = dict(MACHINES[os.environ["SCD_BOOT_MACHINE"]])

    def setUp(self):
        self._cursor = run("journalctl", "--lines=0", "--show-cursor").split()[-1]
        self.client = Client()
        self.addCleanup(self.client.close)

    def tearDown(self):
        denied = [line for line in self.journal().splitlines() if DENIAL.search(line)]
        self.assertEqual(denied, [])

    def journal(self):
        """Returns the journal of the service since the test case began."""
        return run("journalctl", "--after-cursor", self._cursor, "--unit", UNIT)

    def plug(self, name, place):
        self.host.order("plug", name, place)
        self.places[name] = place

    def unplug(self, name):
        self.host.order("unplug", name)
        del self.places[name]

    def wait_for_service(self):
        """Waits until the service owns its name, without a call that would start it."""
        def has_owner():
            name = GLib.Variant("(s)", (NAME,))
            return self.client.connection.call_sync(BUS, "/", BUS, "NameHasOwner", name, None,
                                                    Gio.DBusCallFlags.NONE, -1, None).unpack()[0]
        self.client.wait(has_owner, "the service is there")

    def wait_for_places(self):
        """Waits until the service shows exactly the readers that are plugged in."""
        expected = {object_path(place) for place in self.places.values()}
        shown = set()

        def is_so(client):
            nonlocal shown
            shown = {path for path, _ in client.readers().values()}
            return shown == expected
        try:
            self.client.wait_for_state(is_so, f"the readers are {sorted(expected)}")
        except AssertionError as error:
            raise AssertionError(f"{error}, but {sorted(shown)}") from None

    def wait_for_card(self, name):
        """Waits for the card in the reader of that name, and returns its object path."""
        reader = object_path(self.places[name])
        self.client.wait_for_state(lambda client: client.get(reader, READER, "CardPresent"),
                                   f"a card is in {name}")
        card = self.client.get(reader, READER, "Card")
        self.assertEqual(bytes(self.client.get(card, CARD, "HistoricalBytes")).decode(), name)
        return card


def main():
    case.main(private=False)
