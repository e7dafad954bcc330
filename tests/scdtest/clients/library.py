# SPDX-License-Identifier: LGPL-2.1-or-later
"""The two ways to a card that a PC/SC program has: directly, and by the library over the bus.

A way is how a program's command line begins.
"""

import re
import subprocess
import unittest

from scdtest.clients.recorder import Recorder
from scdtest.testbed import events
from scdtest.testbed.simulator import Simulator
from scdtest.testbed.testbed import TestBed, built

LIBRARY_FOLDER = built("libpcsclite-dbus")


def preload(folder=LIBRARY_FOLDER):
    """A library with sanitizers wants theirs to be loaded first."""
    listed = subprocess.run(["ldd", folder + "/libpcsclite.so.1"], capture_output=True,
                            text=True, check=True).stdout
    sanitizer = re.search(r"libasan\S* => (\S+)", listed)
    return [f"LD_PRELOAD={sanitizer[1]}"] if sanitizer else []


def through_library(folder=LIBRARY_FOLDER):
    """Returns the command prefix. It also hides pcscd, so that no program uses it directly."""
    return ("env", "PCSCLITE_CSOCK_NAME=/nowhere", *preload(folder),
            "SMARTCARDCTL_LIBRARY_DIR=" + folder, built("cli/smartcardctl"), "run", "--")


DIRECT = ()
THROUGH_LIBRARY = through_library()


class Stage:
    """A test bed for programs that use these ways; the service runs if any needs it."""

    def __init__(self, *ways):
        self.way = ways[0]
        self.testbed = TestBed()
        self._simulator = None
        self.testbed.start_bus()
        self._service = Recorder() if any(way != DIRECT for way in ways) else None

    def start(self, readers, **more):
        self.testbed.start_pcscd(readers, **more)
        self.start_service()

    def start_service(self):
        if self._service:
            self.testbed.start_service()

    def simulator(self):
        if not self._simulator:
            self._simulator = Simulator()
        return self._simulator

    def forget_simulator(self):
        """It ends with pcscd."""
        if self._simulator:
            self._simulator.close()
            self._simulator = None

    def wait_for_readers(self, count):
        """Waits until the service, if any, has as many readers; until then the library has none."""
        if self._service:
            self._service.wait_for_state(lambda c: len(c.readers()) == count, f"{count} readers")

    def wait_for_cards(self, count):
        if self._service:
            self._service.wait_for_state(lambda c: len(c.cards()) == count, f"{count} cards")

    def command(self, *command):
        """Returns the command line of a third-party program, whose leaks are ignored."""
        return [*self.way, "env", "ASAN_OPTIONS=detect_leaks=0", *command]

    def run(self, *command, **options):
        """Output and errors of a program that must succeed."""
        status, output = self.try_to_run(*command, **options)
        if preload() and "RTLD_DEEPBIND" in output:
            raise unittest.SkipTest("a library that the program loads does not work with a sanitizer")
        assert status == 0, f"{command} ended with {status}:\n{output}"
        return output

    def try_to_run(self, *command, **options):
        """The status of the program too."""
        result = subprocess.run(self.command(*command), stdout=subprocess.PIPE, text=True,
                                stderr=subprocess.STDOUT, timeout=events.LIMIT_S, check=False,
                                **options)
        return result.returncode, result.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.forget_simulator()
        if self._service:
            self._service.close()
        self.testbed.close()
