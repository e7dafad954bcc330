#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A service that violates its contract, and other users who send signals in its name."""

import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

from scdtest.cases import case
from scdtest.cases.login import CARD, INSERT, PASSWORD, RECORDS, LoginTest
from scdtest.clients.recorder import CARD as CARD_INTERFACE
from scdtest.clients.recorder import MANAGER, NAME, OBJECT_MANAGER, PROPERTIES, READER, ROOT
from scdtest.fakes.fake_service import BUS, CARD_PATH, READER_PATH, FakeService, call_bus
from scdtest.fakes.logind import NAME as LOGIND
from scdtest.testbed import events
from scdtest.testbed.bus import SERVICES
from scdtest.testbed.process import Process
from scdtest.testbed.testbed import SOURCE, built, connect_to_bus
from test_gnome import NAME as NAME_OF_BRIDGE
from test_gnome import GnomeTest
from test_lock import LOCK, NOTIFY, LockTest

POLICY = f"""<busconfig>
  <policy user="root"><allow send_type="method_call"/><allow own="{LOGIND}"/></policy>
  <policy context="default">
    <allow send_destination="{LOGIND}"/>
    <allow send_interface="org.freedesktop.DBus.Peer"/>
  </policy>
  <servicehelper>{{helper}}</servicehelper>
  {{limits}}
  <include>{os.path.join(SOURCE, "data", "org.smartcardd1.conf")}</include>
</busconfig>
"""


EMPTY = 0x10


def flag(value):
    return GLib.Variant("b", value)


def text(value):
    return GLib.Variant("s", value)


def objects(count=1, card=None, login=True, **changes):
    """The answer of GetManagedObjects. card: an ATR; login: it is for logins."""
    reader = {"Name": text("Fake"), "Seat": text("seat0"), "LoginCandidate": flag(True),
              "State": GLib.Variant("u", 0 if card else EMPTY), **changes}
    tree = {f"{READER_PATH}{i or ''}": {READER: reader} for i in range(count)}
    if card:
        tree[CARD_PATH] = {CARD_INTERFACE: {
            "Reader": GLib.Variant("o", READER_PATH), "AtrHex": text(card),
            "LoginCandidate": flag(login)}}
    return GLib.Variant("(a{oa{sa{sv}}})", (tree,))


class HostileTest(LoginTest):
    LIMITS = ""

    def start_bus(self):
        policy = os.path.join(self.testbed.folder, "policy.conf")
        with open(policy, "w", encoding="utf-8") as file:
            file.write(POLICY.format(limits=self.LIMITS, helper=self.write_helper()))
        self.testbed.start_bus(policy=policy)

    def write_helper(self):
        """Writes the program that the bus executes to start the service."""
        self.started = os.path.join(self.testbed.folder, "started")
        helper = os.path.join(self.testbed.folder, "helper")
        with open(helper, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\ntouch {self.started}\n")
        os.chmod(helper, 0o755)
        os.makedirs(SERVICES)
        self.addCleanup(shutil.rmtree, SERVICES)
        with open(os.path.join(SERVICES, NAME + ".service"), "w", encoding="utf-8") as file:
            file.write(f"[D-BUS Service]\nName={NAME}\nExec=/bin/false\nUser=root\n")
        return helper

    def start(self, answer=objects()):
        """The answer: of GetManagedObjects, which "self.answer" can replace."""
        self.answer = answer
        self.reader = None  # who called the service last
        self.fake = FakeService(GetManagedObjects=self.reply)
        self._clients.append(self.fake)

    def reply(self, invocation):
        self.reader = invocation.get_sender()
        if callable(self.answer):
            self.answer(invocation)
        elif self.answer:
            invocation.return_value(self.answer)

    def emit(self):
        """Sends a signal after which all readers are read again."""
        self.fake.connection.emit_signal(
            None, READER_PATH, PROPERTIES, "PropertiesChanged",
            GLib.Variant("(sa{sv}as)", (READER, {"Alias": text("")}, [])))

    def wait_for_card(self):
        """Starts a login that waits for a card, and returns when it waits."""
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for(INSERT)
        return login


class Answers(HostileTest):
    def test_valid_service(self):
        self.start(objects(card="3B00"))
        self.assertEqual(self.output_of_pam("auth"), [CARD])

    def test_other_types(self):
        for answer in (GLib.Variant("(s)", ("x",)), GLib.Variant("()", ()),
                       GLib.Variant("(a{oas})", ({"/": ["x"]},)),
                       GLib.Variant("(a{oa{sas}})", ({"/": {"x": ["y"]}},))):
            with self.subTest(answer.get_type_string()):
                fake = FakeService(GetManagedObjects=answer)
                lines = self.output_of_pam("auth", arguments="nowait")
                fake.close()
                self.assertEqual(lines, [PASSWORD])

    def test_properties_of_other_types(self):
        self.start()
        for name in ("Name", "Alias", "UsbPath", "Seat", "State", "LoginCandidate", "Names"):
            self.answer = objects(card="3B00", **{name: GLib.Variant("(ss)", ("x", "y"))})
            with self.subTest(name):
                self.assertEqual(self.output_of_pam("auth", arguments="nowait"), [PASSWORD])

    def test_no_properties(self):
        self.start(GLib.Variant("(a{oa{sa{sv}}})", ({"/": {READER: {}, CARD_INTERFACE: {}}},)))
        self.assertEqual(self.output_of_pam("auth", arguments="nowait"), [PASSWORD])

    def test_more_readers_than_the_service_has(self):
        self.start(objects(count=1025, card="3B00"))
        self.assertEqual(self.output_of_pam("auth", arguments="nowait"), [PASSWORD])

    def test_more_cards_than_the_service_has(self):
        cards = {f"{ROOT}/cards/x{i}": {CARD_INTERFACE: {}} for i in range(1025)}
        self.start(GLib.Variant("(a{oa{sa{sv}}})", (cards,)))
        self.assertEqual(self.output_of_pam("auth", arguments="nowait"), [PASSWORD])

    def test_two_cards_in_a_reader(self):
        """The first one counts; a card in a reader that is not in the answer does not."""
        def card(login, reader=READER_PATH):
            return {CARD_INTERFACE: {"Reader": GLib.Variant("o", reader), "AtrHex": text("3B00"),
                                     "LoginCandidate": flag(login)}}
        reader = {READER: {"Name": text("Fake"), "Seat": text("seat0"),
                           "LoginCandidate": flag(True)}}
        for first, second, result in ((True, False, CARD), (False, True, PASSWORD)):
            tree = {READER_PATH: reader, ROOT + "/cards/1": card(first),
                    ROOT + "/cards/2": card(second), ROOT + "/cards/3": card(True, ROOT + "/none")}
            fake = FakeService(GetManagedObjects=GLib.Variant("(a{oa{sa{sv}}})", (tree,)))
            lines = self.output_of_pam("auth", arguments="nowait")
            fake.close()
            self.assertEqual(lines, [result])

    def test_alias(self):
        self.start(objects(card="3B00", login=False, Alias=text("front door")))
        self.assertEqual(self.output_of_pam("auth", arguments="timeout=1"),
                         ["info: Take the card out of the reader front door first, then insert "
                          "your smart card.", PASSWORD])

    def test_control_characters(self):
        """Those of Unicode too: they control a terminal as well."""
        self.start(objects(card="3B00", login=False,
                           Name=text("F\x1b\x7f\u009b\u0080\u00a0e\u0301")))
        self.assertEqual(self.output_of_pam("auth", arguments="timeout=1"),
                         ["info: Take the card out of the reader F????\u00a0e\u0301 first, "
                          "then insert your smart card.", PASSWORD])

    def test_no_answer(self):
        """The limit of "nowait" is that of a service that starts."""
        self.start(None)
        self.assertEqual(self.output_of_pam("auth", arguments="nowait"), [PASSWORD])

    def test_error_that_passes(self):
        """The card was inserted while the service refused an answer."""
        self.start()
        login = self.wait_for_card()
        self.answer = self.refuse_once
        self.emit()
        self.assertEqual(login.wait(), 0)
        self.assertEqual(login.lines, [INSERT, CARD])

    def test_property_that_is_refused_once(self):
        """Whether pcscd is there is not known until then."""
        self.start(objects(card="3B00"))
        available = self.fake.properties["Available"]
        self.fake.properties["Available"] = None
        login = self.wait_for_card()
        self.fake.properties["Available"] = available
        self.assertEqual(login.wait(), 0)
        self.assertEqual(login.lines, [INSERT, CARD])

    def refuse_once(self, invocation):
        self.answer = objects(card="3B00")
        invocation.return_dbus_error(BUS + ".Error.LimitsExceeded", "busy")


class Signals(HostileTest):
    def test_signals_of_other_users(self):
        """They are not believed: nothing is read after them, and the service has not gone."""
        self.start()
        login = self.wait_for_card()
        intruder = connect_to_bus()
        owner = self.fake.connection.get_unique_name()
        for path, interface, name, arguments in (
                ("/org/freedesktop/DBus", BUS, "NameOwnerChanged",
                 GLib.Variant("(sss)", (NAME, owner, intruder.get_unique_name()))),
                (ROOT, OBJECT_MANAGER, "InterfacesRemoved",
                 GLib.Variant("(oas)", (READER_PATH, [READER]))),
                (ROOT, PROPERTIES, "PropertiesChanged",
                 GLib.Variant("(sa{sv}as)", (MANAGER, {"Available": flag(False)}, [])))):
            intruder.emit_signal(self.reader, path, interface, name, arguments)
        self.ping(intruder)
        intruder.close_sync(None)
        self.assertEqual(len(self.fake.calls), 1)
        self.answer = objects(card="3B00")
        self.emit()
        self.assertEqual(login.wait(), 0)
        self.assertEqual(login.lines, [INSERT, CARD])

    def test_signals_of_wrong_types(self):
        """Those of the service; what they say is ignored, and the next one counts."""
        self.start()
        login = self.wait_for_card()
        wrong = (GLib.Variant("()", ()), GLib.Variant("(u)", (1,)),
                 GLib.Variant("(sas)", ("x", [])),
                 GLib.Variant("(sa{sv}as)", (MANAGER, {"Available": text("no")}, [])))
        for path, interface, name in ((ROOT, OBJECT_MANAGER, "InterfacesRemoved"),
                                      (ROOT, OBJECT_MANAGER, "InterfacesAdded"),
                                      (ROOT, PROPERTIES, "PropertiesChanged")):
            for arguments in wrong:
                self.fake.connection.emit_signal(None, path, interface, name, arguments)
        self.ping(self.fake.connection)
        self.answer = objects(card="3B00")
        self.emit()
        self.assertEqual(login.wait(), 0)
        self.assertEqual(login.lines, [INSERT, CARD])

    def ping(self, connection):
        """Returns when the login has read all signals, and its calls have arrived."""
        connection.call_sync(self.reader, "/", BUS + ".Peer", "Ping", None, None,
                             Gio.DBusCallFlags.NONE, -1, None)
        call_bus(self.fake.connection, "GetId")
        while GLib.MainContext.default().iteration(False):
            pass

    def test_service_that_stops_is_not_started(self):
        """An administrator may have stopped it; its last signal arrives late."""
        self.start()
        login = self.wait_for_card()
        login.send_signal(signal.SIGSTOP)
        self.emit()
        self._clients.remove(self.fake)
        self.fake.close()
        login.send_signal(signal.SIGCONT)
        self.start(objects(card="3B00"))
        self.assertEqual(login.wait(), 0)
        self.assertFalse(os.path.exists(self.started))

    def test_service_that_does_not_run_is_started(self):
        self.output_of_pam("auth", arguments="nowait")
        self.assertTrue(os.path.exists(self.started))


class Locking(LockTest, HostileTest):
    """The lock service, which must not miss that the card is pulled."""

    def start(self, answer=objects(card="3B00")):
        super().start(answer)
        os.makedirs(RECORDS)
        with open(os.path.join(RECORDS, "c1"), "w", encoding="ascii") as file:
            file.write(f"Reader={READER_PATH}\nPort=\nAtr=3B00\n")
        self.notify = events.NotifySocket(NOTIFY)
        self.addCleanup(self.notify.close)
        self.run_lock("/nonexistent", NOTIFY_SOCKET=NOTIFY)
        self.notify.wait_in_loop("of which 1 are")

    def assert_locks_at_next_removal(self):
        self.assertEqual(self.logind.requests_until_now(), [])
        self.answer = objects()
        self.emit()
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def test_error_that_passes(self):
        """It asks again by itself, and the card may have been pulled meanwhile."""
        self.start()
        self.answer = self.refuse_once
        self.emit()
        self.notify.wait_in_loop("of which 0 are")
        self.assertEqual(self.logind.wait_for_requests(1), [LOCK])

    def refuse_once(self, invocation):
        self.answer = objects()
        invocation.return_dbus_error(BUS + ".Error.LimitsExceeded", "busy")

    def test_removals_that_are_announced_twice(self):
        """While the service is slow; its answer has the reader again, without the card."""
        self.start()
        pending = []
        self.answer = pending.append
        self.emit()
        events.wait_until(lambda: pending, "the lock service reads")
        for _ in range(2):
            self.fake.connection.emit_signal(None, ROOT, OBJECT_MANAGER, "InterfacesRemoved",
                                             GLib.Variant("(oas)", (READER_PATH, [READER])))
        self.answer = objects(card="3B00")
        pending[0].return_value(objects(card="3B00"))
        self.notify.wait_in_loop("of which 1 are")
        self.assert_locks_at_next_removal()

    def test_nonsense_for_a_while(self):
        """An answer that cannot be read is as if the service were away: the card may be back."""
        self.start()
        self.answer = objects(card="3B00", Seat=GLib.Variant("u", 1))
        self.emit()
        self.notify.wait_in_loop("of which 0 are")
        self.answer = objects(card="3B00")
        self.emit()
        self.notify.wait_in_loop("of which 1 are")
        self.assert_locks_at_next_removal()


class Bridge(GnomeTest, HostileTest):
    """The bridge to GNOME."""

    def test_nonsense_at_the_start(self):
        """It has its name, and no tokens, until the service makes sense."""
        self.start(objects(card="3B00", Seat=GLib.Variant("u", 1)))
        self.start_bridge()
        changes = []
        self.session.signal_subscribe(None, None, None, None, None, Gio.DBusSignalFlags.NONE,
                                      lambda *_: changes.append(1))
        self.assertEqual(self.call("GetInsertedTokens", "(ao)"), [])
        self.answer = objects(card="3B00")
        self.emit()
        events.wait_until(lambda: changes and self.call("GetInsertedTokens", "(ao)"), "the token")

    def test_more_readers_than_ports(self):
        """Each one that was ever there is a token; there is a limit."""
        self.start(objects(count=300))
        self.start_bridge()
        objects_of_bridge = self.session.call_sync(
            NAME_OF_BRIDGE, "/org/gnome/SettingsDaemon/Smartcard", OBJECT_MANAGER,
            "GetManagedObjects", None, None, Gio.DBusCallFlags.NONE, -1, None).unpack()[0]
        tokens = [path for path in objects_of_bridge if "/Tokens/" in path]
        self.assertEqual(len(tokens), 256)


class FewRules(HostileTest):
    """The bus has no room for the rules by which it would send signals."""

    LIMITS = '<limit name="max_match_rules_per_connection">2</limit>'

    def test_login_does_not_wait(self):
        self.start()
        self.assertEqual(self.output_of_pam("auth", arguments="timeout=infinite")[-1], PASSWORD)

    def test_lock_service_ends(self):
        """The service manager starts it again; it would not notice that a card is pulled."""
        self.start()
        os.mkdir(RECORDS)
        lock = Process("smartcardd-lock", [built("login/smartcardd-lock")])
        self.addCleanup(lock.kill)
        self.assertEqual(lock.wait(), 1)


if __name__ == "__main__":
    case.main()
