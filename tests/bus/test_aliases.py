#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Aliases: SetAlias, aliases that the administrator sets, invalid ones, and permissions."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.aliases import READER, AliasTest
from scdtest.cases.identity import READERS
from scdtest.clients import client
from scdtest.clients.other_user import CallError

MANAGER_PATH, MANAGER = "/org/smartcardd1", "org.smartcardd1.Manager"
MAX = 1024
NO_NAMES = (" ", "a ", "-a", "a/b", "/", "..", ".", "a\nb", "a\x1b[2J", "a'b", 'a"b', "a=b", "[a]",
            "#a", "a\u200bb", "a\u202eb", "x" * 65, "x" * 3000, "1-3", "1-3.1:1.0", "Desk 00 00",
            READERS + "usb_1_3")
NAMES = ("a", "Front desk 2", "Büro", "台", "x" * 64, "usb_1_3", "1", "a..b")


class SetAlias(AliasTest):
    def test_set_and_read(self):
        self.start_at_ports()
        path = self.client.reader("Reader A")
        self.set_alias("A", "login")
        changed = self.client.wait_for_signal("PropertiesChanged", path)
        self.assertEqual(changed.arguments[:2], (READER, {"Alias": "login"}))
        self.assertEqual(self.aliases(), {"A": "login"})
        self.assertEqual(self.find("login"), "usb_1_1")
        self.assertEqual(self.file(), "[Aliases]\nlogin=port 1-1\n")

    def test_replace(self):
        self.start_at_ports()
        self.set_alias("A", "login")
        self.set_alias("A", "Front desk")
        self.assertEqual(self.aliases(), {"A": "Front desk"})
        self.assertEqual(self.find("Front desk"), "usb_1_1")
        self.assert_refused("UnknownReader", "login")
        self.assertEqual(self.file(), "[Aliases]\nFront desk=port 1-1\n")

    def test_remove(self):
        self.start_at_ports(serials=("S1",))
        for bind in ("port", "serial"):
            self.set_alias("A", "login", bind=bind)
            self.set_alias("A", "")
            self.assertEqual(self.aliases(), {})
            self.assert_refused("UnknownReader", "login")
            self.assertEqual(self.file(), "[Aliases]\n")
        self.set_alias("A", "")

    def test_remove_without_an_alias(self):
        """Writes nothing to the disk."""
        self.start_at_ports()
        self.set_alias("A", "")
        self.assertEqual(os.listdir(self.state), [])

    def test_move_to_another_reader(self):
        self.start_at_ports()
        self.set_alias("A", "login")
        self.assert_invalid("remove it there first", "B", "login")
        self.assertEqual(self.aliases(), {"A": "login"})
        self.set_alias("A", "")
        self.set_alias("B", "login")
        self.assertEqual(self.aliases(), {"B": "login"})

    def test_many_calls_at_once(self):
        """Each alias is stored before its call returns; the last one remains."""
        self.start_at_ports()
        calls = [self.send_alias("AB"[number % 2], f"desk {number}") for number in range(100)]
        for call in calls:
            call.wait()
        self.assertEqual(self.caller.done, calls)
        self.assertEqual(self.aliases(), {"A": "desk 98", "B": "desk 99"})
        self.assertEqual(self.file(), "[Aliases]\ndesk 98=port 1-1\ndesk 99=port 1-2\n")

    def test_alias_as_selector(self):
        self.start_at_ports(serials=("login", "S2"))
        self.set_alias("B", "login")
        self.assertEqual(self.find("login"), "usb_1_2")
        self.assertEqual(self.find("1-1"), "usb_1_1")
        self.set_alias("B", "")
        self.assertEqual(self.find("login"), "usb_1_1")

    def test_wait_for_card(self):
        """Also when the alias is set after the card was inserted."""
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


class AdministratorAliases(AliasTest):
    def test_administrator_overrides_stored_alias(self):
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

    def test_stored_alias_returns_after_the_override(self):
        self.setting("smartcardd.conf", "login=port 1-1")
        self.write_file(b"[Aliases]\nlogin=port 3-3\n")
        self.start_at_ports()
        self.set_alias("B", "door")
        self.assertEqual(self.file(), "[Aliases]\nlogin=port 3-3\ndoor=port 1-2\n")

    def test_several_configuration_files(self):
        """A later file overrides an earlier one; in one file, the first alias counts."""
        self.setting("smartcardd.conf", "cellar=port 1-1", "door=port 1-4")
        first = self.setting("smartcardd.conf.d/10-a.conf", "login=port 1-1", "login=port 1-2",
                             "nonsense", "cellar=port 1-1")
        self.setting("smartcardd.conf.d/20-b.conf", "door=serial S2")
        self.setting("smartcardd.conf.d/30-c.conf.bak", "cellar=port 1-2")
        former = self.setting("more.conf", "desk=port 1-1")
        self.start_at_ports(serials=("S1", "S2"))
        self.assertEqual(self.aliases(), {"A": "login", "B": "door"})
        self.assert_invalid(f"in {first}", "A", "x")
        output = self.testbed.service.output
        self.assertIn(f"{first}: line 3: alias login is there already", output)
        self.assertIn(f"{first}: line 4: ", output)
        self.assertIn(f"{first}: line 5: the reader of alias cellar has one already", output)
        self.assertIn(f"{former}: not read: move the file to {self.settings}/smartcardd.conf.d",
                      output)

    def test_two_readers_with_one_serial_number(self):
        self.setting("smartcardd.conf", "badge=serial S1")
        self.start_at_ports(serials=("S1", "S1"))
        self.assertEqual(self.aliases(), {})
        self.assert_refused("InvalidArgs", "badge")
        self.assertIn("Alias 'badge' names no reader: several have serial number 'S1'",
                      self.testbed.service.output)

    def test_unreadable_file(self):
        os.makedirs(os.path.join(self.settings, "smartcardd.conf.d", "a.conf"))
        self.setting("smartcardd.conf.d/b.conf", "login=port 1-1")
        self.start_at_ports()
        self.assertEqual(self.aliases(), {"A": "login"})
        self.assertIn("The settings of a file are the defaults", self.testbed.service.output)


class InvalidAliases(AliasTest):
    def test_invalid_names(self):
        self.start_at_ports()
        for alias in NO_NAMES:
            self.assert_invalid("", "A", alias)
        self.assertEqual(os.listdir(self.state), [])
        for alias in NAMES:
            self.set_alias("A", alias)
            self.assertEqual(self.find(alias), "usb_1_1")
        self.restart_service()
        self.assertEqual(self.aliases(), {"A": NAMES[-1]})

    def test_invalid_options(self):
        self.start_at_ports()
        self.assert_invalid("\"port\" or \"serial\"", "A", "login", bind="reader")
        self.assert_invalid("unknown option", "A", "login", force=True)
        self.assert_invalid("type", "A", "login", bind=1)

    def test_reader_without_port_and_serial_number(self):
        self.start_at_ports()
        self.start("A")
        self.restart_service()
        self.assert_invalid("an alias cannot be bound to it", "A", "login")
        self.assert_invalid("has no serial number", "A", "login", bind="serial")

    def test_ambiguous_serial_number(self):
        self.start_at_ports(serials=("S1", "S1"))
        self.assert_invalid("Several readers have serial number 'S1'", "A", "badge", bind="serial")
        self.set_alias("A", "badge")

    def test_limit_of_aliases(self):
        self.write_many(MAX - 1)
        self.start_at_ports()
        self.set_alias("A", "login")
        error, message = self.refusal("B", "door")
        self.assertEqual(error, "LimitsExceeded")
        self.assertIn(str(MAX), message)
        self.set_alias("A", "desk")
        self.set_alias("B", "n7")
        self.assertEqual(self.aliases(), {"A": "desk", "B": "n7"})
        self.restart_service()
        self.assertEqual(self.aliases(), {"A": "desk", "B": "n7"})


class AliasPermissions(AliasTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.polkit()

    def start_at_ports(self, *arguments, **keywords):
        super().start_at_ports(*arguments, **keywords)
        self.user = self.other_user("nobody")

    def ask(self, name, alias):
        """Returns the name of the D-Bus error."""
        try:
            self.user.call(self.client.reader("Reader " + name), READER, "SetAlias", "(sa{sv})",
                           alias, {})
        except CallError as error:
            return error.name.rpartition(".")[2]
        return None

    def test_needs_the_manage_action(self):
        self.start_at_ports()
        self.daemon.start('return action.id == "org.smartcardd1.manage" ? polkit.Result.NO '
                          ': polkit.Result.YES;')
        self.assertEqual(self.ask("A", "login"), "NotAuthorized")
        self.assertEqual(self.ask("A", ""), "NotAuthorized")
        self.assertEqual(self.ask("A", "-"), "InvalidArgs")
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

    def test_reader_disappears_during_authorization(self):
        self.start_at_ports()
        self.daemon.start("return polkit.Result.YES;")
        self.daemon.pause()
        number = self.user.send(self.client.reader("Reader A"), READER, "SetAlias", "(sa{sv})",
                                "login", {})
        self.user.call(MANAGER_PATH, MANAGER, "FindReader", "(s)", "1-1")
        self.testbed.stop_pcscd()
        with self.assertRaises(CallError) as caught:
            self.user.wait_for(number)
        self.assertEqual(caught.exception.name, "org.smartcardd1.Error.NoService")
        self.daemon.resume()
        self.assertEqual(os.listdir(self.state), [])


if __name__ == "__main__":
    case.main()
