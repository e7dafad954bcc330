#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine with two readers: permissions of users, smartcardctl, the unit, the documentation."""

import itertools
import os
import re
import subprocess

from booted import (IN_SESSION, MANAGER, READER, ROOT, UNIT, BootTest, main, object_path, on_seat,
                    run, unit)
from scdtest.clients.other_user import CallError, OtherUser

MEMORY_LIMIT_KB = 8 * 1024
ANOTHER_TERMINAL = 1
FREE_TERMINALS = itertools.count(8)


class DeskTest(BootTest):
    def setUp(self):
        super().setUp()
        self.wait_for_service()
        self.wait_for_places()
        self.reader = object_path(self.places["a"])


class Start(DeskTest):
    def test_readers_that_are_there_start_the_service(self):
        """It is started by udev, and not by the first call."""
        first = re.search(r"Starting " + UNIT + "|Activating .*org.smartcardd1",
                          run("journalctl", "--boot"))
        self.assertIn("Starting", first[0])

    def test_cards_that_were_there(self):
        for name in self.places:
            self.wait_for_card(name)


class Users(DeskTest):
    """Calls of the user tester, in a login session of logind."""

    def user(self, launcher=IN_SESSION):
        user = OtherUser("tester", launcher)
        self.addCleanup(user.close)
        return user

    def user_on_seat(self, in_front):
        terminal = next(FREE_TERMINALS)
        self.show(terminal if in_front else ANOTHER_TERMINAL)
        return self.user(on_seat(terminal))

    def show(self, terminal):
        run("chvt", str(terminal))

    def may_connect(self, user):
        """Returns the result of CanConnect, which must agree with that of Connect."""
        said, = user.call(ROOT, MANAGER, "CanConnect", "(o)", self.reader)
        try:
            user.call(self.reader, READER, "Connect", "(sasa{sv})", "shared", [], {})
            done = "yes"
        except CallError as error:
            self.assertEqual(error.name, "org.smartcardd1.Error.NotAuthorized")
            done = "no"
        self.assertEqual(said, done)
        return done

    def test_in_front_may(self):
        self.assertEqual(self.may_connect(self.user_on_seat(in_front=True)), "yes")

    def test_in_the_background_may_not(self):
        self.assertEqual(self.may_connect(self.user_on_seat(in_front=False)), "no")

    def test_from_elsewhere_may_not(self):
        self.assertEqual(self.may_connect(self.user()), "no")

    def test_outside_of_any_session_may_not(self):
        self.assertEqual(self.may_connect(self.user(launcher=())), "no")

    def test_root_may(self):
        self.client.connect(self.reader).close()

    def test_who_goes_to_the_background_may_no_longer(self):
        user = self.user_on_seat(in_front=True)
        session, _ = user.call(self.reader, READER, "Connect", "(sasa{sv})", "shared", [], {})
        self.show(ANOTHER_TERMINAL)
        self.assertEqual(user.wait_for_signal(session, "Closed"), ["revoked"])


class Shell(DeskTest):
    def test_list(self):
        listed = run("smartcardctl", "list").splitlines()
        self.assertEqual(len(listed), 2)

    def test_transmit(self):
        for name, place in self.places.items():
            answer = run("smartcardctl", "transmit", object_path(place), "00CA000000")
            self.assertIn((name.encode() + b"\x90\x00").hex().upper(),
                          answer.replace(" ", "").replace("\n", ""))

    def test_wait(self):
        run("smartcardctl", "wait", "--timeout", "30", self.reader)


class Service(DeskTest):
    def test_memory(self):
        with open(f"/proc/{unit('MainPID')}/status", encoding="ascii") as file:
            size = int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1])
        print(f"# {size} kB resident")
        self.assertLessEqual(size, MEMORY_LIMIT_KB)

    def test_restart(self):
        before = unit("MainPID")
        run("systemctl", "restart", UNIT)
        self.assertNotEqual(unit("MainPID"), before)
        self.wait_for_places()
        for name in self.places:
            self.wait_for_card(name)

    def test_reload(self):
        """In the sandbox of the unit. The settings apply when systemctl returns."""
        name, place = next(iter(self.places.items()))
        file = "/etc/smartcardd/smartcardd.conf.d/test.conf"
        self.addCleanup(run, "systemctl", "reload", UNIT)
        self.addCleanup(os.unlink, file)
        before = unit("MainPID")
        with open(file, "w", encoding="utf-8") as settings:
            settings.write(f"[Reader {name}]\nMatchPort={place}\nIgnore=yes\n")
        run("systemctl", "reload", UNIT)
        self.assertNotIn(object_path(place), self.client.objects())
        self.assertEqual(unit("MainPID"), before)

    def test_state_folder_that_cannot_be_made(self):
        """The service starts without it, and says why it does not change an alias."""
        run("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", "/var/lib")
        self.addCleanup(run, "systemctl", "restart", UNIT)
        self.addCleanup(run, "umount", "--lazy", "/var/lib")
        run("systemctl", "restart", UNIT)
        self.wait_for_places()
        result = subprocess.run(["smartcardctl", "alias", next(iter(self.places.values())), "mine"],
                                capture_output=True, text=True, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("/var/lib/smartcardd/aliases", result.stderr)

    def test_crash(self):
        number = len(self.client.signals)
        os.kill(int(unit("MainPID")), 9)
        for owner in ("gone", "back"):
            change = self.client.wait_for_signal("NameOwnerChanged", since=number)
            number = self.client.signals.index(change) + 1
            self.assertEqual(bool(change.arguments[2]), owner == "back")
        self.wait_for_places()

    def test_log_level(self):
        self.addCleanup(run, "systemctl", "service-log-level", UNIT, "info")
        run("systemctl", "service-log-level", UNIT, "debug")
        self.assertEqual(run("systemctl", "service-log-level", UNIT), "debug\n")


class Documentation(DeskTest):
    def test_commands_that_need_systemd(self):
        """Those in the section of tests/docs/not-run that refers to this test."""
        with open("/src/tests/docs/not-run", encoding="utf-8") as file:
            section = file.read().partition("tests/boot runs these.\n")[2].partition("\n\n")[0]
        commands = [line for line in section.splitlines() if not line.startswith("#")]
        self.assertGreater(len(commands), 1)
        for command in commands:
            run("sh", "-c", command.removeprefix("sudo "))


if __name__ == "__main__":
    main()
