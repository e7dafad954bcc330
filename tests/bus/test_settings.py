#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rules for readers, cards for a login, and settings that are read again while the service runs."""

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.aliases import READER, AliasTest
from scdtest.cases.identity import USB_PATH, text
from scdtest.clients import client
from scdtest.clients.pcsc_client import PcscClient
from scdtest.clients.recorder import CARD, MANAGER, ROOT
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import built

NAME_OF_ATR = "Card of the test"


class SettingsTest(AliasTest):
    def rule(self, *lines, name="smartcardd.conf", label="x"):
        return self.setting(name, *lines, group=f"Reader {label}")

    def reload(self):
        self.caller.ask(ROOT, MANAGER, "Reload")

    def names(self):
        return sorted(name.split()[2] for name in self.client.readers())

    def set_readers(self, *lines):
        """Sets the rule of a file and applies it."""
        self.rule(*lines)
        self.reload()


class Rules(SettingsTest):
    def test_ignore(self):
        """Neither the tree nor a call has the reader."""
        self.rule("MatchPort=1-1", "Ignore=yes")
        self.start_at_ports(serials=("S1", "S2"))
        self.assertEqual(self.names(), ["B"])
        for selector in ("1-1", "S1", "Simulated Reader A 00 00", "usb_1_1"):
            self.assert_refused("UnknownReader", selector)
        waiting = self.caller.send(ROOT, MANAGER, "WaitForCard", client.options())
        self.caller.manager("Version")
        self.driver.insert("A")
        self.driver.insert("B")
        self.assertTrue(waiting.wait()[0].endswith("usb_1_2"))
        self.assertEqual([card["Reader"] for card in self.client.cards().values()],
                         [self.client.reader("Reader B")])

    def test_ignore_all_but_one(self):
        self.rule("MatchName=*", "Ignore=yes", label="all", name="smartcardd.conf.d/1.conf")
        self.rule("MatchSerial=S2", "Ignore=no", name="smartcardd.conf.d/2.conf")
        self.start_at_ports(serials=("S1", "S2"))
        self.assertEqual(self.names(), ["B"])

    def test_alias(self):
        path = self.rule("MatchPort=1-1", "Alias=login")
        self.setting("smartcardd.conf.d/1.conf", "door=port 1-1", "desk=port 1-2")
        self.write_file(b"[Aliases]\nlogin=port 1-2\n")
        self.start_at_ports()
        self.assertEqual(self.aliases(), {"A": "login", "B": "desk"})
        for selector in ("login", "door"):
            self.assertEqual(self.find(selector), "usb_1_1")
        self.assert_invalid(f"is set in {path}: change it there", "A", "x")

    def test_alias_that_fits_two_readers(self):
        self.rule("MatchName=*", "Alias=login")
        self.start_at_ports()
        self.assertEqual(self.aliases(), {})
        self.assert_refused("InvalidArgs", "login")
        self.assertIn("Alias 'login' names no reader: [Reader x] in ", self.testbed.service.output)
        self.set_readers("MatchName=* A *", "Alias=login")
        self.assertEqual(self.aliases(), {"A": "login"})

    def test_alias_that_fits_one_reader_at_last(self):
        self.rule("MatchName=*", "Alias=login")
        self.setting("smartcardd.conf.d/1.conf", "MatchPort=1-2", "Ignore=yes", group="Reader y")
        self.start_at_ports()
        self.assertEqual(self.aliases(), {"A": "login"})

    def test_wrong_lines(self):
        path = self.rule("MatchPort=1-1", "MatchPrt=1-1", "Ignore=yes")
        self.start_at_ports()
        self.assertEqual(self.names(), ["A", "B"])
        self.assertIn(f"{path}: line 3: unknown setting MatchPrt in [Reader x]",
                      self.testbed.service.output)

    def test_reader_that_is_identified_later(self):
        """Its driver answers when no other program has it any more."""
        self.rule("MatchPort=1-1", "Ignore=yes")
        self.start_pcscd(self.simulated_reader("A", card=ATR))
        self.control("A", USB_PATH, text("1-1:1.0"))
        holder = PcscClient()
        self.addCleanup(holder.close)
        holder.do("connect", "exclusive", "Simulated Reader A 00 00")
        self.start_service()
        self.assertEqual(self.names(), ["A"])
        self.driver.remove("A")
        self.client.wait_for_signal("CardRemoved")
        holder.do("disconnect", "leave")
        self.driver.insert("A")
        self.client.wait_for_state(lambda c: self.names() == [], "A is ignored")


class Login(SettingsTest):
    def candidates(self):
        return {name.split()[2]: properties["LoginCandidate"]
                for name, (_, properties) in self.client.readers().items()}

    def card_candidates(self):
        return sorted(card["LoginCandidate"] for card in self.client.cards().values())

    def test_readers(self):
        """Every one counts that the settings do not exclude, at a USB port or not."""
        self.rule("MatchPort=1-2", "Login=no")
        self.start("A", "B", "C")
        self.control("A", USB_PATH, text("1-1:1.0"))
        self.control("B", USB_PATH, text("1-2:1.0"))
        self.start_service()
        self.caller = self.new_caller()
        self.assertEqual(self.candidates(), {"A": True, "B": False, "C": True})
        self.set_readers("MatchPort=1-1", "Login=no")
        self.assertEqual(self.candidates(), {"A": False, "B": True, "C": True})
        changed = self.client.wait_for_signal("PropertiesChanged", self.client.reader("Reader A"))
        self.assertEqual(changed.arguments[:2], (READER, {"LoginCandidate": False}))

    def start_with_cards(self):
        cards = os.path.join(self.testbed.folder, "cards")
        with open(cards, "w", encoding="utf-8") as file:
            file.write(f"{' '.join(ATR[i:i + 2] for i in range(0, len(ATR), 2))}\n"
                       f"\t{NAME_OF_ATR}\n")
        self.start_pcscd(self.simulated_reader("A", card=ATR), self.simulated_reader("B"))
        self.start_service("--card-list", cards)
        self.caller = self.new_caller()

    def cards(self, *lines):
        self.setting("smartcardd.conf", *[f"LoginCards={line}" for line in lines], group="Login")

    def test_no_card_counts_by_default(self):
        self.start_with_cards()
        self.assertEqual(self.card_candidates(), [False])

    def test_cards(self):
        mask = "FF" * (len(ATR) // 2 - 1) + "00"
        for lines in ([f"atr {ATR}"], [f"atr {ATR[:-2]}99 mask {mask}"], ["name 'Card of *'"],
                      ["atr 3B00", "name 'Card of the test'"]):
            with self.subTest(lines):
                self.cards(*lines)
                self.start_with_cards()
                self.assertEqual(self.card_candidates(), [True])
                self.testbed.stop_service()
                self.testbed.stop_pcscd()

    def test_names_without_a_list_of_cards(self):
        self.cards("name 'Card of *'")
        self.start_pcscd(self.simulated_reader("A", card=ATR))
        self.start_service("--card-list", "/nonexistent")
        self.assertEqual(self.card_candidates(), [False])
        self.assertIn("LoginCards has names of cards", self.testbed.service.output)

    def test_other_cards(self):
        self.cards(f"atr {ATR[:-2]}99", "name Card")
        self.start_with_cards()
        self.assertEqual(self.card_candidates(), [False])

    def test_card_that_counts_after_a_reload(self):
        self.start_with_cards()
        self.cards("name 'Card of *'")
        self.reload()
        path, = self.client.cards()
        changed = self.client.wait_for_signal("PropertiesChanged", path)
        self.assertEqual(changed.arguments[:2], (CARD, {"LoginCandidate": True}))
        self.assertEqual(self.card_candidates(), [True])
        self.driver.remove("A")
        self.driver.insert("A", ATR)
        self.client.wait_for_signal("CardInserted")
        self.assertEqual(self.card_candidates(), [True])


class Reload(SettingsTest):
    def test_sessions_on_ignored_readers_end(self):
        self.start_pcscd(self.simulated_reader("A", card=ATR), self.simulated_reader("B", card=ATR))
        self.start_service()
        self.caller = self.new_caller()
        sessions = [self.caller.connect(self.caller.reader("Reader " + name)) for name in "AB"]
        waiting = sessions[0].send_transmit("00A40400")
        waiting.wait()
        self.set_readers("MatchName=* A *", "Ignore=yes")
        self.assertEqual(sessions[0].wait_for_closed(), "reader-removed")
        self.assertEqual(self.names(), ["B"])
        events = [event.member for event in self.client.signals
                  if event.path != ROOT or event.member != "PropertiesChanged"]
        self.assertEqual(events[-4:], ["CardRemoved", "PropertiesChanged", "InterfacesRemoved",
                                       "InterfacesRemoved"])
        sessions[1].transmit("00A40400")
        self.set_readers("MatchName=* A *")
        self.assertEqual(self.names(), ["A", "B"])
        self.caller.connect(self.caller.reader("Reader A")).transmit("00A40400")

    def test_aliases(self):
        self.start_at_ports()
        self.set_alias("A", "mine")
        self.setting("smartcardd.conf", "login=port 1-1")
        self.reload()
        self.assertEqual(self.aliases(), {"A": "login"})
        os.unlink(os.path.join(self.settings, "smartcardd.conf"))
        self.reload()
        self.assertEqual(self.aliases(), {"A": "mine"})

    def test_by_signal(self):
        self.start_at_ports()
        self.rule("MatchPort=1-1", "Ignore=yes")
        os.kill(self.testbed.service.pid, signal.SIGHUP)
        self.client.wait_for_state(lambda c: self.names() == ["B"], "A is ignored")

    def test_by_the_program(self):
        """As the unit calls it: the settings apply when it returns."""
        self.start_at_ports()
        self.rule("MatchPort=1-1", "Ignore=yes")
        subprocess.run([built("service/smartcardd"), "--reload"], check=True)
        self.assertEqual(self.names(), ["B"])

    def test_without_a_service(self):
        result = subprocess.run([built("service/smartcardd"), "--reload"], capture_output=True,
                                text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot reload the settings", result.stderr)

    def test_unreadable_file(self):
        """A reader that was ignored does not appear because of it."""
        path = self.rule("MatchPort=1-1", "Ignore=yes", name="smartcardd.conf.d/a.conf")
        self.start_at_ports()
        os.unlink(path)
        os.mkdir(path)
        error = self.caller.send(ROOT, MANAGER, "Reload")
        self.assertEqual(error.error(), "Failed")
        self.assertEqual(self.names(), ["B"])
        os.rmdir(path)
        self.reload()
        self.assertEqual(self.names(), ["A", "B"])

    def test_wrong_lines(self):
        self.start_at_ports()
        path = self.rule("MatchPort=1-1", "Ignore=maybe")
        self.reload()
        self.assertIn(f"{path}: line 3: Ignore=maybe: write yes or no", self.testbed.service.output)

    def test_limits_need_a_restart(self):
        self.start_at_ports()
        self.setting("smartcardd.conf", "Sessions=1", "SessionsPerUser=1", group="Limits")
        self.reload()
        self.assertIn("systemctl restart smartcardd", self.testbed.service.output)

    def test_many_at_once(self):
        """The last state of the file applies."""
        self.start_at_ports()
        calls = []
        for number in range(20):
            self.rule("MatchPort=1-1", f"Ignore={'no' if number % 2 else 'yes'}", "Alias=login")
            calls.append(self.caller.send(ROOT, MANAGER, "Reload"))
        for call in calls:
            call.wait()
        self.assertEqual(self.aliases(), {"A": "login"})

    def test_other_users_may_not(self):
        self.start_at_ports()
        user = self.other_user("nobody")
        with self.assertRaises(Exception) as caught:
            user.call(ROOT, MANAGER, "Reload", "()")
        self.assertIn("Only root may reload the settings", str(caught.exception))

    def test_stop_during_a_reload(self):
        self.start_at_ports()
        calls = [self.caller.send(ROOT, MANAGER, "Reload") for _ in range(50)]
        self.caller.connection.flush_sync(None)
        self.testbed.stop_service()
        self.caller.wait(lambda: all(call.is_done for call in calls), "all are answered")


if __name__ == "__main__":
    case.main()
