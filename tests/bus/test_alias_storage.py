#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Aliases on disk: kept over restarts, and unusable folders and damaged files."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.aliases import AliasTest
from scdtest.cases.identity import SERIAL, USB_PATH, text
from scdtest.clients import client
from scdtest.clients.pcsc_client import PcscClient
from scdtest.testbed.simulator import ATR

MANAGER_PATH, MANAGER = "/org/smartcardd1", "org.smartcardd1.Manager"
ONE_LINE = r"\A\[Aliases\]\ndesk ([0-9]+)=port 1-1\n\Z"


class Persistence(AliasTest):
    def test_alias_survives_restarts(self):
        self.start_at_ports()
        self.set_alias("A", "login")
        self.set_alias("B", "Büro")
        self.restart_service()
        self.assertEqual(self.aliases(), {"A": "login", "B": "Büro"})
        self.testbed.stop_service()
        self.testbed.stop_pcscd()
        self.start_at_ports("BA")
        self.assertEqual(self.aliases(), {"B": "login", "A": "Büro"})
        self.assertEqual(self.find("login"), "usb_1_1")

    def test_alias_bound_to_a_serial_number(self):
        self.start_at_ports(serials=("S1", "S2"))
        self.set_alias("A", "badge", bind="serial")
        self.set_alias("B", "door")
        self.assertEqual(self.file(), "[Aliases]\nbadge=serial 'S1'\ndoor=port 1-2\n")
        self.testbed.stop_service()
        self.testbed.stop_pcscd()
        self.start_at_ports("BA", serials=("S1", "S2"))
        self.assertEqual(self.find("badge"), "usb_1_2")
        self.assertEqual(self.find("door"), "usb_1_2")
        self.assertEqual(self.aliases(), {"A": "badge"})

    def test_alias_of_an_absent_reader(self):
        """The alias could not be removed, so that a new SetAlias moves it."""
        self.write_file(b"[Aliases]\nlogin=port 4-4\nbadge=serial Z\nother=port 5-5\n")
        self.start_at_ports()
        self.assert_refused("UnknownReader", "login")
        self.set_alias("A", "login")
        self.set_alias("B", "badge")
        self.assertEqual(self.file(), "[Aliases]\nother=port 5-5\nlogin=port 1-1\nbadge=port 1-2\n")

    def test_alias_of_an_interface_and_slot(self):
        self.start_pcscd(self.simulated_reader("A", slots=2))
        self.control("A", USB_PATH, text("1-1:1.2"))
        self.control("A@1", USB_PATH, text("1-1:1.2"))
        self.write_file(b"[Aliases]\nfirst=port 1-1 interface 2\nsecond=port 1-1 interface 2 slot 1\n"
                        b"none=port 1-1\n")
        self.start_service()
        self.assertEqual(self.find("first"), "usb_1_1_if2")
        self.assertEqual(self.find("second"), "usb_1_1_if2_slot1")
        self.assert_refused("UnknownReader", "none")

    def test_serial_number_of_an_interface(self):
        self.start("AB")
        self.control("AB", USB_PATH, text("1-1:1.2"))
        self.attribute("AB", SERIAL, text("S 1"))
        self.start_service()
        self.caller = self.new_caller()
        self.set_alias("AB", "badge", bind="serial")
        self.assertEqual(self.aliases(), {"AB": "badge"})
        self.assertEqual(self.file(), "[Aliases]\nbadge=serial 'S 1' interface 2\n")
        self.restart_service()
        self.assertEqual(self.find("badge"), "usb_1_1_if2")

    def test_port_that_is_found_later(self):
        """Another program holds the reader exclusively at first."""
        self.write_file(b"[Aliases]\nlogin=port 1-1\n")
        self.start_pcscd(self.simulated_reader("A", card=ATR))
        self.control("A", USB_PATH, text("1-1:1.0"))
        holder = PcscClient()
        self.addCleanup(holder.close)
        holder.do("connect", "exclusive", "Simulated Reader A 00 00")
        self.start_service()
        self.assertEqual(self.aliases(), {})
        self.driver.remove("A")
        self.client.wait_for_signal("CardRemoved")
        holder.do("disconnect", "leave")
        caller = self.new_caller()
        waiting = caller.send(MANAGER_PATH, MANAGER, "WaitForCard", client.options(reader="login"))
        caller.manager("Version")
        self.driver.insert("A")
        self.assertEqual(waiting.wait()[0], self.client.reader("Reader A"))
        self.assertEqual(self.aliases(), {"A": "login"})

    def test_without_a_state_folder(self):
        """Aliases last as long as the service, which logs this once."""
        self.start_at_ports()
        self.restart_service("--sysfs", self.sysfs.folder)
        self.set_alias("A", "login")
        self.set_alias("A", "door")
        self.assertEqual(self.aliases(), {"A": "door"})
        self.assertEqual(self.testbed.service.output.count("Aliases are lost when the service ends"), 1)
        self.restart_service("--sysfs", self.sysfs.folder)
        self.assertEqual(self.aliases(), {})
        self.assertEqual(os.listdir(self.state), [])

    def test_state_folder_of_systemd(self):
        self.start_at_ports()
        environment = {"STATE_DIRECTORY": self.state + ":/nonexistent"}
        self.restart_service("--sysfs", self.sysfs.folder, environment=environment)
        self.set_alias("A", "login")
        self.restart_service("--sysfs", self.sysfs.folder, environment=environment)
        self.assertEqual(self.aliases(), {"A": "login"})

    def test_service_killed_while_writing(self):
        """The file is complete and has every alias whose call has returned."""
        self.start_at_ports()
        for _ in range(5):
            calls = [self.send_alias("A", f"desk {number}") for number in range(100)]
            calls[20].wait()
            answered = sum(call.is_done for call in calls)
            self.testbed.service.kill()
            self.assertRegex(self.file(), ONE_LINE)
            self.assertGreaterEqual(int(re.match(ONE_LINE, self.file())[1]) + 1, answered)
            self.start_service()

    def test_service_stopped_while_writing(self):
        """The file is complete and every call has returned."""
        self.write_many(900)
        self.start_at_ports()
        calls = [self.send_alias("A", f"desk {number}") for number in range(100)]
        self.caller.connection.flush_sync(None)
        calls[0].wait()
        self.testbed.stop_service()
        self.caller.wait(lambda: all(call.is_done for call in calls), "all are answered")
        self.assertRegex(self.file(), r"\ndesk [0-9]+=port 1-1\n\Z")


class StorageFailures(AliasTest):
    def mount_state(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", self.state], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.state], check=True)

    def assert_not_saved(self):
        """Checks that SetAlias fails and changes no alias."""
        error, message = self.refusal("A", "door")
        self.assertEqual(error, "NotSaved")
        self.assertIn(self.state, message)
        self.assertEqual(self.aliases(), {"A": "login"})
        self.assert_refused("UnknownReader", "door")
        self.assertEqual(self.file(), "[Aliases]\nlogin=port 1-1\n")

    def test_full_disk(self):
        self.mount_state()
        self.start_at_ports()
        self.set_alias("A", "login")
        filler = os.path.join(self.state, "filler")
        with open(filler, "wb", buffering=0) as file, self.assertRaises(OSError):
            while True:
                file.write(b"x" * 4096)
        self.assert_not_saved()
        os.unlink(filler)
        self.set_alias("A", "door")
        self.assertEqual(self.file(), "[Aliases]\ndoor=port 1-1\n")
        self.assertEqual(os.listdir(self.state), ["aliases"])

    def test_read_only_folder(self):
        self.mount_state()
        self.start_at_ports()
        self.set_alias("A", "login")
        subprocess.run(["mount", "-o", "remount,ro", self.state], check=True)
        self.assert_not_saved()
        subprocess.run(["mount", "-o", "remount,rw", self.state], check=True)
        self.set_alias("A", "door")

    def test_missing_folder(self):
        self.start_at_ports()
        os.rmdir(self.state)
        self.restart_service()
        self.assertEqual(self.refusal("A", "login")[0], "NotSaved")
        self.assertEqual(self.aliases(), {})

    def damaged(self):
        """Returns the content of the copy of a damaged file."""
        found = sorted(name for name in os.listdir(self.state) if name.startswith("aliases."))
        return {name: self.content(name) for name in found}

    def content(self, name):
        with open(os.path.join(self.state, name), "rb") as file:
            return file.read()

    def test_damaged_file(self):
        """Valid lines are used, and a copy of the file is kept."""
        self.start_at_ports()
        contents = (b"[Aliases]\nlogin=port 1-1\ndoor=port \xff\n", b"x\n[Aliases]\nlogin=port 1-1\n",
                    b"[Aliases]\nlogin=port 1-1\n[Other]\nz=1\n",
                    b"[Aliases]\nlogin=port 1-1\nlogin=port 1-2\n", b"\0" * 5000)
        for number, content in enumerate(contents, 1):
            self.write_file(content)
            self.restart_service()
            self.assertEqual(self.aliases(), {"A": "login"} if b"login" in content else {})
            self.assertIn("aliases: line ", self.testbed.service.output)
            self.assertEqual(len(self.damaged()), number - 1)
            self.set_alias("B", "desk")
            self.set_alias("B", "cellar")
            self.assertEqual(self.damaged()[f"aliases.damaged-{number}"], content)
            self.assertEqual(len(self.damaged()), number)
            self.restart_service()
            self.assertIn("cellar", self.aliases().values())
            self.assertNotIn("aliases: line ", self.testbed.service.output)

    def test_file_of_another_kind(self):
        self.start_at_ports()
        os.mkdir(os.path.join(self.state, "aliases"))
        self.restart_service()
        self.assertIn("none can be set", self.testbed.service.output)
        self.assertEqual(self.refusal("A", "login")[0], "NotSaved")
        self.assertEqual(os.listdir(self.state), ["aliases"])


if __name__ == "__main__":
    case.main()
