#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Contexts, waits and card handles when the service ends and another one follows."""

import glob
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.sessions import ATR
from scdtest.clients.library import THROUGH_LIBRARY
from scdtest.clients.recorder import MANAGER, NAME, PROPERTIES, ROOT
from scdtest.clients.script import Script
from scdtest.fakes.fake_service import (BUS, FakeService, call_bus, card, objects, reader, refuse,
                                        send_to_all)
from scdtest.testbed import events
from scdtest.testbed.testbed import simulated_reader

SUCCESS, CANCELLED, INVALID_HANDLE, NO_MEMORY, NO_SERVICE, RESET_CARD = (
    "00000000", "80100002", "80100003", "80100006", "8010001D", "80100068")


def wait_for_card():
    """Two contexts wait: for a card, and for readers."""
    first, second = new_context(), new_context()
    readers = names(first)[1]
    names(second)
    empty = wait(first, 0, (readers[1], 0))[1] & ~CHANGED
    _, known = wait(second, 0, (PNP, 0))
    threads = [threading.Thread(target=lambda: say("card", *wait(first, INFINITE,
                                                                 (readers[1], empty)))),
               threading.Thread(target=lambda: say("readers", *wait(second, INFINITE,
                                                                    (PNP, known))))]
    for thread in threads:
        thread.start()
    say("waiting")
    threads[0].join()
    step()
    say("cancel", cancel(second))
    threads[1].join()
    say("release", release(first), release(second))


def use_cards():
    """One handle is idle, one is in a transaction, and one is closed after the restart."""
    context = new_context()
    reader = names(context)[1][0]
    idle, busy, closed = (new_card(context, reader) for _ in range(3))
    say("begin", begin(busy), transmit(busy, "00A4040000")[0])
    step()
    say("list", names(context)[0])
    say("idle", transmit(idle, "00A4040000")[0], status(idle)[0], begin(idle))
    say("busy", end(busy), transmit(busy, "00A4040000")[0])
    say("closed", disconnect(closed), disconnect(closed))
    say("reconnect", reconnect(idle), reconnect(busy))
    say("again", *transmit(idle, "00A4040000"))
    say("end", end(busy))
    say("new", connect(context, reader)[0])
    say("disconnect", disconnect(idle), disconnect(busy))
    say("release", release(context))


def call_while_it_is_away():
    context = new_context()
    reader = names(context)[1][0]
    card = new_card(context, reader)
    say("ready")
    step()
    say("list", names(context)[0])
    say("card", transmit(card, "00A4040000")[0], reconnect(card))
    step()
    say("list", names(context)[0])
    say("card", transmit(card, "00A4040000")[0], reconnect(card), transmit(card, "00A4040000")[0])


def wait_and_list():
    """One thread waits for a change, and lists the readers then; another one cancels the wait."""
    context = new_context()
    _, known = wait(context, 0, (PNP, 0))
    thread = threading.Thread(target=lambda: say("wait", *wait(context, INFINITE, (PNP, known))))
    say("ready")
    step()
    thread.start()
    step()
    say("cancel", cancel(context))
    thread.join()
    say("list", *names(context))


def list_twice_after_restart():
    context = new_context()
    names(context)
    say("ready")
    step()
    for _ in range(2):
        say(*names(context))


def establish_and_list():
    code, context = establish()
    say(code, *(names(context) if code == 0 else ()))


def list_after_restart():
    context = new_context()
    names(context)
    say("ready")
    step()
    say(*names(context))


def disconnect_while_it_restarts(function):
    """One thread uses a card handle, and another one closes it."""
    context = new_context()
    card = new_card(context, names(context)[1][0])
    calls = {"transmit": lambda: transmit(card, "00A4040000")[0], "status": lambda: status(card)[0],
             "reconnect": lambda: reconnect(card), "begin": lambda: begin(card)}
    thread = threading.Thread(target=lambda: say("call", calls[function]()))
    say("ready")
    step()
    thread.start()
    step()
    say("disconnect", disconnect(card))
    thread.join()


def connect_to_card():
    context = new_context()
    reader = names(context)[1][0]
    say("ready")
    step()
    code, card, _ = connect(context, reader)
    say(code)
    say("ready")
    step()
    say(control(card, 0x42000001, "00")[0], reconnect(card))


class Restart(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader("A", card=ATR), simulated_reader("B")])
        self.testbed.start_service()

    def script(self, function, *arguments):
        script = Script(THROUGH_LIBRARY, function, *arguments)
        self.addCleanup(script.close)
        return script

    def end_service(self, number):
        if number == signal.SIGKILL:
            self.testbed.service.kill()
        else:
            self.testbed.stop_service()

    @staticmethod
    def count_sleeping_threads(script):
        """Those that sleep in a poll: a wait that begins after the restart is another case."""
        count = 0
        for path in glob.glob(f"/proc/{script.pid}/task/*/wchan"):
            with open(path, encoding="ascii") as file:
                count += "poll" in file.read()
        return count

    def run_waits(self, number):
        script = self.script(wait_for_card)
        self.assertEqual(script.line(), "waiting")
        events.poll_until(lambda: self.count_sleeping_threads(script) == 2, "both threads wait")
        for _ in range(3):
            self.end_service(number)
            self.testbed.start_service()
        self.recorder().wait_for_state(lambda c: len(c.readers()) == 2, "both readers")
        self.assertFalse(script.has_line())
        self.simulator().insert("B")
        self.assertEqual(script.line(), f"card {SUCCESS} 00010022")
        self.assertFalse(script.has_line())
        script.go_on()
        words = sorted(script.line().split(" ")[:2] for _ in range(2))
        self.assertEqual(words, [["cancel", SUCCESS], ["readers", CANCELLED]])
        self.assertEqual(script.line(), f"release {SUCCESS} {SUCCESS}")

    def test_waits_through_an_orderly_restart(self):
        """The objects go with the service; that is no removal of a reader."""
        self.run_waits(signal.SIGTERM)

    def test_waits_through_a_crash(self):
        self.run_waits(signal.SIGKILL)

    def run_cards(self, number):
        script = self.script(use_cards)
        self.assertEqual(script.line(), f"begin {SUCCESS} {SUCCESS}")
        self.end_service(number)
        self.testbed.start_service()
        script.go_on()
        self.assertEqual(script.rest(), [
            f"list {SUCCESS}",
            f"idle {RESET_CARD} {RESET_CARD} {RESET_CARD}",
            f"busy {RESET_CARD} {RESET_CARD}",
            f"closed {SUCCESS} {INVALID_HANDLE}",
            f"reconnect {SUCCESS} {SUCCESS}",
            f"again {SUCCESS} 9000",
            "end 80100016",
            f"new {SUCCESS}",
            f"disconnect {SUCCESS} {SUCCESS}",
            f"release {SUCCESS}"])

    def test_card_handles_after_an_orderly_restart(self):
        self.run_cards(signal.SIGTERM)

    def test_card_handles_after_a_crash(self):
        self.run_cards(signal.SIGKILL)

    def test_service_does_not_come_back(self):
        """Calls fail after a while, and succeed again when it is there."""
        script = self.script(call_while_it_is_away)
        self.assertEqual(script.line(), "ready")
        self.testbed.stop_service()
        script.go_on()
        self.assertEqual(script.line(), f"list {NO_SERVICE}")
        self.assertEqual(script.line(), f"card {RESET_CARD} {NO_SERVICE}")
        self.testbed.start_service()
        script.go_on()
        self.assertEqual(script.rest(), [f"list {SUCCESS}",
                                         f"card {RESET_CARD} {SUCCESS} {SUCCESS}"])


class Properties(dict):
    """Of a service. on_read: called with the name of each one before it is read."""

    def __init__(self, properties, on_read):
        super().__init__(properties)
        self._on_read = on_read

    def __getitem__(self, name):
        self._on_read(name)
        return super().__getitem__(name)


class Moments(case.TestBedTest):
    """Fake services, which end at moments that the real one hits by chance.

    The connection of one that has left stays open, so that the bus answers no call for it.
    """

    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.service = self.serve()

    def serve(self, reader_name="Fake 00 00", **keywords):
        name = GLib.Variant("s", reader_name)
        service = FakeService(GetManagedObjects=objects(reader(Name=name), card()), **keywords)
        self.addCleanup(service.close)
        return service

    def serve_silent(self, method="GetManagedObjects", **keywords):
        """Starts one that does not answer the method; returns it and its calls of the method."""
        calls = []
        service = FakeService(**{method: calls.append}, **keywords)
        self.addCleanup(service.close)
        return service, calls

    @staticmethod
    def leave(service):
        call_bus(service.connection, "ReleaseName", GLib.Variant("(s)", (NAME,)))

    def script(self, function, *arguments):
        script = Script(THROUGH_LIBRARY, function, *arguments)
        self.addCleanup(script.close)
        return script

    def start_ready(self, function, *arguments):
        script = self.script(function, *arguments)
        self.assertEqual(script.line(), "ready")
        return script

    def test_wait_is_cancelled_before_the_objects_arrive(self):
        script = self.start_ready(wait_and_list)
        self.leave(self.service)
        silent, calls = self.serve_silent()
        script.go_on()
        events.wait_until(lambda: calls, "the program asks for the objects")
        script.go_on()
        self.assertEqual(sorted(script.line().split(" ")[:2] for _ in range(2)),
                         [["cancel", SUCCESS], ["wait", CANCELLED]])
        self.leave(silent)
        self.serve("Other 01 00")
        self.assertEqual(script.rest(), [f"list {SUCCESS} ['Other 01 00']"])

    def test_service_leaves_before_it_answers(self):
        """The program asks the next one at once, and not when the limit is over."""
        script = self.start_ready(list_after_restart)
        self.leave(self.service)
        script.go_on()
        for _ in range(3):
            silent, calls = self.serve_silent()
            events.wait_until(lambda: calls, "the program asks for the objects")
            self.leave(silent)
        self.serve("Other 01 00")
        self.assertEqual(script.rest(), [f"{SUCCESS} ['Other 01 00']"])

    def test_service_leaves_again_and_again(self):
        """The program gives it up."""
        script = self.start_ready(list_after_restart)
        self.leave(self.service)
        script.go_on()
        for _ in range(8):
            silent, calls = self.serve_silent()
            events.wait_until(lambda: calls or script.has_line(), "the program asks, or gives up")
            self.leave(silent)
        self.serve("Other 01 00")
        self.assertEqual(script.rest(), [f"{NO_SERVICE} []"])

    def test_service_leaves_between_its_answers(self):
        """What it has answered is of no use, though it is complete."""
        script = self.start_ready(list_after_restart)
        self.leave(self.service)
        leaving = self.serve("Old 00 00")

        leaving.properties = Properties(leaving.properties, lambda _: self.leave(leaving))
        script.go_on()
        events.wait_until(lambda: leaving.calls, "the program asks for the objects")
        self.serve("Other 01 00")
        self.assertEqual(script.rest(), [f"{SUCCESS} ['Other 01 00']"])

    def test_pcscd_answers_after_the_start(self):
        """The service that follows has no readers until then."""
        script = self.start_ready(list_after_restart)
        self.leave(self.service)
        service = self.serve("Other 01 00", available=GLib.Variant("b", False))
        read = []
        service.properties = Properties(service.properties, read.append)
        script.go_on()
        events.wait_until(lambda: "Available" in read, "the program asks for the properties")
        service.properties["Available"] = GLib.Variant("b", True)
        send_to_all(service.connection, ROOT, PROPERTIES, "PropertiesChanged", GLib.Variant(
            "(sa{sv}as)", (MANAGER, {"Available": GLib.Variant("b", True)}, [])))
        self.assertEqual(script.rest(), [f"{SUCCESS} ['Other 01 00']"])

    def test_limit_refuses_the_first_calls(self):
        """The call does not wait for yet another service, and the next call tries it again."""
        script = self.start_ready(list_twice_after_restart)
        self.leave(self.service)
        refusing, read = self.serve(), []
        refusing.answer("GetManagedObjects", refuse(BUS + ".Error.LimitsExceeded"))
        refusing.properties = Properties(refusing.properties, read.append)
        script.go_on()
        events.wait_until(lambda: "Available" in read, "the program asks for the properties")
        self.leave(refusing)
        self.serve("Other 01 00")
        self.assertEqual(script.rest(), [f"{NO_MEMORY} []", f"{SUCCESS} ['Other 01 00']"])

    def test_handle_is_closed_while_a_call_waits(self):
        """SCardDisconnect ends a call with the same handle that waits for the service."""
        for function in ("transmit", "status", "reconnect", "begin"):
            script = self.start_ready(disconnect_while_it_restarts, function)
            self.leave(self.service)
            silent, calls = self.serve_silent(OpenChannel=refuse(BUS + ".Error.UnknownObject"))
            script.go_on()
            events.wait_until(lambda: calls, "the call waits for the objects")
            script.go_on()
            self.assertEqual(sorted(script.rest()),
                             [f"call {INVALID_HANDLE}", f"disconnect {SUCCESS}"], function)
            self.leave(silent)
            self.service = self.serve()

    def test_handle_is_closed_while_it_is_reopened(self):
        """The same for the call with which SCardReconnect opens the session of the next service."""
        script = self.start_ready(disconnect_while_it_restarts, "reconnect")
        self.leave(self.service)
        opened = []
        self.serve(Connect=opened.append, CancelCall=lambda call: self.cancel(call, opened))
        script.go_on()
        events.wait_until(lambda: opened, "the call opens a session")
        script.go_on()
        self.assertEqual(sorted(script.rest()),
                         [f"call {INVALID_HANDLE}", f"disconnect {SUCCESS}"])

    @staticmethod
    def cancel(call, pending):
        call.return_value(None)
        pending.pop().return_dbus_error("org.smartcardd1.Error.Cancelled", "cancelled")

    def test_context_while_the_service_stops(self):
        self.leave(self.service)
        silent, calls = self.serve_silent()
        script = self.script(establish_and_list)
        events.wait_until(lambda: calls, "the program asks for the objects")
        self.leave(silent)
        self.serve("Other 01 00")
        self.assertEqual(script.rest(), [f"{SUCCESS} {SUCCESS} ['Other 01 00']"])

    def test_connect_while_the_service_stops(self):
        script = self.start_ready(connect_to_card)
        self.leave(self.service)
        silent, calls = self.serve_silent("Connect")
        script.go_on()
        events.wait_until(lambda: calls, "the program connects")
        calls[0].return_dbus_error("org.smartcardd1.Error.Shutdown", "stopping")
        call_bus(silent.connection, "GetId")
        self.leave(silent)
        self.serve()
        self.assertEqual(script.line(), SUCCESS)

    def test_call_fails_before_its_cause_is_known(self):
        """The bus, or the service, answers a call before it signals that the service has ended."""
        script = self.start_ready(connect_to_card)
        script.go_on()
        self.assertEqual(script.line(), SUCCESS)
        self.assertEqual(script.line(), "ready")
        self.service.answer("OpenChannel", refuse(BUS + ".Error.NoReply"))
        script.go_on()
        self.assertEqual(script.line(), f"{RESET_CARD} {SUCCESS}")


if __name__ == "__main__":
    case.main()
