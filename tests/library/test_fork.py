#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fork() and daemon(3): which process goes on with the handles, and that nothing else happens.

The first process that uses them after the fork has them; the other one gets INVALID_HANDLE.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import ATR, IS_VERIFIED, VERIFIED, VERIFY
from scdtest.clients.library import THROUGH_LIBRARY
from scdtest.clients.pcsc_client import PcscClient
from scdtest.clients.script import Script
from scdtest.testbed.testbed import simulated_reader

READER_A = "Simulated Reader A 00 00"
SUCCESS, INVALID_HANDLE = "00000000", "80100003"
ROUNDS = 60


def daemonize(verify, is_verified, forks, close_first):
    """As daemon(3): the parent ends, at once or after the child has used the handles.

    close_first: the child closes all descriptors, and opens others.
    """
    context = new_context()
    reader = names(context)[1][0]
    card = new_card(context, reader)
    say("verify", *transmit(card, verify))
    for _ in range(forks):
        if os.fork():
            os._exit(0)
    step()
    if close_first:
        os.closerange(3, 200)
        others = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
    say("context", is_valid(context), *names(context)[:1], wait(context, 0, (reader, 0))[0])
    say("card", *transmit(card, is_verified), status(card)[0])
    say("transaction", begin(card), *transmit(card, is_verified), end(card))
    say("second", connect(context, reader)[0])
    say("disconnect", disconnect(card), "release", release(context))
    if close_first:
        say("others", sum(os.fstat(fd).st_rdev == os.stat("/dev/null").st_rdev for fd in others))


def child_first(verify, is_verified):
    context = new_context()
    card = new_card(context, names(context)[1][0])
    transmit(card, verify)
    reading, writing = os.pipe()
    if os.fork() == 0:
        say("child", *transmit(card, is_verified))
        os.write(writing, b"x")
        step()
        say("child", *transmit(card, is_verified))
        say("child", disconnect(card), release(context))
        os._exit(0)
    os.read(reading, 1)
    say("parent", transmit(card, is_verified)[0], is_valid(context), disconnect(card),
        release(context))
    own = new_context()
    say("own", connect(own, names(own)[1][0])[0])
    step()
    os.wait()


def parent_first(verify, is_verified):
    context = new_context()
    card = new_card(context, names(context)[1][0])
    transmit(card, verify)
    child = os.fork()
    if child == 0:
        step()
        say("child", is_valid(context), transmit(card, is_verified)[0], begin(card),
            disconnect(card), cancel(context), release(context))
        own = new_context()
        say("own", transmit(new_card(own, names(own)[1][0]), is_verified)[0], release(own))
        os._exit(0)
    say("parent", *transmit(card, is_verified))
    step()
    os.waitpid(child, 0)
    say("parent", *transmit(card, is_verified))
    say("parent", disconnect(card), release(context))


def lose_in_child(is_verified):
    """Handles that the child cannot have, beside one that it can."""
    context = new_context()
    reader, other_reader = names(context)[1][:2]
    shared, busy = new_card(context, reader), new_card(context, reader)
    exclusive = new_card(context, other_reader, EXCLUSIVE)
    begin(busy)
    if os.fork() == 0:
        say("child", transmit(busy, is_verified)[0], transmit(exclusive, is_verified)[0],
            end(busy), disconnect(exclusive), transmit(shared, is_verified)[0], is_valid(context))
        say("again", connect(context, other_reader, EXCLUSIVE)[0])
        os._exit(0)
    os.wait()
    say("parent", is_valid(context))


def leave_child_behind(how, is_verified):
    """The child lives on, and does not use PC/SC."""
    context = new_context()
    card = new_card(context, names(context)[1][0], SHARED)
    if os.fork() == 0:
        step()
        os._exit(0)
    say("parent", transmit(card, is_verified)[0])
    if how == "release":
        say("release", release(context))
        threading.Event().wait()
    sys.exit(0)


def race(count, is_verified):
    """Both processes use the handles at the same time."""
    for _ in range(count):
        context = new_context()
        card = new_card(context, names(context)[1][0])
        start, started = os.pipe()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(started)
            os.read(start, 1)
            os.write(writing, b"%08X" % transmit(card, is_verified)[0])
            os._exit(0)
        os.close(start)
        os.close(started)
        own = b"%08X" % transmit(card, is_verified)[0]
        other = os.read(reading, 8)
        os.waitpid(child, 0)
        if {own, other} != {b"00000000", b"80100003"}:
            say("both", own.decode(), other.decode())
        release(context)
        os.close(reading)
        os.close(writing)
    say("done")


def fork_beside_wait(is_verified):
    """A thread waits with a context: the parent keeps all handles."""
    while True:
        context, other, code = new_context(), new_context(), []
        reader = names(context)[1][0]
        card = new_card(other, reader)
        known = wait(context, 0, (reader, 0))[1] & ~CHANGED
        thread = threading.Thread(
            target=lambda: code.append(wait(context, INFINITE, (reader, known))[0]))
        thread.start()
        child = os.fork()
        if child == 0:
            os._exit(is_valid(other) == 0x80100003 and transmit(card, is_verified)[0] == 0x80100003)
        if os.waitpid(child, 0)[1]:
            break
        # The thread had not begun to wait: the child had the handles, the one of the wait too.
        thread.join()
    say("parent", transmit(card, is_verified)[0])
    thread.join()
    say("wait", *code)
    step()


class Fork(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader(name, card=ATR) for name in "AB"])
        self.testbed.start_service()

    def script(self, function, *arguments):
        script = Script(THROUGH_LIBRARY, function, *arguments)
        self.addCleanup(script.close)
        return script

    def run_daemon(self, forks):
        script = self.script(daemonize, VERIFY, IS_VERIFIED, forks, False)
        self.assertEqual(script.line(), f"verify {SUCCESS} 9000")
        script.wait()
        script.go_on()
        self.assertEqual(script.rest(), [
            f"context {SUCCESS} {SUCCESS} {SUCCESS}",
            f"card {SUCCESS} {VERIFIED} {SUCCESS}",
            f"transaction {SUCCESS} {SUCCESS} {VERIFIED} {SUCCESS}",
            f"second {SUCCESS}",
            f"disconnect {SUCCESS} release {SUCCESS}"])

    def test_daemon(self):
        """The parent has left: the card was not reset, and the handle is good."""
        self.run_daemon(1)

    def test_daemon_that_forks_twice(self):
        self.run_daemon(2)

    def test_daemon_that_closes_all_descriptors(self):
        """It loses its card handles, and nothing closes the descriptors that it opens."""
        script = self.script(daemonize, VERIFY, IS_VERIFIED, 1, True)
        self.assertEqual(script.line(), f"verify {SUCCESS} 9000")
        script.wait()
        script.go_on()
        self.assertEqual(script.rest(), [
            f"context {SUCCESS} {SUCCESS} {SUCCESS}",
            f"card {INVALID_HANDLE}  {INVALID_HANDLE}",
            f"transaction {INVALID_HANDLE} {INVALID_HANDLE}  {INVALID_HANDLE}",
            f"second {SUCCESS}",
            f"disconnect {INVALID_HANDLE} release {SUCCESS}",
            "others 00000014"])

    def test_child_uses_them_first(self):
        """The documented failure: the child claims the handles, then the parent transmits."""
        script = self.script(child_first, VERIFY, IS_VERIFIED)
        self.assertEqual(script.line(), f"child {SUCCESS} {VERIFIED}")
        self.assertEqual(script.line(), "parent " + " ".join([INVALID_HANDLE] * 4))
        self.assertEqual(script.line(), f"own {SUCCESS}")
        script.go_on()
        script.go_on()
        self.assertEqual(script.rest(), [f"child {SUCCESS} {VERIFIED}",
                                         f"child {SUCCESS} {SUCCESS}"])

    def test_parent_uses_them_first(self):
        script = self.script(parent_first, VERIFY, IS_VERIFIED)
        self.assertEqual(script.line(), f"parent {SUCCESS} {VERIFIED}")
        script.go_on()
        script.go_on()
        self.assertEqual(script.rest(), [
            "child " + " ".join([INVALID_HANDLE] * 6),
            f"own {SUCCESS} {SUCCESS}",
            f"parent {SUCCESS} {VERIFIED}", f"parent {SUCCESS} {SUCCESS}"])

    def test_both_at_once(self):
        """One of them has the handles, never both and never none."""
        self.assertEqual(self.script(race, ROUNDS, IS_VERIFIED).rest(), ["done"])

    def test_handles_that_a_child_cannot_have(self):
        script = self.script(lose_in_child, IS_VERIFIED)
        lost = " ".join([INVALID_HANDLE] * 4)
        self.assertEqual(script.rest(), [f"child {lost} {SUCCESS} {SUCCESS}", f"again {SUCCESS}",
                                         f"parent {INVALID_HANDLE}"])

    def test_thread_that_waits_during_the_fork(self):
        script = self.script(fork_beside_wait, IS_VERIFIED)
        self.assertEqual(script.line(), f"parent {SUCCESS}")
        self.simulator().remove("A")
        self.assertEqual(script.line(), f"wait {SUCCESS}")
        script.go_on()
        self.assertEqual(script.rest(), [])

    def test_parent_exits_before_its_child(self):
        script = self.script(leave_child_behind, "exit", IS_VERIFIED)
        self.assertEqual(script.line(), f"parent {SUCCESS}")
        self.assertEqual(script.wait(), 0)
        self.wait_until_free(script)

    def test_parent_releases_its_context_before_its_child_ends(self):
        script = self.script(leave_child_behind, "release", IS_VERIFIED)
        self.assertEqual(script.line(), f"parent {SUCCESS}")
        self.assertEqual(script.line(), f"release {SUCCESS}")
        self.wait_until_free(script)

    def wait_until_free(self, script):
        """The child, which still lives, keeps neither the session nor the connection."""
        observer = self.recorder()
        observer.wait_for_state(
            lambda c: not any(values["InUse"] for _, values in c.readers().values()), "no session")
        other = PcscClient()
        self.addCleanup(other.close)
        other.do("connect", "exclusive", READER_A)
        script.go_on()


if __name__ == "__main__":
    case.main()
