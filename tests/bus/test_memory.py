#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The memory and the handles that a user with the action "connect" can make the service hold."""

import itertools
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import SELECT, ChannelTest
from scdtest.clients.channel import SUCCESS, transmit
from scdtest.clients.client import SESSION, Refused, data, hex_data, options
from scdtest.clients.recorder import CARD, NAME, READER
from scdtest.testbed import events
from scdtest.testbed.users import as_user

LIMIT = "LimitsExceeded"

# What one user may make the service hold, and a message with its copies on the way, in MiB.
USER_MIB = 64
TRANSIENT_MIB = 32

# The same without any permission, and what the heap keeps of the messages before.
FREE_MIB = 16
SLACK_MIB = 8
DENIED = "NotAuthorized"

# Calls that are cancelled while they wait: far more than a user may have at a time, in batches that
# the limits of a session allow.
LARGE = data(b"\x80" * 65000)
BATCH, BATCHES = 16, 100
DRIVER_COMMAND = 0x42000001

# A response of 65,520 bytes.
PRODUCE = "8012FFF0"

# A transaction of another session keeps commands waiting for as long as the test likes.
PATIENT = "[Transactions]\nIdleLimitSec=3600\nTotalLimitSec=86400\n"


def echo(length):
    """A command of this length in hex, with a response of nearly that length."""
    return "80100000" + f"00{length - 7:04X}" + "A5" * (length - 7)


class Memory(ChannelTest):
    def start_with(self, **limits):
        lines = [f"{name}={value}" for name, value in limits.items()]
        self.authority = self.polkit()
        self.authority.start("return polkit.Result.YES;")
        self.start("\n".join(["[Limits]", *lines, PATIENT]))
        self.session_of_root = self.session()
        self.before = self.memory("VmRSS")

    def assert_bounded(self):
        if not self.is_sanitized():
            self.assertLess(self.memory("VmHWM"), self.before + USER_MIB + TRANSIENT_MIB)

    def user(self, name):
        with as_user(name):
            return self.client()

    def connect(self, user):
        return user.connect(user.reader("Reader A"))

    def count_results(self, calls):
        """Returns the number of calls by the names of their errors, None without one."""
        counts = {}
        for call in calls:
            try:
                call.wait()
                name = None
            except Refused as refused:
                name = refused.name
            counts[name] = counts.get(name, 0) + 1
        return counts

    def test_without_permission(self):
        """Scripts that wait for the authorization, from as many clients as the user likes."""
        self.start_with()
        self.authority.change_rule("return polkit.Result.NO;")
        card = self.session_of_root.get("Card")
        held, accepted = [], []
        for _ in range(2):
            users = [self.user("nobody") for _ in range(4)]
            for user in users:
                user.manager("Available")  # the service knows the user now
            self.authority.pause()
            calls = [user.send(card, CARD, "TransmitMany", data([b"\x80" * 65000] * 16), options())
                     for user in users for _ in range(8)]
            for user in users:
                user.manager("Available")
            held.append(self.memory("VmRSS") - self.before)
            self.authority.resume()
            counts = self.count_results(calls)
            self.assertEqual(sum(counts.values()), len(calls))
            accepted.append(counts[DENIED])
            self.leave(*users)
        self.assertEqual(accepted[0], accepted[1])
        self.assertLess(accepted[0], len(calls) / 2)
        if not self.is_sanitized():
            self.assertLess(max(held), FREE_MIB + SLACK_MIB)

    def test_waiting_commands(self):
        """The first attack and the second one are the same: all charges were returned."""
        self.start_with()
        users = [self.user("nobody") for _ in range(4)]
        sessions = [self.connect(user) for user in users for _ in range(6)]
        accepted = []
        for _ in range(2):
            self.session_of_root.begin()
            calls = [session.send_transmit(echo(65000)) for session in sessions for _ in range(16)]
            for user in users:
                user.manager("Available")
            self.assert_bounded()
            self.session_of_root.end()
            counts = self.count_results(calls)
            self.assertEqual(sum(counts.values()), len(calls))
            self.assertEqual(len(counts), 2, counts)
            accepted.append(counts[None])
            self.assertEqual(self.session_of_root.transmit(SELECT), "9000")
        self.assertGreater(min(accepted), 20)
        self.assert_bounded()

    def test_responses_of_a_script(self):
        """A script stops before a command for whose response there is no room."""
        self.start_with(MemoryPerUser=4000000)
        user = self.user("nobody")
        session, script = self.connect(user), [echo(50000)] * 60
        counts = [len(session.many(script)) for _ in range(3)]
        self.assertGreater(counts[0], 5)
        self.assertLess(counts[0], 40)
        self.assertEqual(set(counts), {counts[0]})
        self.assertEqual(len(self.connect(self.user("daemon")).many(script[:10])), 10)
        self.assert_refused(LIMIT, session.send_many([echo(65000)] * 63))
        self.assertEqual(session.transmit(SELECT), "9000")

    def test_channels(self):
        """All sessions that a user may have, with a channel each that has many large requests."""
        self.start_with()
        user, request = self.user("nobody"), transmit(echo(65000))
        for _ in range(2):
            sessions = [self.connect(user) for _ in range(128)]
            channels = [self.new_channel(session) for session in sessions]
            self.session_of_root.begin()
            sent = [channel.send_what_fits(itertools.repeat(request)) for channel in channels]
            self.assert_refused(LIMIT, user.send_connect(user.reader("Reader A")))
            self.session_of_root.end()
            # Nobody reads the answers; another session has its turns all the same.
            self.assertEqual(self.session_of_root.transmit(SELECT), "9000")
            self.assert_bounded()
            for channel, count in zip(channels[:8], sent):
                self.assertEqual(channel.receive_all(count), [SUCCESS] * count)
            for channel, session in zip(channels, sessions):
                channel.close()
                session.close()
        self.assert_bounded()

    def test_many_channels_of_a_small_share(self):
        self.start_with(MemoryPerUser=1024 * 1024)
        user = self.user("nobody")
        sessions = [self.connect(user) for _ in range(4)]
        channels = [self.new_channel(session) for session in sessions[:2]]
        with self.assertRaises(Refused) as caught:
            self.new_channel(sessions[3])
        self.assertEqual(caught.exception.name, LIMIT)
        self.assertIn("MemoryPerUser", caught.exception.message)
        for session in sessions[:2]:
            session.close()
        for session in sessions[2:]:
            self._clients.append(self.new_channel(session))
        for channel in channels:
            channel.close()

    def test_abandoned_handles(self):
        """
        Sessions that were given up while the worker is inside libpcsclite stay charged. The user is
        root, for whom no call waits for polkit until its time is over.
        """
        self.start_with(SessionsPerUser=3)
        user = self.client()
        reader = user.reader("Reader A")
        for _ in range(2):
            self.cards.hold_commands("A")
            running = self.session_of_root.send_transmit(SELECT)
            self.wait_until_running()
            names = []
            for _ in range(30):
                calls = [user.send_connect(reader, timeout_ms=100) for _ in range(3)]
                names += [call.error() for call in calls]
            self.assertFalse(running.is_done)
            self.assertEqual(set(names), {"Timeout", LIMIT})
            self.assertLessEqual(names.count("Timeout"), 12)
            self.cards.release_commands("A")
            running.wait()
            self.session_of_root.transmit(SELECT)  # after the queues before it
            self.session_of_root.client.manager("Available")
            sessions = [self.connect(user) for _ in range(2)]
            for session in sessions:
                session.close()

    def wait_until_idle(self):
        """The service has done all that it can do."""
        def cpu_time():
            with open(f"/proc/{self.testbed.service.pid}/stat", encoding="ascii") as file:
                return file.read().rpartition(")")[2].split()[11:13]

        def is_idle():
            before = cpu_time()
            time.sleep(0.3)
            return cpu_time() == before

        events.poll_until(is_idle, "the service is idle")

    def test_replies_that_the_bus_does_not_read(self):
        """GDBus has a copy of each: it is charged, too."""
        self.start_with()
        user = self.user("nobody")
        session = self.connect(user)
        calls = [session.send_many([PRODUCE] * 63) for _ in range(40)]
        user.manager("Available")
        self.testbed.bus.send_signal(signal.SIGSTOP)
        try:
            self.wait_until_idle()
        finally:
            self.testbed.bus.send_signal(signal.SIGCONT)
        self.assertEqual(sum(self.count_results(calls).values()), len(calls))
        self.assert_bounded()

    def cancel_many(self, user, path, interface, timeout=False):
        """Sends long calls and cancels each of them while it waits, or lets it time out."""
        for _ in range(BATCHES):
            calls = []
            for number in map(str, range(BATCH)):
                more = {"timeout_ms": 1} if timeout else {"call_id": number}
                calls.append(user.send(path, interface, "Control", DRIVER_COMMAND, LARGE,
                                       options(**more)))
                if not timeout:
                    calls.append(user.send("/org/smartcardd1", NAME + ".Manager", "CancelCall",
                                           number))
            counts = self.count_results(calls)
            self.assertEqual(counts, {"Timeout": BATCH} if timeout else
                             {"Cancelled": BATCH, None: BATCH})
        if not self.is_sanitized():
            self.assertLess(self.memory("VmHWM"), self.before + FREE_MIB)

    def enter_pin(self):
        """Returns a call that keeps the worker inside libpcsclite until the user presses a key."""
        self.cards.order("pinpad", "A", "direct", "42330000")
        session = self.session_of_root
        call = session.send("VerifyPin", hex_data("0020008008" + "FF" * 8), options(), options())
        session.client.wait_for_signal("PinEntryStarted", session.path)
        return call

    def test_cancelled_commands_to_the_driver(self):
        """The service asks the driver for its features before it asks polkit."""
        self.start_with()
        user = self.user("nobody")
        session = self.connect(user)
        entry = self.enter_pin()
        for timeout in (False, True):
            self.cancel_many(user, session.path, SESSION, timeout)
        self.assertFalse(entry.is_done)
        self.cards.order("press", "A", "12345678e")
        self.assertEqual(entry.wait().hex(), "9000")
        self.assertEqual(self.count_results([session.send_transmit(SELECT) for _ in range(16)]),
                         {None: 16})

    def test_cancelled_commands_during_a_probe(self):
        """A transaction of another program keeps the probe of the reader waiting."""
        self.start_with()
        user = self.user("nobody")
        program = self.pcsc_client()
        program.do("connect", "shared", self.pcsc_name("A"))
        program.do("begin")
        self.cancel_many(user, user.reader("Reader A"), READER)
        program.do("end", "leave")

    def test_places_of_a_reader(self):
        """Other PC/SC programs can always connect."""
        self.start_with()
        program = self.pcsc_client()
        users = [self.user(name) for name in ("nobody", "daemon", "games")]
        calls = [user.send_connect(user.reader("Reader A")) for user in users for _ in range(67)]
        counts = self.count_results(calls)
        self.assertEqual(counts, {None: 149, LIMIT: 201 - 149})
        program.do("connect", "shared", self.pcsc_name("A"))
        self.assertEqual(program.do("transmit", SELECT), "9000")
        self.leave(*users)
        self.count_sessions()
        user = self.user("nobody")
        self.assertEqual(self.count_results([user.send_connect(user.reader("Reader A"))
                                             for _ in range(128)]), {None: 128})


if __name__ == "__main__":
    case.main()
