# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base class of tests that run smartcardctl."""

import os
import re
import signal

from scdtest.cases import case
from scdtest.clients.program import Program
from scdtest.testbed.sysfs import Sysfs
from scdtest.testbed.testbed import built, simulated_reader

# Exit statuses: see cli/command.h.
USAGE, TIMEOUT, NO_READER, NO_CARD, REFUSED, NO_SERVICE, UNEXPECTED, IN_USE = range(2, 10)

HINT = "Press Ctrl-C to stop."
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]")
ATR, ATR_ON_SCREEN = "3B028899", "3B 02 88 99"
KNOWN_ATR, KNOWN_NAMES = "3B021450", ("A card with a name that takes much room in a line", "Another")

USB_PATH = "42000e11"  # the control code that asks a driver for it

# The commands, each with its required arguments.
COMMANDS = {"list": [], "status": [], "show": [], "alias": ["A"], "monitor": [], "wait": [], "transmit": ["A", "00A40400"],
            "script": ["A", "-"], "reset": [], "hold": [],
            "verify-pin": ["A", "0020008001FF"], "modify-pin": ["A", "0024008001FF"], "control": ["A", "1"], "attributes": [], "who": []}

# Commands and responses of the simulated card: see tests/sim/card.c.
SELECT, ECHO, NOT_FOUND = "00A40400", "8010000003 010203", "80146A82"
VERIFY, IS_VERIFIED = "0020008008 3132333435363738", "80220000"
PATTERN = bytes((7 * i + 3) % 256 for i in range(16))


class CliTest(case.TestBedTest):
    def setUp(self):
        super().setUp()
        os.environ.update(LC_ALL="C.UTF-8", TERM="xterm")
        os.environ.pop("LANGUAGE", None)

    def start(self, *arguments, **options):
        program = Program([built("cli/smartcardctl"), *arguments], **options)
        self.addCleanup(program.close)
        return program

    def run_to_end(self, *arguments, status=0, **options):
        program = self.start(*arguments, **options)
        ended = program.wait()
        self.assertEqual(ended, status, program.output + program.errors)
        return program

    def start_testbed(self, *names, usb=None):
        """Starts all, with readers of these names, which the simulator calls A, B and so on.

        usb: for some of these, their USB device: path, address and attributes.
        """
        self.sysfs = Sysfs(os.path.join(self.testbed.folder, "sys"))
        with open(self._cards(), "w", encoding="utf-8") as file:
            file.write("3B 02 14 50\n" + "".join(f"\t{name}\n" for name in KNOWN_NAMES))
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader(chr(ord("A") + number), name)
                                for number, name in enumerate(names)])
        if names:
            self.readers = self.simulator()
        for name, device in (usb or {}).items():
            self._plug(name, **device)
        self.start_service()
        if names:
            self.client = self.recorder()

    def _cards(self):
        return os.path.join(self.testbed.folder, "cards")

    def start_service(self):
        self.testbed.start_service("--card-list", self._cards(), "--sysfs", self.sysfs.folder,
                                 "--state", self.testbed.folder)

    def _plug(self, name, path, address, **attributes):
        self.readers.order("control", name, USB_PATH, path.encode().hex() + "00")
        self.sysfs.add(path.partition(":")[0], address, **attributes)

    def stop(self, waiting, number, error=None):
        """Ends a program on a terminal by a signal, and checks that only the error is left."""
        if number == signal.SIGINT:
            waiting.type("\x03")
        else:
            waiting.send_signal(number)
        self.assertEqual(waiting.wait(), -number)
        if error:
            self.assertEqual(waiting.screen, ["smartcardctl: " + error, ""])
        else:
            self.assertIn(waiting.screen, ([""], ["^C"]))

    def insert(self, reader, atr=ATR):
        """Returns the path of the card, after a client of the bus has seen it."""
        since = len(self.client.signals)
        self.readers.insert(reader, atr)
        return self.client.wait_for_signal("CardInserted", since=since).arguments[0]

    def assert_one_line(self, text, *words):
        self.assertEqual(len(text.splitlines()), 1, text)
        self.assertTrue(text.startswith("smartcardctl: "), text)
        self.assertNotRegex(text, CONTROL)
        for word in words:
            self.assertIn(word, text)


class CardTest(CliTest):
    """A reader with a card in it."""

    def setUp(self):
        super().setUp()
        self.start_testbed("A")
        self.readers.insert("A")
        self.client.wait_for_signal("CardInserted")

    def sent(self):
        """Returns the number of commands that the card has received."""
        return int(dict(pair.split("=") for pair in
                        self.readers.order("status", "A").split())["commands"])

    def transmit(self, *arguments, **options):
        return self.run_to_end("transmit", "A 00 00", *arguments, **options)

    def script(self, text, *options, **more):
        return self.run_to_end("script", *options, "-", text=text, **more)
