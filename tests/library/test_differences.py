#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Differences from libpcsclite that docs/pcsc-library.md lists, and the conformance program has not."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import ATR
from scdtest.clients.library import DIRECT, THROUGH_LIBRARY, Stage
from scdtest.clients.script import Script
from scdtest.testbed.testbed import pcscd_version, simulated_reader

READERS = [simulated_reader("A", card=ATR), simulated_reader("B")]
SUCCESS, NO_MEMORY, TIMEOUT, UNKNOWN = "00000000", "80100006", "8010000A", "80100009"
NO_SERVICE, PROTO_MISMATCH = "8010001D", "8010000F"
RESET_CARD, UNSUPPORTED = "80100068", "8010001F"


def use_empty_name():
    context = new_context()
    say(wait(context, 0, ("", 0))[0], connect(context, "")[0])


def use_beside_raw():
    context, other = new_context(), new_context()
    reader = names(context)[1][0]
    card = new_card(context, reader)
    raw, protocol = LONG(), DWORD()
    say(call("SCardConnect", other, reader.encode(), DWORD(DIRECT), DWORD(4), ctypes.byref(raw),
             ctypes.byref(protocol)))
    say(transmit(card, "00A4040000")[0])


def set_attributes():
    context = new_context()
    card = new_card(context, names(context)[1][0])
    say(*[call("SCardSetAttrib", card, DWORD(tag), b"1", DWORD(1))
          for tag in (0x90303, 0x0FAE, 0x303, 0x7FFF0001)])


def leave_exclusive():
    """After SCardReconnect to shared, another context connects."""
    context, other = new_context(), new_context()
    reader = names(context)[1][0]
    card = new_card(context, reader, EXCLUSIVE)
    say("reconnect", reconnect(card, SHARED))
    thread = threading.Thread(target=lambda: say("connect", connect(other, reader)[0]))
    thread.start()
    thread.join(3)
    if thread.is_alive():
        say("blocked")
    say("end", end(card))
    thread.join()


def call_beside_wait():
    context, other = new_context(), new_context()
    reader = names(context)[1][0]
    known = wait(context, 0, (reader, 0))[1] & ~CHANGED
    thread = threading.Thread(target=lambda: say("wait", wait(context, 1000, (reader, known))[0]))
    thread.start()
    codes = {names(context)[0]}
    while thread.is_alive():
        codes.add(names(context)[0])
    say("list", *codes)


def wait_for_hog():
    """The hog keeps its transaction, and does nothing."""
    context, other = new_context(), new_context()
    reader = names(context)[1][0]
    hog, waiter = new_card(context, reader), new_card(other, reader)
    begin(hog)
    say("begin", begin(waiter))
    say("reconnect", reconnect(waiter))
    say("begin", begin(waiter), transmit(waiter, "00A4040000")[0])
    say("end", end(waiter))
    say("hog", transmit(hog, "00A4040000")[0], end(hog))


def open_many():
    context = new_context()
    reader = names(context)[1][0]
    code = 0
    count = 0
    while not code and count < 1000:
        code = connect(context, reader)[0]
        count += 1
    say("error", code)


def wait_until_pcscd_ends():
    context = new_context()
    reader = names(context)[1][0]
    known = wait(context, 0, (reader, 0))[1] & ~CHANGED
    say("waiting")
    say(wait(context, INFINITE, (reader, known))[0])


class Differences(unittest.TestCase):
    def stage(self, way):
        stage = Stage(way)
        self.addCleanup(stage.__exit__)
        stage.start(READERS)
        stage.wait_for_readers(2)
        return stage

    def script(self, way, function):
        script = Script(way, function)
        self.addCleanup(script.close)
        return script

    def run_at(self, way, function):
        self.stage(way)
        return self.script(way, function).rest()

    def test_empty_reader_name(self):
        direct = SUCCESS if pcscd_version() < (2, 5) else None
        if direct:
            self.assertEqual(self.run_at(DIRECT, use_empty_name), [f"{direct} {UNKNOWN}"])
        self.assertEqual(self.run_at(THROUGH_LIBRARY, use_empty_name), [f"{UNKNOWN} {UNKNOWN}"])

    def test_transmit_beside_raw(self):
        self.assertEqual(self.run_at(DIRECT, use_beside_raw), [SUCCESS, PROTO_MISMATCH])
        self.assertEqual(self.run_at(THROUGH_LIBRARY, use_beside_raw), [SUCCESS, SUCCESS])

    def test_set_attribute(self):
        self.assertEqual(self.run_at(THROUGH_LIBRARY, set_attributes), [" ".join([UNSUPPORTED] * 4)])

    def test_reconnect_from_exclusive(self):
        self.assertEqual(self.run_at(DIRECT, leave_exclusive),
                         [f"reconnect {SUCCESS}", "blocked", f"end {SUCCESS}", f"connect {SUCCESS}"])
        self.assertEqual(self.run_at(THROUGH_LIBRARY, leave_exclusive),
                         [f"reconnect {SUCCESS}", f"connect {SUCCESS}", "end 80100016"])

    def test_call_beside_a_wait(self):
        self.assertEqual(self.run_at(THROUGH_LIBRARY, call_beside_wait),
                         [f"wait {TIMEOUT}", f"list {SUCCESS}"])

    def test_waiter_after_a_hog(self):
        self.assertEqual(self.run_at(THROUGH_LIBRARY, wait_for_hog), [
            f"begin {RESET_CARD}", f"reconnect {SUCCESS}", f"begin {SUCCESS} {SUCCESS}",
            f"end {SUCCESS}", f"hog {RESET_CARD} {RESET_CARD}"])

    def test_sessions_of_a_user(self):
        self.assertEqual(self.run_at(THROUGH_LIBRARY, open_many), [f"error {NO_MEMORY}"])

    def test_wait_when_pcscd_ends(self):
        stage = self.stage(THROUGH_LIBRARY)
        script = self.script(THROUGH_LIBRARY, wait_until_pcscd_ends)
        self.assertEqual(script.line(), "waiting")
        stage.testbed.stop_pcscd()
        self.assertEqual(script.line(), NO_SERVICE)


if __name__ == "__main__":
    case.main()
