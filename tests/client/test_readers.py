#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library: lists of readers and cards, and what they survive."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.glib_library import DEFAULT, LibraryTest, Smartcardd, new_cancellable
from scdtest.cases.sessions import ATR
from scdtest.testbed import events
from scdtest.testbed.testbed import connect_to_bus


class Lists(LibraryTest):
    readers = "AB"

    def setUp(self):
        super().setUp()
        self.start_client()

    def test_what_is_there_at_the_start(self):
        names = {reader.get_name() for reader in self.library.get_readers()}
        self.assertEqual(names, {self.pcsc_name("A"), "Simulated Reader B 01 00"})
        self.assertEqual([card.get_atr_hex() for card in self.library.get_cards()], [ATR, ATR])
        self.assertTrue(self.library.is_available())
        self.assertEqual(self.library.get_unavailable_reason(), "")
        self.assertRegex(self.library.get_version(), r"^\d+\.\d+")

    def test_card_and_reader_agree(self):
        for card in self.library.get_cards():
            self.assertEqual(card.get_reader().get_card(), card)
            self.assertTrue(card.is_present())

    def test_removal_and_insertion(self):
        seen = self.follow("card-added", "card-removed")
        card = self.library.find_reader(self.pcsc_name()).get_card()
        self.cards.order("remove", "A")
        events.wait_until(lambda: seen, "the card goes")
        self.assertEqual(seen, [("card-removed", card)])
        self.assertFalse(card.is_present())
        self.assertIsNone(card.get_reader().get_card())
        self.assertEqual(len(self.library.get_cards()), 1)
        self.cards.insert("A", ATR)
        events.wait_until(lambda: len(seen) == 2, "the card comes")
        name, new = seen[1]
        self.assertEqual(name, "card-added")
        self.assertNotEqual(new, card)
        self.assertEqual(new.get_reader(), card.get_reader())
        self.assertEqual(len(self.library.get_cards()), 2)

    def test_lists_agree_in_each_signal(self):
        states = []

        def note(_client, card):
            states.append((card in list(self.library.get_cards()),
                           card.get_reader().get_card() == card, card.is_present()))
        self.library.connect("card-added", note)
        self.library.connect("card-removed", note)
        for _ in range(3):
            self.cards.order("remove", "A")
            events.wait_until(lambda: len(states) % 2 == 1, "the card goes")
            self.cards.insert("A", ATR)
            events.wait_until(lambda: len(states) % 2 == 0, "the card comes")
        self.assertEqual(states, [(False, False, False), (True, True, True)] * 3)

    def test_find_reader(self):
        first = self.library.get_readers()[0]
        self.assertEqual(self.library.find_reader(first.get_name()), first)
        self.assertEqual(self.library.find_reader(first.get_object_path()), first)
        for selector in ("", "nobody", "1-1"):
            self.assertIsNone(self.library.find_reader(selector), selector)
            self.assertFalse(first.matches(selector))
        self.assertTrue(first.matches(first.get_name()))

    def test_dictionaries(self):
        """They have the properties as the service has them now."""
        client = self.recorder()
        card = self.card()
        reader = card.get_reader()
        self.assertEqual(card.get_dictionary().unpack(), client.cards()[card.get_object_path()])
        session = self.connect()
        events.wait_until(reader.is_in_use, "the reader is in use")
        self.assertEqual((reader.get_object_path(), reader.get_dictionary().unpack()),
                         client.readers()[reader.get_name()])
        session.close(Smartcardd.Disposition.LEAVE, DEFAULT, None)

    def test_reader_is_notified_after_its_card(self):
        reader = self.card().get_reader()
        self.cards.order("remove", "A")
        events.wait_until(lambda: not reader.get_card(), "the card goes")
        seen = []
        reader.connect("notify::mute", lambda *_: seen.append(reader.get_card()))
        self.cards.order("mute", "A", "on")
        self.cards.order("insert", "A", ATR)
        events.wait_until(lambda: seen, "the card is mute")
        self.assertEqual(seen[0].get_atr_hex(), "")

    def test_atr(self):
        card = self.card()
        self.assertEqual(card.get_protocols(), ["T=0", "T=1"])
        self.assertEqual(card.get_historical_bytes().get_data(), bytes.fromhex(ATR)[7:-1])
        self.assertEqual(card.list_interface_bytes(), ["TA1", "TD1", "TD2", "TA3", "TB3"])
        self.assertEqual([card.get_interface_byte(name) for name in ("TA1", "TD1", "TA3")],
                         [0x11, 0x80, 0xFE])
        for name in ("TB1", "TA9", "TE1", "T", "", "TA", "TA1x"):
            self.assertEqual(card.get_interface_byte(name), -1, name)

    def test_properties_are_announced(self):
        reader = self.library.find_reader(self.pcsc_name())
        seen = []
        reader.connect("notify::in-use", lambda *_: seen.append(reader.is_in_use()))
        session = self.connect(card=reader.get_card())
        events.wait_until(lambda: seen, "the reader is in use")
        session.close(Smartcardd.Disposition.LEAVE, DEFAULT, None)
        events.wait_until(lambda: len(seen) == 2, "the reader is free")
        self.assertEqual(seen, [True, False])


class Restarts(LibraryTest):
    def setUp(self):
        super().setUp()
        self.start_client()

    def expect_all_again(self, session=None):
        """Waits for the card after all has gone."""
        events.wait_until(lambda: len(self.library.get_cards()) == 1, "the card is back")
        self.assertTrue(self.library.is_available())
        self.assertEqual(self.transmit(self.connect(), "00A40400"), "9000")

    def test_pcscd(self):
        seen = []
        self.library.connect("notify::available",
                             lambda *_: seen.append(len(self.library.get_readers())))
        self.testbed.stop_pcscd(signal.SIGKILL)
        events.wait_until(lambda: not len(self.library.get_readers()), "all readers go")
        self.assertEqual(seen, [1])  # announced before the readers go
        self.assertFalse(self.library.is_available())
        self.assertNotEqual(self.library.get_unavailable_reason(), "")
        self.start_pcscd()
        self.expect_all_again()

    def test_service(self):
        session = self.connect()
        reasons = []
        session.connect("closed", lambda _session, reason: reasons.append(reason))
        states = []
        self.library.connect("notify::running", lambda *_: states.append(
            (self.library.is_running(), len(self.library.get_cards()))))
        self.testbed.service.kill()
        events.wait_until(lambda: not len(self.library.get_readers()), "all readers go")
        self.assertEqual(reasons, ["lost"])
        self.assertTrue(session.is_closed())
        self.assert_error(Smartcardd.Error.SERVICE_NOT_FOUND, "", self.transmit, session, "00A40400")
        self.testbed.start_service()
        self.expect_all_again()
        self.assertEqual(states, [(False, 1), (True, 1)])

    def test_connection_of_the_program(self):
        connection = connect_to_bus()
        library = Smartcardd.Client.new_for_connection(connection, None)
        self.assertEqual(len(library.get_cards()), 1)
        connection.close_sync(None)
        events.wait_until(lambda: not len(library.get_cards()), "the connection is lost")
        self.assertFalse(library.is_running())

    def test_service_that_stops_in_order(self):
        session = self.connect()
        reasons = []
        session.connect("closed", lambda _session, reason: reasons.append(reason))
        self.testbed.stop_service()
        events.wait_until(lambda: not len(self.library.get_readers()), "all readers go")
        self.assertEqual(reasons, ["shutdown"])
        self.testbed.start_service()
        self.expect_all_again()

    def test_bus(self):
        session = self.connect()
        self.testbed.bus.stop()
        events.wait_until(lambda: not len(self.library.get_readers()), "all readers go")
        self.assertTrue(session.is_closed())
        self.assertFalse(self.library.is_available())
        self.testbed.service = None
        self.testbed.start_bus()
        self.testbed.start_service()
        events.wait_until(lambda: len(self.library.get_cards()) == 1, "the card is back")
        self.assertEqual(self.transmit(self.connect(), "00A40400"), "9000")

    def test_client_without_a_service(self):
        self.testbed.stop_service()
        self.assert_error(Smartcardd.Error.SERVICE_NOT_FOUND, "", self.make_client)


class Waiting(LibraryTest):
    def setUp(self):
        super().setUp()
        self.start_client()

    def test_card_that_is_there(self):
        self.assertEqual(self.library.wait_for_card(None, 0, None), self.card())
        self.assertEqual(self.library.wait_for_card(self.pcsc_name(), 0, None), self.card())

    def test_wait(self):
        self.cards.order("remove", "A")
        self.client_gone()
        call = self.start_call(self.library.wait_for_card_async, None, DEFAULT, None)
        self.cards.insert("A", ATR)
        _, result = call.wait()
        card = self.library.wait_for_card_finish(result)
        self.assertEqual([card], list(self.library.get_cards()))

    def client_gone(self):
        events.wait_until(lambda: not len(self.library.get_cards()), "the card goes")

    def test_time_limit_and_cancellation(self):
        self.assert_error(Smartcardd.Error.TIMEOUT, "no card", self.library.wait_for_card,
                          "another reader", 1, None)
        cancellable = new_cancellable()
        self.cancel_soon(cancellable)
        self.assert_error(Smartcardd.Error.CANCELLED, "", self.library.wait_for_card,
                          "another reader", DEFAULT, cancellable)


if __name__ == "__main__":
    case.main()
