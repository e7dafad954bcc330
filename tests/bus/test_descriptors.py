#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A service without file descriptors or threads: clear errors, an orderly stop, the right paths."""

import os
import resource
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.identity import USB_PATH, IdentityTest, text
from scdtest.cases.sessions import SELECT, ChannelTest
from scdtest.clients.client import Refused
from scdtest.testbed import events

ENOUGH = 1024

# Less than the stack of a thread, but enough for the buffers of those whose stack glibc has kept.
SPACE = 4 * 1024 * 1024

LIMIT = "LimitsExceeded"


def leave_descriptors(process, count):
    """Lowers the limit of the process so that it can open so many more descriptors."""
    used = {int(name) for name in os.listdir(f"/proc/{process.pid}/fd")}
    limit = 0
    while count > 0 or any(number >= limit for number in used):
        count -= limit not in used
        limit += 1
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (limit, ENOUGH))


def raise_limit(process):
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (ENOUGH, ENOUGH))


class Descriptors(ChannelTest):
    readers = "ABC"

    def setUp(self):
        super().setUp()
        self.start()
        self.first = self.session("A")
        self.user = self.client()

    def assert_no_descriptor(self, call):
        with self.assertRaises(Refused) as caught:
            call.wait()
        self.assertEqual(caught.exception.name, LIMIT)
        self.assertIn("file descriptor", caught.exception.message)

    def connect_to(self, reader):
        return self.user.send_connect(self.user.reader("Reader " + reader))

    def test_two_descriptors(self):
        """They are enough for another reader, and not for a third one."""
        leave_descriptors(self.testbed.service, 2)
        second, _ = self.connect_to("B").wait()
        for _ in range(3):
            self.assert_no_descriptor(self.connect_to("C"))
        with self.assertRaises(Refused) as caught:
            self.new_channel(self.first)
        self.assertEqual(caught.exception.name, LIMIT)
        self.assertEqual(self.first.transmit(SELECT), "9000")
        another, _ = self.connect_to("A").wait()
        self.assertNotEqual(another, second)

        raise_limit(self.testbed.service)
        self.connect_to("C").wait()
        self.open(self.first)
        self.assertEqual(self.first.transmit(SELECT), "9000")

    def test_stop(self):
        leave_descriptors(self.testbed.service, 0)
        self.assert_no_descriptor(self.connect_to("C"))
        self.first.begin()
        self.testbed.stop_service()
        self.cards.wait_for("A", "resets=1")

    def test_one_shot_calls(self):
        reader = self.user.reader("Reader C")
        leave_descriptors(self.testbed.service, 1)
        self.assert_no_descriptor(self.user.send(reader, "org.smartcardd1.Reader", "GetAttribute",
                                                 0x7FFF0003))
        raise_limit(self.testbed.service)
        self.connect_to("C").wait()


class Threads(ChannelTest):
    readers = "ABCDEFGHIJKL"

    def connect_until_refused(self, user):
        """Returns the reader; glibc keeps the stacks of some ended threads for the next ones."""
        for name in self.readers[1:]:
            reader = user.reader(f"Reader {name}")
            call = user.send_connect(reader)
            try:
                call.wait()
            except Refused as error:
                self.assertEqual(error.name, LIMIT)
                return reader
        self.fail("a thread for each reader")

    def test_no_thread(self):
        """A thread needs address space for its stack."""
        self.start()
        first, user = self.session("A"), self.client()
        with open(f"/proc/{self.testbed.service.pid}/maps", encoding="utf-8") as file:
            if "san.so" in file.read():
                self.skipTest("a sanitizer needs address space all the time")
        pid = self.testbed.service.pid
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            size = int(file.read().split()[0]) * resource.getpagesize()
        resource.prlimit(pid, resource.RLIMIT_AS, (size + SPACE, resource.RLIM_INFINITY))
        reader = self.connect_until_refused(user)
        for _ in range(3):
            self.assertEqual(user.send_connect(reader).error(), LIMIT)
        self.assertEqual(first.transmit(SELECT), "9000")
        resource.prlimit(pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        self.assertEqual(user.connect(reader).transmit(SELECT), "9000")


class Readers(IdentityTest):
    def test_path_of_a_reader(self):
        """A reader that came when there were no descriptors is announced when there are some."""
        self.sysfs.add("1-3", 4)
        self.start_service()
        leave_descriptors(self.testbed.service, 1)  # the monitor's socket
        self.start("A")
        self.control("A", USB_PATH, text("1-3:1.0"))
        # Nothing is announced on the bus: each call gives the service another chance.
        events.poll_until(lambda: self.client.manager("Available") is not None and
                          "to identify it" in self.testbed.service.output,
                          "the service cannot identify the reader")
        self.assertEqual(self.client.readers(), {})
        raise_limit(self.testbed.service)
        self.client.wait_for_state(lambda client: client.readers(), "a reader")
        self.assert_has("Reader A", "usb_1_3", UsbPath="1-3:1.0", UsbAddress=4)
        self.assertEqual(len(self.client.readers_that_came_or_went()), 1)


if __name__ == "__main__":
    case.main()
