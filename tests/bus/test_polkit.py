#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""CanConnect with the real polkitd: results, rules, and a polkitd that stops or does not reply."""

import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

from scdtest.cases import case
from scdtest.clients.other_user import CallError
from scdtest.testbed import events
from scdtest.testbed.bus import SERVICES
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import SOURCE, simulated_reader

ROOT, MANAGER = "/org/smartcardd1", "org.smartcardd1.Manager"
ALICE, BOB, CAROL = "nobody", "daemon", "games"
RULE = f"""
    switch (subject.user) {{
    case "{ALICE}": return polkit.Result.YES;
    case "{BOB}": return polkit.Result.AUTH_ADMIN;
    default: return polkit.Result.NO;
    }}
"""
DENY_ALL = "return polkit.Result.NO;"
QUEUE = 8 + 256  # pending checks that one user may have: sent to polkit, and queued


class AuthorityTest(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.daemon = self.polkit()
        self.testbed.start_pcscd([simulated_reader("A", card=ATR), simulated_reader("B")])
        self.testbed.start_service()
        self.root = self.recorder()
        self.reader = self.root.reader("Reader A")

    def ask(self, client, reader=None):
        """Calls CanConnect without waiting for the reply."""
        return client.send(ROOT, MANAGER, "CanConnect", "(o)", reader or self.reader)

    def answer(self, client, reader=None):
        return client.wait_for(self.ask(client, reader))[0]

    def root_answer(self):
        return self.root.call(ROOT, MANAGER, "CanConnect", GLib.Variant("(o)", (self.reader,)))[0]

    def assert_root_only(self, client):
        self.assertEqual(self.answer(client), "no")
        self.assertEqual(self.root_answer(), "yes")


class ShippedRules(case.TestBedTest):
    """The file for the administrator: its rules are comments, which she activates."""

    def answers(self, rules):
        """Returns the answers for both readers of a user in each group, and of one in none."""
        self.testbed.start_bus()
        daemon = self.polkit()
        daemon.start_with(rules)
        self.testbed.start_pcscd([simulated_reader("A"), simulated_reader("B")])
        settings = os.path.join(self.testbed.folder, "smartcardd.conf")
        with open(settings, "w", encoding="utf-8") as file:
            file.write("[Reader till]\nMatchName=* A *\nAlias=till\n")
        self.testbed.start_service("--config", settings)
        root = self.recorder()
        return {user: [self.other_user(user).call(ROOT, MANAGER, "CanConnect", "(o)",
                                                  root.reader("Reader " + name))[0]
                       for name in "AB"] for user in (ALICE, BOB, CAROL)}

    def rules(self):
        """With other groups: those of the users of this test."""
        with open(os.path.join(SOURCE, "data", "60-smartcardd-groups.rules"),
                  encoding="utf-8") as file:
            text = file.read()
        for group, user in (("smartcard", BOB), ("till", CAROL)):
            self.assertIn(f'isInGroup("{group}")', text)
            text = text.replace(f'isInGroup("{group}")', f'isInGroup("{user}")')
        return text

    def test_as_shipped(self):
        self.assertEqual(self.answers(self.rules()), dict.fromkeys((ALICE, BOB, CAROL),
                                                                   ["no", "no"]))

    def test_without_slashes(self):
        active = re.sub("^//(?! SPDX)", "", self.rules(), flags=re.M)
        self.assertEqual(self.answers(active), {ALICE: ["no", "no"], BOB: ["yes", "yes"],
                                                CAROL: ["yes", "no"]})


class CanConnect(AuthorityTest):
    def test_allowed_denied_challenge(self):
        self.daemon.start(RULE)
        answers = [self.answer(self.other_user(name)) for name in (ALICE, BOB, CAROL)]
        self.assertEqual(answers, ["yes", "challenge", "no"])
        self.assertEqual(self.root_answer(), "yes")

    def test_defaults_are_for_active_sessions(self):
        self.daemon.start()
        self.assertEqual(self.answer(self.other_user(ALICE)), "no")

    def test_rule_sees_the_reader(self):
        self.daemon.start("""
            if (action.id == "org.smartcardd1.connect" && action.lookup("usb-path") == ""
                && action.lookup("alias") == "" && action.lookup("atr") == "%s"
                && action.lookup("reader") == "Simulated Reader A 00 00")
                return polkit.Result.YES;
            if (action.lookup("atr") == "" && /Reader B/.test(action.lookup("reader")))
                return polkit.Result.AUTH_SELF;
        """ % ATR)
        client = self.other_user(ALICE)
        self.assertEqual(self.answer(client), "yes")
        self.assertEqual(self.answer(client, self.root.reader("Reader B")), "challenge")

    def test_changed_rule(self):
        self.daemon.start(RULE)
        client = self.other_user(ALICE)
        self.assertEqual(self.answer(client), "yes")
        self.daemon.change_rule(DENY_ALL)
        self.assertEqual(self.answer(client), "no")

    def test_polkit_restarts(self):
        client = self.other_user(ALICE)
        for _ in range(2):
            self.assert_root_only(client)
            self.daemon.start(RULE)
            self.assertEqual(self.answer(client), "yes")
            self.daemon.stop()

    def test_unknown_reader(self):
        self.daemon.start(RULE)
        for path in (ROOT, ROOT + "/readers/none", "/"):
            with self.assertRaises(CallError) as caught:
                self.answer(self.other_user(ALICE), path)
            self.assertEqual(caught.exception.name, "org.smartcardd1.Error.UnknownReader")

    def test_without_pcscd(self):
        self.testbed.stop_pcscd()
        self.root.wait_for_state(lambda c: not c.manager("Available"), "pcscd is away")
        with self.assertRaises(CallError) as caught:
            self.answer(self.other_user(ALICE))
        self.assertEqual(caught.exception.name, "org.smartcardd1.Error.NoService")



    def pause_polkit(self, client):
        """Pauses polkitd after the service has connected to it."""
        self.daemon.start(RULE)
        self.answer(client)
        self.daemon.pause()

    def wait_until_received(self, client):
        """Waits until the service has received all earlier messages of the client."""
        client.call(ROOT, MANAGER, "FindReader", "(s)", self.reader)

    def fill_queue(self, user):
        """Returns clients that have as many pending checks as one user may have."""
        clients = [self.other_user(user) for _ in range(3)]
        numbers = [(client, self.ask(client)) for client in clients for _ in range(QUEUE // 3)]
        for client in clients:
            self.wait_until_received(client)
        return clients, numbers

    def wait_until_gone(self, client):
        gone = []
        watch = Gio.bus_watch_name_on_connection(self.root.connection, client.name,
                                                 Gio.BusNameWatcherFlags.NONE, None,
                                                 lambda *_: gone.append(True))
        events.wait_until(lambda: gone, client.name + " has left")
        Gio.bus_unwatch_name(watch)

    def test_clients_disconnect_while_polkit_is_paused(self):
        self.pause_polkit(self.other_user(ALICE))
        clients, _ = self.fill_queue(BOB)
        for client in clients:
            client.leave()
            self.wait_until_gone(client)
        late = self.other_user(BOB)
        number = self.ask(late)
        self.wait_until_received(late)
        self.assertEqual(self.root_answer(), "yes")
        self.daemon.resume()
        self.assertEqual(late.wait_for(number)[0], "challenge")

    def test_limit_of_pending_checks(self):
        self.pause_polkit(self.other_user(BOB))
        _, numbers = self.fill_queue(ALICE)
        with self.assertRaises(CallError) as caught:
            self.answer(self.other_user(ALICE))
        self.assertEqual(caught.exception.name, "org.freedesktop.DBus.Error.LimitsExceeded")
        self.daemon.resume()
        self.assertEqual({client.wait_for(number)[0] for client, number in numbers}, {"yes"})

    def test_polkit_killed_during_a_check(self):
        client = self.other_user(ALICE)
        self.pause_polkit(client)
        number = self.ask(client)
        self.wait_until_received(client)
        self.daemon.stop()
        self.assertEqual(client.wait_for(number)[0], "no")

    def test_service_stops_while_polkit_is_paused(self):
        client = self.other_user(ALICE)
        self.pause_polkit(client)
        numbers = [self.ask(client) for _ in range(20)]
        self.wait_until_received(client)
        self.testbed.stop_service()
        for number in numbers:
            with self.assertRaises(CallError):
                client.wait_for(number)


class PolkitFailsToStart(AuthorityTest):
    def setUp(self):
        os.makedirs(SERVICES)
        self.addCleanup(shutil.rmtree, SERVICES)
        with open(os.path.join(SERVICES, "polkit.service"), "w", encoding="utf-8") as file:
            file.write("[D-BUS Service]\nName=org.freedesktop.PolicyKit1\nUser=root\n"
                       "Exec=/bin/false\n")
        super().setUp()

    def test_denied_until_polkit_starts(self):
        client = self.other_user(ALICE)
        for _ in range(2):
            self.assert_root_only(client)
        self.daemon.start(RULE)
        self.assertEqual(self.answer(client), "yes")


if __name__ == "__main__":
    case.main()
