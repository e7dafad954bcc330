#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Start and end of the service, restarts of pcscd, and command line options."""

import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.clients.recorder import REMOVAL
from scdtest.testbed.process import Process
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import built, simulated_reader

OTHER_ATR = "3B021450"


class StartAndStop(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.testbed.start_bus()

    def start_pcscd(self, **options):
        self.testbed.start_pcscd([simulated_reader("A", **options), simulated_reader("B")])

    def wait_for_readers(self, client, count):
        client.wait_for_state(lambda c: c.manager("Available") == (count > 0)
                              and len(c.readers()) == count, f"{count} readers are there")

    def test_card_inserted_before_the_start(self):
        self.start_pcscd(card=ATR)
        self.testbed.start_service()
        client = self.recorder()
        (path, card), = client.cards().items()
        self.assertEqual(card["AtrHex"], ATR)
        reader = client.reader("Reader A")
        self.assertEqual(card["Reader"], reader)
        self.assertEqual(client.get(reader, "org.smartcardd1.Reader", "Card"), path)

    def test_service_before_pcscd(self):
        self.testbed.start_service()
        client = self.recorder()
        self.assertFalse(client.manager("Available"))
        self.assertIn("pcscd.socket", client.manager("UnavailableReason"))
        self.start_pcscd(card=ATR)
        self.wait_for_readers(client, 2)
        self.assertEqual(client.manager("UnavailableReason"), "")
        self.assertEqual([card["AtrHex"] for card in client.cards().values()], [ATR])

    def test_service_before_the_folder_of_the_socket(self):
        if os.path.isdir("/run/pcscd"):
            subprocess.run(["rm", "-r", "/run/pcscd"], check=True)
        self.test_service_before_pcscd()

    def test_pcscd_that_does_not_answer_yet(self):
        """It is waited for, without a restart, longer than a call may take otherwise."""
        self.start_pcscd()
        self.testbed.pcscd.send_signal(signal.SIGSTOP)
        self.testbed.start_service("--call-limit", "1")
        client = self.recorder()
        self.assertFalse(client.manager("Available"))
        self.assertIn("does not answer", self.testbed.service.output)
        self.testbed.pcscd.send_signal(signal.SIGCONT)
        self.wait_for_readers(client, 2)
        self.assertNotIn("restarting", self.testbed.service.output)

    def test_pcscd_stops_answering(self):
        """The service waits for it, without readers, and goes on when it answers again."""
        self.start_pcscd()
        self.testbed.start_service("--call-limit", "1")
        client = self.recorder()
        reader = client.reader("Reader A")
        self.testbed.pcscd.send_signal(signal.SIGSTOP)
        client.connection.call("org.smartcardd1", reader, "org.smartcardd1.Reader", "Refresh",
                               GLib.Variant("(a{sv})", ({},)), None, 0, -1, None, None)
        self.wait_for_readers(client, 0)
        self.testbed.pcscd.send_signal(signal.SIGCONT)
        self.wait_for_readers(client, 2)
        self.assertNotIn("restarting", self.testbed.service.output)

    def test_pcscd_killed_and_started_again(self):
        self.start_pcscd(card=ATR)
        self.testbed.start_service()
        client = self.recorder()
        (old_card,), paths = client.cards(), {path for path, _ in client.readers().values()}

        self.testbed.stop_pcscd(signal.SIGKILL)
        self.wait_for_readers(client, 0)
        self.assertEqual(client.signals[0].arguments[1].get("Available"), False)
        self.assertEqual(client.members()[1:4], REMOVAL)

        self.start_pcscd(card=OTHER_ATR)
        self.wait_for_readers(client, 2)
        self.assertEqual({path for path, _ in client.readers().values()}, paths)
        (new_card,) = client.cards()
        self.assertNotEqual(new_card, old_card)
        self.assertEqual(client.cards()[new_card]["AtrHex"], OTHER_ATR)

    def test_pcscd_restarts_often(self):
        self.testbed.start_service()
        client = self.recorder()
        for number in (signal.SIGTERM, signal.SIGKILL) * 3:
            self.start_pcscd()
            self.wait_for_readers(client, 2)
            self.testbed.stop_pcscd(number)
            self.wait_for_readers(client, 0)

    def test_pcscd_restarts_with_fewer_readers(self):
        self.testbed.start_pcscd([simulated_reader(name) for name in "ABCDEFGH"])
        self.testbed.start_service()
        client = self.recorder()
        self.assertEqual(len(client.readers()), 8)
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.wait_for_readers(client, 0)
        self.start_pcscd()
        self.wait_for_readers(client, 2)

    def test_card_numbers_are_not_reused_after_a_restart(self):
        self.start_pcscd(card=ATR)
        numbers = []
        for _ in range(3):
            self.testbed.start_service()
            (path,) = self.recorder().cards()
            numbers.append(int(path.rpartition("/")[2]))
            self.testbed.stop_service()
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_stop_without_pcscd(self):
        self.testbed.start_service()
        self.testbed.stop_service()

    def test_stop_with_readers_and_cards(self):
        self.start_pcscd(card=ATR)
        self.testbed.start_service()
        self.testbed.stop_service()

    def test_stop_during_card_events(self):
        self.start_pcscd(card=ATR)
        self.testbed.start_service()
        readers = self.simulator()
        for _ in range(50):
            readers.swap("A")
        self.testbed.stop_service()

    def test_stop_after_pcscd_was_killed(self):
        self.start_pcscd()
        self.testbed.start_service()
        client = self.recorder()
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.wait_for_readers(client, 0)
        self.testbed.stop_service()

    def test_stop_at_once_after_pcscd_was_killed(self):
        self.start_pcscd()
        self.testbed.start_service()
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.testbed.stop_service()

    def test_stop_by_sigint(self):
        self.start_pcscd()
        self.testbed.start_service()
        self.testbed.service.stop(signal.SIGINT)

    def test_second_service_is_refused(self):
        self.start_pcscd()
        self.testbed.start_service()
        second = Process("second", [built("service/smartcardd")])
        self.assertEqual(second.wait(), 1)
        self.assertIn("cannot have the bus name", second.output)

    def test_without_a_bus(self):
        alone = Process("alone", [built("service/smartcardd")],
                        {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/run/dbus/nowhere"})
        self.assertEqual(alone.wait(), 1)
        self.assertIn("cannot reach the system bus", alone.output)

    def test_bus_stops(self):
        self.start_pcscd()
        self.testbed.start_service()
        self.testbed.bus.stop(expect=(0, -signal.SIGTERM))
        self.assertEqual(self.testbed.service.wait(), 1)
        self.assertIn("lost the connection to the system bus", self.testbed.service.output)
        self.testbed.service = None


class CommandLine(case.TestBedTest):
    def run_service(self, *options):
        return subprocess.run([built("service/smartcardd"), *options], capture_output=True,
                              text=True, timeout=30)

    def test_version(self):
        result = self.run_service("--version")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"^smartcardd \d+\.\d+\.\d+\n$")

    def test_unknown_option(self):
        result = self.run_service("--frobnicate")
        self.assertEqual(result.returncode, 2)
        self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_surplus_argument(self):
        result = self.run_service("surplus")
        self.assertEqual(result.returncode, 2)
        self.assertIn("surplus", result.stderr)

    def test_call_limit(self):
        for limit in ("0", "-1", "1000000", "x"):
            result = self.run_service("--call-limit", limit)
            self.assertEqual((result.returncode, len(result.stderr.splitlines())), (2, 1))
            self.assertIn("--call-limit", result.stderr)


class OtherBus(case.TestBedTest):
    """A bus that does not let the service in."""

    def answer(self, line):
        """Returns the exit status of the service, and what it prints."""
        path = os.path.join(self.testbed.folder, "other-bus")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            self.addCleanup(os.remove, path)
            listener.listen()
            environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=" + path}
            service = subprocess.Popen([built("service/smartcardd")], env=environment,
                                       stderr=subprocess.PIPE, text=True)
            connection, _ = listener.accept()
            with connection:
                self.assertTrue(connection.recv(1024).startswith(b"\0AUTH EXTERNAL\r\n"))
                connection.sendall(line)
            _, errors = service.communicate(timeout=30)
        return service.returncode, errors

    def test_refusal(self):
        status, errors = self.answer(b"REJECTED EXTERNAL\r\n")
        self.assertEqual((status, len(errors.splitlines())), (1, 1))
        self.assertIn("The bus refuses the authentication: 'REJECTED EXTERNAL'", errors)

    def test_end(self):
        status, errors = self.answer(b"")
        self.assertEqual((status, len(errors.splitlines())), (1, 1), errors)

    def test_line_without_an_end(self):
        status, errors = self.answer(b"D" * 100_000)
        self.assertEqual((status, len(errors.splitlines())), (1, 1), errors)


if __name__ == "__main__":
    case.main()
