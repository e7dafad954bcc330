#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine with two seats: each login, and each lock, follows the cards of its own seat only.

Reader a is on seat0; the readers b and c are behind hubs on seat1. The hub of c is what makes
systemd-logind create seat1, as a graphics adapter does on other machines.
"""

import os
import subprocess

import login_page
from booted import (LOGIND, READER, UNIT, BootTest, main, object_path, run, unit, wait_for_lock_service)
from gi.repository import Gio, GLib
from scdtest.testbed import events

HUB, MASTER = "1-4", "1-5"
SEAT0, SEAT1 = "seat0", "seat1"
SETTINGS = """\
[Login]
LoginCards=atr 3B0161
LoginCards=atr 3B0162

[Reader b]
MatchPort=1-4.1
Login=yes
"""
RULE = f'SUBSYSTEM=="usb", KERNEL=="{MASTER}", TAG+="master-of-seat"\n'
STACK = """\
auth [ignore=ignore authinfo_unavail=1 default=ignore] pam_smartcardd.so timeout=infinite
auth sufficient pam_permit.so
auth required pam_deny.so
account required pam_permit.so
session required pam_systemd.so
session optional pam_smartcardd.so card-used
"""


def attach(seat, place):
    run("loginctl", "attach", seat, os.path.realpath(f"/sys/bus/usb/devices/{place}"))
    run("udevadm", "control", "--reload")  # by itself, it looks for new rules every 3 s only
    run("udevadm", "trigger", "--settle", "--subsystem-match=usb")


class Seats(BootTest):
    @classmethod
    def setUpClass(cls):
        login_page.write("/etc/smartcardd/smartcardd.conf.d/test.conf", SETTINGS)
        login_page.write("/etc/udev/rules.d/72-master.rules", RULE)
        login_page.write("/etc/pam.d/seats", STACK)
        login_page.write("/etc/smartcardd/lock.conf", "[Lock]\nReaderGraceSec=1\n")
        for place in (HUB, MASTER):
            attach(SEAT1, place)
        run("systemctl", "restart", UNIT)  # for the settings
        run("systemctl", "--global", "enable", "smartcardd-lock.service")

    def setUp(self):
        """Each test begins with the cards in the readers."""
        super().setUp()
        if "b" not in self.places:
            self.plug("b", f"{HUB}.1")
        self.wait_for_places()
        for name in "ab":
            if not self.client.get(object_path(self.places[name]), READER, "CardPresent"):
                self.host.order("insert", name)
            self.wait_for_card(name)

    def pull_hub(self):
        self.host.order("unplug-hub", HUB)
        del self.places["b"]
        self.wait_for_places()

    def plug_hub(self):
        self.plug("b", f"{HUB}.1")

    def log_in(self, seat):
        """Starts a login at a seat that has no card."""
        login = subprocess.Popen(["stdbuf", "-oL", "pamtester", "-E", "XDG_SEAT=" + seat, "seats",
                                  "tester", "authenticate"], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(login.stdout.close)
        self.addCleanup(login.wait)
        self.addCleanup(login.kill)
        self.assertEqual(login.stdout.readline(), "Insert your smart card.\n")
        return login

    def test_a_reader_is_on_the_seat_of_its_hub(self):
        self.pull_hub()
        self.plug_hub()
        self.wait_for_places()
        for name, seat in (("a", SEAT0), ("b", SEAT1), ("c", SEAT1)):
            properties = self.client.objects()[object_path(self.places[name])][READER]
            self.assertEqual((properties["Seat"], properties["LoginCandidate"]),
                             (seat, name != "c"))

    def wait_for_seat(self, name, seat):
        path = object_path(self.places[name])
        self.client.wait_for_state(lambda client: client.get(path, READER, "Seat") == seat,
                                   f"{name} is on {seat}")

    def test_a_hub_that_is_attached_to_another_seat_takes_its_reader_there(self):
        self.addCleanup(self.wait_for_seat, "b", SEAT1)
        self.addCleanup(attach, SEAT1, HUB)
        self.wait_for_seat("b", SEAT1)
        attach(SEAT0, HUB)
        self.wait_for_seat("b", SEAT0)
        self.wait_for_seat("c", SEAT1)

    def test_a_hub_that_is_plugged_in_ends_the_login_at_its_seat(self):
        """And no other."""
        self.host.order("remove", "a")
        self.client.wait_for_signal("CardRemoved", object_path(self.places["a"]))
        self.pull_hub()
        at_seat0, at_seat1 = self.log_in(SEAT0), self.log_in(SEAT1)
        self.plug_hub()
        self.assertEqual(at_seat1.wait(events.LIMIT_S), 0)
        self.assertIsNone(at_seat0.poll())
        self.host.order("insert", "a")
        self.assertEqual(at_seat0.wait(events.LIMIT_S), 0)

    def open_session(self, seat, *variables):
        """Opens a session that remembers the card of its seat, and returns its path."""
        unit_name = f"session-at-{seat}"
        run("systemd-run", "--quiet", "--collect", "--service-type=exec", "--unit", unit_name,
            "--property=User=tester", "--property=PAMName=seats", f"--setenv=XDG_SEAT={seat}",
            "--setenv=XDG_SESSION_TYPE=x11", *variables, "sleep", "infinity")
        self.addCleanup(run, "systemctl", "stop", unit_name)
        session, = self.call_logind("GetSessionByPID", "(u)", int(unit("MainPID", unit_name)))
        return session

    def call_logind(self, method, signature, *arguments):
        return self.client.connection.call_sync(
            LOGIND, "/org/freedesktop/login1", LOGIND + ".Manager", method,
            GLib.Variant(signature, arguments), None, Gio.DBusCallFlags.NONE, -1, None).unpack()

    def test_a_hub_that_is_pulled_locks_the_session_at_its_seat(self):
        """And no other."""
        locked = []
        self.client.connection.signal_subscribe(
            LOGIND, LOGIND + ".Session", "Lock", None, None, Gio.DBusSignalFlags.NONE,
            lambda _bus, _sender, path, *_: locked.append(path))
        at_seat0 = self.open_session(SEAT0, "--setenv=XDG_VTNR=8")
        at_seat1 = self.open_session(SEAT1)
        wait_for_lock_service("sessions: 2, of which 2 are")
        self.pull_hub()
        self.client.wait(lambda: locked, "a session is locked")
        self.assertEqual(locked, [at_seat1])
        self.host.order("remove", "a")
        self.client.wait(lambda: len(locked) > 1, "the other session is locked")
        self.assertEqual(locked, [at_seat1, at_seat0])


if __name__ == "__main__":
    main()
