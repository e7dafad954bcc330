#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Aliases: given, kept, found again, refused; and disks, files and callers that are not as hoped."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest import case
from scdtest.identity import READERS, SERIAL, USB_PATH, IdentityTest, text
from scdtest.simulator import ATR

READER = "org.smartcardd1.Reader"
MANAGER_PATH, MANAGER = "/org/smartcardd1", "org.smartcardd1.Manager"
MAX = 1024
ONE_LINE = r"\A\[Aliases\]\ndesk ([0-9]+)=port 1-1\n\Z"
NO_NAMES = (" ", "a ", "-a", "a/b", "/", "..", ".", "a\nb", "a\x1b[2J", "a'b", 'a"b', "a=b", "[a]",
            "#a", "a\u200bb", "a\u202eb", "x" * 65, "x" * 100000, "1-3", "1-3.1:1.0", "Desk 00 00",
            READERS + "usb_1_3")
NAMES = ("a", "Front desk 2", "Büro", "台", "x" * 64, "usb_1_3", "1", "a..b")


class AliasTest(IdentityTest):
    """Readers A, B, … at the ports 1-1, 1-2, …"""

    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.world.folder, "state")
        self.settings = os.path.join(self.world.folder, "settings")
        os.mkdir(self.state)
        os.mkdir(self.settings)

    def new_caller(self):
        from scdtest.client import Client
        caller = Client()
        self._clients.append(caller)
        return caller

    def start_at_ports(self, ports="AB", serials=""):
        """ports: which reader is at which."""
        self.start(*sorted(ports))
        for number, name in enumerate(ports, 1):
            self.control(name, USB_PATH, text(f"1-{number}:1.0"))
        for name, serial in zip(sorted(ports), serials):
            self.attribute(name, SERIAL, text(serial))
        self.start_service()
        self.caller = self.new_caller()

    def start_service(self, *options, **keywords):
        super().start_service("--config", os.path.join(self.settings, "smartcardd.conf"),
                              *(options or ("--state", self.state)), **keywords)

    def restart_service(self, *options, **keywords):
        self.world.stop_service()
        self.start_service(*options, **keywords)

    def send_alias(self, name, alias, **options):
        from scdtest import client
        return self.caller.send(self.client.reader("Reader " + name), READER, "SetAlias", alias,
                                client.options(**options))

    def set_alias(self, name, alias, **options):
        self.send_alias(name, alias, **options).wait()

    def refusal(self, name, alias, **options):
        """Name and message of the error."""
        from scdtest.client import Refused
        with self.assertRaises(Refused) as caught:
            self.set_alias(name, alias, **options)
        return caught.exception.name, caught.exception.message

    def assert_invalid(self, words, name, alias, **options):
        error, message = self.refusal(name, alias, **options)
        self.assertEqual(error, "InvalidArgument", alias)
        self.assertIn(words, message)

    def aliases(self):
        """As they are shown, of those that have one."""
        return {properties["Name"].split()[2]: properties["Alias"]
                for _, properties in self.client.readers().values() if properties["Alias"]}

    def setting(self, name, *lines):
        path = os.path.join(self.settings, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(["[Aliases]", *lines, ""]))
        return path

    def file(self):
        with open(os.path.join(self.state, "aliases"), encoding="utf-8") as file:
            return file.read()

    def write_many(self, count):
        """Of readers that are not there."""
        lines = "".join(f"n{number}=port 200-{number // 255 + 1}.{number % 255 + 1}\n"
                        for number in range(count))
        self.write_file(b"[Aliases]\n" + lines.encode())

    def write_file(self, content):
        with open(os.path.join(self.state, "aliases"), "wb") as file:
            file.write(content)


class Given(AliasTest):
    def test_one_reader(self):
        self.start_at_ports()
        path = self.client.reader("Reader A")
        self.set_alias("A", "login")
        changed = self.client.wait_for_signal("PropertiesChanged", path)
        self.assertEqual(changed.arguments[:2], (READER, {"Alias": "login"}))
        self.assertEqual(self.aliases(), {"A": "login"})
        self.assertEqual(self.find("login"), "usb_1_1")
        self.assertEqual(self.file(), "[Aliases]\nlogin=port 1-1\n")

    def test_another_one_in_its_place(self):
        self.start_at_ports()
        self.set_alias("A", "login")
        self.set_alias("A", "Front desk")
        self.assertEqual(self.aliases(), {"A": "Front desk"})
        self.assertEqual(self.find("Front desk"), "usb_1_1")
        self.assert_refused("UnknownReader", "login")
        self.assertEqual(self.file(), "[Aliases]\nFront desk=port 1-1\n")

    def test_taken_away(self):
        self.start_at_ports(serials=("S1",))
        for bind in ("port", "serial"):
            self.set_alias("A", "login", bind=bind)
            self.set_alias("A", "")
            self.assertEqual(self.aliases(), {})
            self.assert_refused("UnknownReader", "login")
            self.assertEqual(self.file(), "[Aliases]\n")
        self.set_alias("A", "")

    def test_nothing_to_take_away(self):
        """Nothing is written then."""
        self.start_at_ports()
        self.set_alias("A", "")
        self.assertEqual(os.listdir(self.state), [])

    def test_passed_on(self):
        self.start_at_ports()
        self.set_alias("A", "login")
        self.assert_invalid("take it away there first", "B", "login")
        self.assertEqual(self.aliases(), {"A": "login"})
        self.set_alias("A", "")
        self.set_alias("B", "login")
        self.assertEqual(self.aliases(), {"B": "login"})

    def test_many_at_once(self):
        """Each is on the disk when it is answered, and the last one stays."""
        self.start_at_ports()
        calls = [self.send_alias("AB"[number % 2], f"desk {number}") for number in range(100)]
        for call in calls:
            call.wait()
        self.assertEqual(self.caller.done, calls)
        self.assertEqual(self.aliases(), {"A": "desk 98", "B": "desk 99"})
        self.assertEqual(self.file(), "[Aliases]\ndesk 98=port 1-1\ndesk 99=port 1-2\n")

    def test_as_selector(self):
        self.start_at_ports(serials=("login", "S2"))
        self.set_alias("B", "login")
        self.assertEqual(self.find("login"), "usb_1_2")
        self.assertEqual(self.find("1-1"), "usb_1_1")
        self.set_alias("B", "")
        self.assertEqual(self.find("login"), "usb_1_1")

    def test_wait_for_card(self):
        """Also when the reader gets the alias after its card."""
        from scdtest import client
        self.start_at_ports()
        waiting = [self.caller.send(MANAGER_PATH, MANAGER, "WaitForCard",
                                    client.options(reader="login", **options))
                   for options in ({}, {"new": True})]
        self.driver.insert("A")
        self.client.wait_for_signal("CardInserted")
        self.assertFalse(waiting[0].is_done)
        self.set_alias("A", "login")
        reader, card = waiting[0].wait()
        self.assertEqual(reader, READERS + "usb_1_1")
        self.assertEqual(self.caller.ask(MANAGER_PATH, MANAGER, "WaitForCard",
                                         client.options(reader="login")), [reader, card])
        self.assertFalse(waiting[1].is_done)
        self.driver.swap("A")
        self.assertEqual(waiting[1].wait()[0], reader)


class Kept(AliasTest):
    def test_restarts(self):
        self.start_at_ports()
        self.set_alias("A", "login")
        self.set_alias("B", "Büro")
        self.restart_service()
        self.assertEqual(self.aliases(), {"A": "login", "B": "Büro"})
        self.world.stop_service()
        self.world.stop_pcscd()
        self.start_at_ports("BA")
        self.assertEqual(self.aliases(), {"B": "login", "A": "Büro"})
        self.assertEqual(self.find("login"), "usb_1_1")

    def test_with_the_serial_number(self):
        self.start_at_ports(serials=("S1", "S2"))
        self.set_alias("A", "badge", bind="serial")
        self.set_alias("B", "door")
        self.assertEqual(self.file(), "[Aliases]\nbadge=serial 'S1'\ndoor=port 1-2\n")
        self.world.stop_service()
        self.world.stop_pcscd()
        self.start_at_ports("BA", serials=("S1", "S2"))
        self.assertEqual(self.find("badge"), "usb_1_2")
        self.assertEqual(self.find("door"), "usb_1_2")
        self.assertEqual(self.aliases(), {"A": "badge"})

    def test_of_a_reader_that_is_not_there(self):
        """Nobody could take it away, so it moves."""
        self.write_file(b"[Aliases]\nlogin=port 4-4\nbadge=serial Z\nother=port 5-5\n")
        self.start_at_ports()
        self.assert_refused("UnknownReader", "login")
        self.set_alias("A", "login")
        self.set_alias("B", "badge")
        self.assertEqual(self.file(), "[Aliases]\nother=port 5-5\nlogin=port 1-1\nbadge=port 1-2\n")

    def test_interface_and_slot(self):
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

    def test_reader_whose_port_is_found_later(self):
        """Another program has it for itself at first."""
        from scdtest import client
        from scdtest.plain import Plain
        self.write_file(b"[Aliases]\nlogin=port 1-1\n")
        self.start_pcscd(self.simulated_reader("A", card=ATR))
        self.control("A", USB_PATH, text("1-1:1.0"))
        holder = Plain()
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

    def test_no_folder(self):
        """They last as long as the service, which says so once."""
        self.start_at_ports()
        self.restart_service("--sysfs", self.sysfs.folder)
        self.set_alias("A", "login")
        self.set_alias("A", "door")
        self.assertEqual(self.aliases(), {"A": "door"})
        self.assertEqual(self.world.service.output.count("as long as the service"), 1)
        self.restart_service("--sysfs", self.sysfs.folder)
        self.assertEqual(self.aliases(), {})
        self.assertEqual(os.listdir(self.state), [])

    def test_folder_of_systemd(self):
        self.start_at_ports()
        environment = {"STATE_DIRECTORY": self.state + ":/nonexistent"}
        self.restart_service("--sysfs", self.sysfs.folder, environment=environment)
        self.set_alias("A", "login")
        self.restart_service("--sysfs", self.sysfs.folder, environment=environment)
        self.assertEqual(self.aliases(), {"A": "login"})

    def test_killed_while_it_writes(self):
        """The file is whole, and has no less than what was answered."""
        self.start_at_ports()
        for _ in range(5):
            calls = [self.send_alias("A", f"desk {number}") for number in range(100)]
            calls[20].wait()
            answered = sum(call.is_done for call in calls)
            self.world.service.kill()
            self.assertRegex(self.file(), ONE_LINE)
            self.assertGreaterEqual(int(re.match(ONE_LINE, self.file())[1]) + 1, answered)
            self.start_service()

    def test_end_while_it_writes(self):
        """The file is whole here as well, and nobody is left waiting."""
        self.write_many(900)
        self.start_at_ports()
        calls = [self.send_alias("A", f"desk {number}") for number in range(100)]
        self.caller.connection.flush_sync(None)
        calls[0].wait()
        self.world.stop_service()
        self.caller.wait(lambda: all(call.is_done for call in calls), "all are answered")
        self.assertRegex(self.file(), r"\ndesk [0-9]+=port 1-1\n\Z")


class Settings(AliasTest):
    def test_they_win(self):
        path = self.setting("smartcardd.conf", "login=port 1-1")
        self.write_file(b"[Aliases]\nlogin=port 1-2\ndoor=port 1-1\n")
        self.start_at_ports()
        self.assertEqual(self.aliases(), {"A": "login"})
        self.assertEqual(self.find("login"), "usb_1_1")
        self.assertEqual(self.find("door"), "usb_1_1")
        for alias in ("", "x", "login"):
            self.assert_invalid(f"is set in {path}: change it there", "A", alias)
        self.assert_invalid(f"is set in {path}, for another reader", "B", "login")
        os.unlink(path)
        self.restart_service()
        self.assertEqual(self.aliases(), {"A": "door", "B": "login"})

    def test_what_is_ours_outlasts_them(self):
        self.setting("smartcardd.conf", "login=port 1-1")
        self.write_file(b"[Aliases]\nlogin=port 3-3\n")
        self.start_at_ports()
        self.set_alias("B", "door")
        self.assertEqual(self.file(), "[Aliases]\nlogin=port 3-3\ndoor=port 1-2\n")

    def test_several_files(self):
        first = self.setting("10-a.conf", "login=port 1-1", "door=serial S2")
        second = self.setting("20-b.conf", "login=port 1-2", "desk=port 1-1", "nonsense")
        self.setting("30-c.conf.bak", "cellar=port 1-2")
        with open(os.path.join(self.settings, "smartcardd.conf"), "w", encoding="utf-8") as file:
            file.write("[Limits]\nSessions=7\nwrong\n[Aliases]\ncellar=port 1-4\n")
        self.start_at_ports(serials=("S1", "S2"))
        self.assertEqual(self.aliases(), {"A": "login", "B": "door"})
        self.assert_invalid(f"in {first}", "A", "x")
        output = self.world.service.output
        self.assertIn(f"{second}: line 2: alias login is there already", output)
        self.assertIn(f"{second}: line 3: the reader of alias desk has one already", output)
        self.assertIn(f"{second}: line 4: ", output)
        self.assertEqual(output.count(": line 3: Key"), 1)

    def test_two_readers_with_one_serial_number(self):
        self.setting("smartcardd.conf", "badge=serial S1")
        self.start_at_ports(serials=("S1", "S1"))
        self.assertEqual(self.aliases(), {})
        self.assert_refused("InvalidArgument", "badge")
        self.assertIn("Alias 'badge' names no reader: several have serial number 'S1'",
                      self.world.service.output)

    def test_file_that_cannot_be_read(self):
        os.mkdir(os.path.join(self.settings, "a.conf"))
        self.setting("b.conf", "login=port 1-1")
        self.start_at_ports()
        self.assertEqual(self.aliases(), {"A": "login"})
        self.assertIn("No aliases from there", self.world.service.output)


class Refused(AliasTest):
    def test_names(self):
        self.start_at_ports()
        for alias in NO_NAMES:
            self.assert_invalid("", "A", alias)
        self.assertEqual(os.listdir(self.state), [])
        for alias in NAMES:
            self.set_alias("A", alias)
            self.assertEqual(self.find(alias), "usb_1_1")
        self.restart_service()
        self.assertEqual(self.aliases(), {"A": NAMES[-1]})

    def test_options(self):
        self.start_at_ports()
        self.assert_invalid("\"port\" or \"serial\"", "A", "login", bind="reader")
        self.assert_invalid("unknown option", "A", "login", force=True)
        self.assert_invalid("type", "A", "login", bind=1)

    def test_nothing_to_bind_it_to(self):
        self.start_at_ports()
        self.start("A")
        self.restart_service()
        self.assert_invalid("Nobody knows the USB port", "A", "login")
        self.assert_invalid("has no serial number", "A", "login", bind="serial")

    def test_serial_number_of_several(self):
        self.start_at_ports(serials=("S1", "S1"))
        self.assert_invalid("Several readers have serial number 'S1'", "A", "badge", bind="serial")
        self.set_alias("A", "badge")

    def test_too_many(self):
        self.write_many(MAX - 1)
        self.start_at_ports()
        self.set_alias("A", "login")
        error, message = self.refusal("B", "door")
        self.assertEqual(error, "LimitExceeded")
        self.assertIn(str(MAX), message)
        self.set_alias("A", "desk")
        self.set_alias("B", "n7")
        self.assertEqual(self.aliases(), {"A": "desk", "B": "n7"})
        self.restart_service()
        self.assertEqual(self.aliases(), {"A": "desk", "B": "n7"})


class Disk(AliasTest):
    def mount_state(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", self.state], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.state], check=True)

    def assert_not_saved(self):
        """And nothing is changed."""
        error, message = self.refusal("A", "door")
        self.assertEqual(error, "NotSaved")
        self.assertIn(self.state, message)
        self.assertEqual(self.aliases(), {"A": "login"})
        self.assert_refused("UnknownReader", "door")
        self.assertEqual(self.file(), "[Aliases]\nlogin=port 1-1\n")

    def test_full(self):
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

    def test_not_writable(self):
        self.mount_state()
        self.start_at_ports()
        self.set_alias("A", "login")
        subprocess.run(["mount", "-o", "remount,ro", self.state], check=True)
        self.assert_not_saved()
        subprocess.run(["mount", "-o", "remount,rw", self.state], check=True)
        self.set_alias("A", "door")

    def test_no_such_folder(self):
        self.start_at_ports()
        os.rmdir(self.state)
        self.restart_service()
        self.assertEqual(self.refusal("A", "login")[0], "NotSaved")
        self.assertEqual(self.aliases(), {})

    def damaged(self):
        """What is kept beside the file."""
        found = sorted(name for name in os.listdir(self.state) if name.startswith("aliases."))
        return {name: self.content(name) for name in found}

    def content(self, name):
        with open(os.path.join(self.state, name), "rb") as file:
            return file.read()

    def test_damaged(self):
        """What can be read is used, and nothing is lost."""
        self.start_at_ports()
        contents = (b"[Aliases]\nlogin=port 1-1\ndoor=port \xff\n", b"x\n[Aliases]\nlogin=port 1-1\n",
                    b"[Aliases]\nlogin=port 1-1\n[Other]\nz=1\n",
                    b"[Aliases]\nlogin=port 1-1\nlogin=port 1-2\n", b"\0" * 5000)
        for number, content in enumerate(contents, 1):
            self.write_file(content)
            self.restart_service()
            self.assertEqual(self.aliases(), {"A": "login"} if b"login" in content else {})
            self.assertIn("aliases: line ", self.world.service.output)
            self.assertEqual(len(self.damaged()), number - 1)
            self.set_alias("B", "desk")
            self.set_alias("B", "cellar")
            self.assertEqual(self.damaged()[f"aliases.damaged-{number}"], content)
            self.assertEqual(len(self.damaged()), number)
            self.restart_service()
            self.assertIn("cellar", self.aliases().values())
            self.assertNotIn("aliases: line ", self.world.service.output)

    def test_something_else(self):
        self.start_at_ports()
        os.mkdir(os.path.join(self.state, "aliases"))
        self.restart_service()
        self.assertIn("none can be set", self.world.service.output)
        self.assertEqual(self.refusal("A", "login")[0], "NotSaved")
        self.assertEqual(os.listdir(self.state), ["aliases"])


class Permissions(AliasTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.polkit()

    def start_at_ports(self, *arguments, **keywords):
        super().start_at_ports(*arguments, **keywords)
        self.user = self.other_user("nobody")

    def ask(self, name, alias):
        """Gives the name of the error."""
        from scdtest.other_user import CallError
        try:
            self.user.call(self.client.reader("Reader " + name), READER, "SetAlias", "(sa{sv})",
                           alias, {})
        except CallError as error:
            return error.name.rpartition(".")[2]
        return None

    def test_manage(self):
        self.start_at_ports()
        self.daemon.start('return action.id == "org.smartcardd1.manage" ? polkit.Result.NO '
                          ': polkit.Result.YES;')
        self.assertEqual(self.ask("A", "login"), "NotAuthorized")
        self.assertEqual(self.ask("A", ""), "NotAuthorized")
        self.assertEqual(self.ask("A", "-"), "InvalidArgument")
        self.assertEqual(self.aliases(), {})
        self.daemon.change_rule('return action.id == "org.smartcardd1.manage" ? polkit.Result.YES '
                                ': polkit.Result.NO;')
        self.assertEqual(self.ask("A", "login"), None)
        self.assertEqual(self.aliases(), {"A": "login"})

    def test_rules_by_alias(self):
        self.start_at_ports()
        self.daemon.start('return action.lookup("alias") == "login" ? polkit.Result.YES '
                          ': polkit.Result.NO;')
        can = [(MANAGER_PATH, MANAGER, "CanConnect", "(o)", READERS + label)
               for label in ("usb_1_1", "usb_1_2")]
        self.set_alias("A", "login")
        self.assertEqual([self.user.call(*call)[0] for call in can], ["yes", "no"])
        self.set_alias("A", "")
        self.set_alias("B", "login")
        self.assertEqual([self.user.call(*call)[0] for call in can], ["no", "yes"])

    def test_reader_that_goes_meanwhile(self):
        self.start_at_ports()
        self.daemon.start("return polkit.Result.YES;")
        self.daemon.pause()
        number = self.user.send(self.client.reader("Reader A"), READER, "SetAlias", "(sa{sv})",
                                "login", {})
        self.user.call(MANAGER_PATH, MANAGER, "FindReader", "(s)", "1-1")
        self.world.stop_pcscd()
        from scdtest.other_user import CallError
        with self.assertRaises(CallError) as caught:
            self.user.wait_for(number)
        self.assertEqual(caught.exception.name, "org.smartcardd1.Error.NoService")
        self.daemon.resume()
        self.assertEqual(os.listdir(self.state), [])


if __name__ == "__main__":
    case.main()
