#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""SCardGetStatusChange: what happens during the call, and what another context knows."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.sessions import ATR
from scdtest.clients import winscard
from scdtest.clients.library import THROUGH_LIBRARY
from scdtest.clients.pcsc_client import PcscClient
from scdtest.clients.recorder import OBJECT_MANAGER, PROPERTIES, READER, ROOT
from scdtest.clients.script import Script
from scdtest.clients.winscard import CHANGED, INFINITE, IN_USE, PNP
from scdtest.fakes.fake_service import READER_NAME, READER_PATH, FakeService, reader, send_to_all
from scdtest.testbed import events, usb
from scdtest.testbed.testbed import pcscd_version, simulated_reader

OTHER, OTHER_PATH = "Other 01 00", ROOT + "/readers/Other"
READER_A = "Simulated Reader A 00 00"
SUCCESS, CANCELLED, TIMEOUT, UNKNOWN_READER = "00000000", "80100002", "8010000A", "80100009"
GONE = "0000000E"  # UNKNOWN | UNAVAILABLE | CHANGED
FREE = 0x10020  # one event, a card in it


def wait_once(reader_state, pnp_state, timeout):
    """One wait of all entries; a second thread uses the context meanwhile if the test says so."""
    context = new_context()
    pairs = [("Fake 00 00", reader_state)] + ([] if pnp_state is None else [(PNP, pnp_state)])
    say("ready")
    step()
    started = time.monotonic()
    say(*wait(context, timeout, *pairs))
    say(f"{time.monotonic() - started:.1f}")


def wait_beside_calls():
    """The first thread waits, the second one uses the context, and then cancels the wait."""
    context = new_context()
    thread = threading.Thread(target=lambda: say("wait", *wait(context, INFINITE,
                                                               ("Fake 00 00", 0x10020))))
    thread.start()
    step()
    say("list", names(context)[0])
    say("connect", connect(context, "Fake 00 00")[0])
    say("cancel", cancel(context))
    thread.join()


class DuringRefresh(case.TestBedTest):
    """The service is a fake one, which does something when the wait asks for the states."""

    def setUp(self):
        super().setUp()
        self.testbed.start_bus()

    def serve(self, refresh):
        """refresh: a function from the invocation."""
        service = FakeService(lambda packet: bytes(8), Refresh=refresh)
        self.addCleanup(service.close)
        return service

    def run_wait(self, on_refresh, *arguments):
        def refresh(invocation):
            if on_refresh:
                on_refresh(service.connection)
            invocation.return_value(GLib.Variant("()", ()))
        service = self.serve(refresh)
        script = Script(THROUGH_LIBRARY, wait_once, *arguments)
        self.addCleanup(script.close)
        self.assertEqual(script.line(), "ready")
        script.go_on()
        return script.words()

    @staticmethod
    def goes(connection):
        send_to_all(connection, ROOT, OBJECT_MANAGER, "InterfacesRemoved",
                    GLib.Variant("(oas)", (READER_PATH, [READER])))

    @staticmethod
    def comes(connection):
        new = reader(Name=GLib.Variant("s", OTHER), Card=GLib.Variant("o", "/"),
                     State=GLib.Variant("u", 0x10))
        send_to_all(connection, ROOT, OBJECT_MANAGER, "InterfacesAdded",
                    GLib.Variant("(oa{sa{sv}})", (OTHER_PATH, {READER: new})))

    @staticmethod
    def changes(connection, state=0x10):
        send_to_all(connection, READER_PATH, PROPERTIES, "PropertiesChanged",
                    GLib.Variant("(sa{sv}as)", (READER, {"State": GLib.Variant("u", state)}, [])))

    def test_reader_goes(self):
        self.assertEqual(self.run_wait(self.goes, FREE, None, 3000), [SUCCESS, GONE])

    def test_reader_goes_beside_plug_and_play(self):
        words = self.run_wait(self.goes, FREE, 0, 3000)
        self.assertEqual(words[:2], [SUCCESS, GONE])
        self.assertTrue(int(words[2], 16) & CHANGED)

    def test_reader_comes(self):
        words = self.run_wait(self.comes, FREE, 0, 3000)
        self.assertEqual(words[0], SUCCESS)
        self.assertTrue(int(words[2], 16) & CHANGED)

    def test_reader_goes_and_comes_back(self):
        """The entry of the reader is as before, that of the list is not."""
        def replug(connection):
            self.goes(connection)
            send_to_all(connection, ROOT, OBJECT_MANAGER, "InterfacesAdded",
                        GLib.Variant("(oa{sa{sv}})", (READER_PATH, {READER: reader()})))
        words = self.run_wait(replug, FREE, 0, 3000)
        self.assertEqual((words[0], words[1]), (SUCCESS, f"{FREE:08X}"))
        self.assertTrue(int(words[2], 16) & CHANGED)

    def test_card_goes(self):
        self.assertEqual(self.run_wait(self.changes, FREE, None, 3000), [SUCCESS, "00010012"])

    def test_nothing_happens(self):
        self.assertEqual(self.run_wait(None, FREE, None, 10), [TIMEOUT, f"{FREE:08X}"])

    def test_state_at_the_end_of_the_wait(self):
        """The second query is that of the end; a change that ends no wait is in the result."""
        count = []

        def used(connection):
            count.append(None)
            if len(count) == 2:
                self.changes(connection, 0x20 | IN_USE)
        self.assertEqual(self.run_wait(used, FREE, None, 10), [TIMEOUT, f"{FREE | IN_USE:08X}"])
        self.assertEqual(len(count), 2)

    def test_service_does_not_answer(self):
        """The wait uses the states that it knows after a second, and ends in time."""
        self.serve(lambda invocation: None)
        script = Script(THROUGH_LIBRARY, wait_once, FREE, 0, 1500)
        self.addCleanup(script.close)
        script.line()
        script.go_on()
        self.assertEqual(script.words()[:2], [TIMEOUT, f"{FREE:08X}"])
        self.assertLess(float(script.line()), 3.5)

    def test_change_while_the_service_does_not_answer(self):
        service = self.serve(lambda invocation: self.goes(service.connection))
        script = Script(THROUGH_LIBRARY, wait_once, FREE, None, INFINITE)
        self.addCleanup(script.close)
        script.line()
        script.go_on()
        self.assertEqual(script.words(), [SUCCESS, GONE])

    def test_other_calls_while_the_service_does_not_answer(self):
        """The context's lock is free, and SCardCancel ends the wait: the service is told, too."""
        pending = []
        service = self.serve(pending.append)
        script = Script(THROUGH_LIBRARY, wait_beside_calls)
        self.addCleanup(script.close)
        self.wait_for(lambda: pending)
        script.go_on()
        self.assertEqual(script.line(), "list " + SUCCESS)
        self.assertEqual(script.line(), "connect " + SUCCESS)
        lines = {script.words()[0]: None for _ in range(2)}
        self.assertEqual(set(lines), {"cancel", "wait"})
        call_id = pending[0].get_parameters().unpack()[0]["call-id"]
        self.wait_for(lambda: ("CancelCall", (call_id,)) in service.calls)

    @staticmethod
    def wait_for(condition):
        events.wait_until(condition, "the call arrives")


def use_beside_waits(share_modes):
    """The state that a wait reports when another context begins to use the card."""
    first, second = new_context(), new_context()
    reader = names(first)[1][0]
    free = wait(first, 0, (reader, 0))[1] & ~CHANGED
    for mode in share_modes:
        results = []
        thread = threading.Thread(target=lambda: results.extend(wait(first, 700, (reader, free))))
        thread.start()
        step()
        card = new_card(second, reader, mode)
        thread.join()
        say(results[0], results[1] & 0xFFFF, wait(first, 0, (reader, free))[1] & 0xFFFF)
        disconnect(card)
        step()


def compare_counts():
    """The plug-and-play states of several contexts while readers come and go."""
    def look(context, state, timeout=0):
        code, event = wait(context, timeout, (PNP, state))
        return code, event & ~CHANGED, event & CHANGED

    def fresh():
        context = new_context()
        names(context)
        return context

    first, second = fresh(), fresh()
    _, before, _ = look(first, 0)
    say("same", *look(second, before)[::2])
    step()
    code, plugged, changed = look(first, before, INFINITE)
    say("plugged", code, changed, int(plugged != before))
    say("elsewhere", *look(second, plugged)[::2])
    say("old elsewhere", *look(second, before)[::2])
    step()
    code, unplugged, changed = look(second, plugged, INFINITE)
    say("unplugged", code, changed)
    say("new context", *look(fresh(), unplugged)[::2])
    step()
    _, again, _ = look(first, unplugged, INFINITE)
    say("missed", *look(fresh(), plugged)[::2])
    say("newest", *[look(context, again)[0] for context in (first, second, fresh())])


def miss_nothing(count):
    """Waits with state 0, as programs of old do, until so many readers are there."""
    context = new_context()
    say("ready")
    while len(names(context)[1]) < count:
        wait(context, INFINITE, (PNP, 0))
    say("all")


class ScriptTest(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.testbed.start_bus()

    def script(self, function, *arguments):
        script = Script(THROUGH_LIBRARY, function, *arguments)
        self.addCleanup(script.close)
        return script


class OtherUsers(ScriptTest):
    def test_use_by_another_context(self):
        """A wait that times out reports the states of its end, as the next call does."""
        self.testbed.start_pcscd([simulated_reader("A", card=ATR)])
        self.testbed.start_service()
        client = self.recorder()
        script = self.script(use_beside_waits, [winscard.SHARED, winscard.EXCLUSIVE,
                                                winscard.DIRECT])
        for state in ("00000120", "000000A0", "00000120"):
            script.go_on()
            self.assertEqual(script.words(), [TIMEOUT, state, state])
            client.wait_for_state(lambda c: not next(iter(c.readers().values()))[1]["InUse"],
                                  "it is free again")
            script.go_on()

    def test_use_by_another_program(self):
        """pcscd announces no use; the wait finds it at its end."""
        self.testbed.start_pcscd([simulated_reader("A", card=ATR)])
        self.testbed.start_service()
        other = PcscClient()
        self.addCleanup(other.close)
        script = self.script(wait_for_use)
        self.assertEqual(script.line(), "waiting")
        other.do("connect", "exclusive", READER_A)
        self.assertEqual(script.words(), [TIMEOUT, "000000A0"])


def wait_for_use():
    context = new_context()
    reader = names(context)[1][0]
    free = wait(context, 0, (reader, 0))[1] & ~CHANGED
    say("waiting")
    code, state = wait(context, 1500, (reader, free))
    say(code, state & 0xFFFF)


class WithUsb(ScriptTest):
    def setUp(self):
        super().setUp()
        self.usb = usb.Bus()
        self.addCleanup(self.usb.close)
        self.testbed.start_pcscd(environment=self.usb.environment())
        self.testbed.start_service()
        self.client = self.recorder()

    def wait_for_readers(self, count):
        self.client.wait_for_state(lambda c: len(c.readers()) == count, f"{count} readers")

    def test_count_is_that_of_all_contexts(self):
        plugged = usb.Reader(self.usb, "1-1", 2)
        script = self.script(compare_counts)
        self.assertEqual(script.line(), f"same {TIMEOUT} 00000000")
        plugged.plug()
        script.go_on()
        self.assertEqual(script.line(), f"plugged {SUCCESS} 00000002 00000001")
        self.assertEqual(script.line(), f"elsewhere {TIMEOUT} 00000000")
        self.assertEqual(script.line(), f"old elsewhere {SUCCESS} 00000002")
        plugged.unplug()
        script.go_on()
        self.assertEqual(script.line(), f"unplugged {SUCCESS} 00000002")
        self.assertEqual(script.line(), f"new context {TIMEOUT} 00000000")
        plugged.plug()
        script.go_on()
        self.assertEqual(script.line(), f"missed {SUCCESS} 00000002")
        self.assertEqual(script.words(), ["newest", TIMEOUT, TIMEOUT, TIMEOUT])

    def test_many_readers_at_once(self):
        """None is missed between SCardListReaders and the wait."""
        count = 16 if pcscd_version() < (2, 5) else 24
        for _ in range(3):
            script = self.script(miss_nothing, count)
            self.assertEqual(script.line(), "ready")
            readers = [usb.Reader(self.usb, f"1-{i}", i + 2) for i in range(1, count + 1)]
            for each in readers:
                each.plug()
            self.assertEqual(script.line(), "all")
            for each in readers:
                each.unplug()
            self.wait_for_readers(0)


if __name__ == "__main__":
    case.main(preload=usb.PRELOAD)
