#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cards, readers, pcscd and the service disappear during calls."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.sessions import SELECT, VERIFY, SessionTest
from scdtest.clients.client import Refused, hex_data, options
from scdtest.clients.recorder import CARD


class FailuresDuringCalls(SessionTest):
    readers = "AB"

    def setUp(self):
        super().setUp()
        self.start()

    def wait_for_reader(self, session):
        """Waits until the session's client sees its card removed, or replaced."""
        session.client.wait_for_signal("CardRemoved")

    def test_card_removed_during_a_transmit(self):
        session, other = self.session(), self.session()
        self.cards.order("delay", "A", 100)
        self.cards.order("pull", "A")
        call = session.send_transmit(SELECT)
        waiting = other.send_transmit(SELECT)
        self.assert_refused("RemovedCard", call)
        self.assert_refused("RemovedCard", waiting)
        self.wait_for_reader(session)
        self.assert_refused("RemovedCard", session.send_transmit(SELECT))
        self.assert_refused("NoSmartcard", session.send("Reconnect", "shared", [], "leave"))
        self.cards.order("delay", "A", 0)
        self.cards.insert("A")
        session.client.wait_for_signal("CardInserted")
        self.assert_refused("RemovedCard", other.send_transmit(SELECT))
        session.reconnect()
        self.assertEqual(session.transmit(SELECT), "9000")
        self.assertEqual(session.get("Card"), session.client.signals[-1].arguments[0])

    def error_of_transmit(self, session, order, **more):
        """Returns the name and the message of the error."""
        self.cards.order(*order)
        with self.assertRaises(Refused) as caught:
            session.send_transmit(SELECT, **more).wait()
        return caught.exception.name, caught.exception.message

    def test_pulled_card_and_failed_command(self):
        session = self.session()
        failed, failure = self.error_of_transmit(session, ("fail", "A", 1))
        self.assertEqual(session.transmit(SELECT), "9000")
        pulled, removal = self.error_of_transmit(session, ("pull", "A"))
        self.assertEqual((failed, pulled), ("NotTransacted", "RemovedCard"))
        self.assertIn("has not been removed", failure)
        self.assertIn("the card was removed", removal)

    def test_pulled_card_in_a_one_shot_call(self):
        self.cards.order("pull", "A")
        client = self.client()
        (card,) = [path for path, card in client.cards().items()
                   if card["Reader"] == client.reader("Reader A")]
        self.assert_refused("RemovedCard", client.send(card, CARD, "Transmit", hex_data(SELECT),
                                                      options()))

    def test_failed_command_that_does_not_wait(self):
        """It is answered when its time is over, whether the cause is known or not."""
        session = self.session()
        self.assertIn(self.error_of_transmit(session, ("fail", "A", 1), timeout_ms=20)[0],
                      ("Timeout", "NotTransacted"))
        self.assertEqual(session.transmit(SELECT), "9000")

    def test_card_removed_in_a_transaction(self):
        session, other = self.session(), self.session()
        session.begin()
        session.transmit(VERIFY)
        waiting = other.send_begin()
        self.cards.remove("A")
        self.assert_refused("RemovedCard", waiting)
        self.assert_refused("RemovedCard", session.send_transmit(SELECT))
        self.assertIn(session.send("EndTransaction", "leave").error(),
                      ("RemovedCard", "NotTransacted"))
        session.close("reset")
        other.close()

    def test_reader_does_not_respond_during_a_transmit(self):
        """A reader of reader.conf stays in pcscd's list."""
        session = self.session()
        self.cards.order("delay", "A", 5000)
        call = session.send_transmit(SELECT)
        self.wait_until_running()
        self.cards.order("unplugged", "A", "on")
        self.assertIn(call.error(), ("NotTransacted", "NoSmartcard", "RemovedCard",
                                     "ReaderUnavailable"))
        self.assertEqual(self.session("B").transmit(SELECT), "9000")

    def test_slow_card_does_not_delay_others(self):
        slow = self.session()
        self.cards.order("delay", "A", 2000)
        call = slow.send_transmit(SELECT)
        self.wait_until_running()
        self.assertEqual(self.session("B").transmit(SELECT), "9000")
        self.assertTrue(slow.client.manager("Available"))
        self.assertFalse(call.is_done)
        self.cards.remove("A")
        call.error()

    def test_pcscd_killed_during_a_transmit(self):
        session, other, idle = self.session(), self.session(), self.session("B")
        self.cards.order("delay", "A", 5000)
        call = session.send_transmit(SELECT)
        waiting = other.send_begin()
        other.client.manager("Available")  # by now it waits
        self.wait_until_running()
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.assert_refused("NoService", call)
        self.assert_refused("NoService", waiting)
        for each in (session, other, idle):
            self.assertEqual(each.wait_for_closed(), "service-unavailable")
        self.start_pcscd()
        client = self.client()
        client.wait_for_state(lambda c: len(c.cards()) == 2, "all is back")
        self.assertEqual(client.connect(client.reader("Reader A")).transmit(SELECT), "9000")

    def test_pcscd_stops_while_a_call_waits(self):
        session = self.session()
        session.begin()
        client = self.client()
        call = client.send_connect(client.reader("Reader A"))
        client.manager("Available")  # by now it waits
        self.testbed.stop_pcscd()
        self.assert_refused("NoService", call)
        self.assertEqual(session.wait_for_closed(), "service-unavailable")

    def test_service_stops_with_open_sessions(self):
        """The service resets each card that a session has used."""
        session, other, busy = self.session(), self.session(), self.session("B")
        session.begin()
        session.transmit(VERIFY)
        self.cards.order("delay", "B", 200)
        calls = [other.send_begin(), other.send_transmit(SELECT), busy.send_transmit(SELECT)]
        self.wait_until_running("B")
        self.testbed.stop_service()
        session.client.wait(lambda: all(call.is_done for call in calls), "the calls end")
        status = self.cards.status("A")
        self.assertEqual((status["verified"], status["resets"] != "0"), ("0", True))

    def test_service_stops_during_connect(self):
        holder, client = self.session(), self.client()
        holder.begin()
        reader = client.reader("Reader A")
        calls = [client.send_connect(reader), client.send_connect(reader, timeout_ms=60000)]
        client.manager("Available")
        self.testbed.stop_service()
        for call in calls:
            self.assert_refused("Shutdown", call)


class WorkerThreads(SessionTest):
    def threads(self):
        folder = f"/proc/{self.testbed.service.pid}/task"
        names = []
        for task in os.listdir(folder):
            with open(f"{folder}/{task}/comm", encoding="ascii") as file:
                names.append(file.read().strip())
        return names

    def test_worker_ends_without_sessions(self):
        """There is no event for the end of a thread, so this test alone polls."""
        self.start()
        self.assertNotIn("worker", self.threads())
        sessions = [self.session() for _ in range(3)]
        self.assertEqual(self.threads().count("worker"), 1)
        for session in sessions:
            session.close()
        look = GLib.timeout_add(50, lambda: True)
        sessions[0].client.wait(lambda: "worker" not in self.threads(), "the worker ends")
        GLib.source_remove(look)
        self.assertEqual(self.session().transmit(SELECT), "9000")


    def test_worker_outlives_an_idle_session(self):
        """Longer than an unused thread lives, measured by a delayed command on another reader."""
        self.readers = "AB"
        self.start()
        clock = self.session("B")
        idle = self.session()
        self.cards.order("delay", "B", 2200)
        clock.transmit(SELECT)
        before = self.threads()
        idle.close()
        idle.client.manager("Available")  # by now it would have ended
        self.assertEqual(self.threads(), before)


class SecretsInLogs(SessionTest):
    def test_log_has_no_commands_and_responses(self):
        marker = "5EC4E75EC4E75EC4E7"
        self.start(environment={"G_MESSAGES_DEBUG": "all"})
        session = self.session()
        command = f"801000000{len(marker) // 2}{marker}"
        session.transmit(command)
        session.many([command, command])
        card = session.get("Card")
        session.client.ask(card, CARD, "TransmitHex", command)
        session.send_transmit("80" + marker * 7300).error()
        session.client.send(card, CARD, "TransmitHex", command + "g").error()
        self.cards.order("fail", "A", 1)
        session.send_transmit(command).error()
        session.close("reset")
        self.testbed.service.stop()
        output = self.testbed.service.output.upper()
        secret = bytes.fromhex(marker)
        for text in (marker, secret.hex(" "), secret.hex(":"), str(list(secret))[1:-1]):
            self.assertNotIn(text.upper(), output)


if __name__ == "__main__":
    case.main()
