#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program examples/readers: a picture of its window, light and dark, on a virtual display.

SCD_PICTURE: a file to which the picture is copied, for docs/readers.png.
"""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.glib_library import LibraryTest, environment
from scdtest.testbed.display import Display, png
from scdtest.testbed.testbed import SOURCE

PROGRAM = os.path.join(SOURCE, "examples", "readers", "readers.py")


def has_gtk():
    return subprocess.run(["/usr/bin/python3", "-c",
                           "import gi; gi.require_version('Gtk', '4.0')"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


@unittest.skipUnless(shutil.which("Xvfb") and has_gtk(), "there is no GTK 4 or no Xvfb")
class Pictures(LibraryTest):
    readers = "AB"

    def setUp(self):
        super().setUp()
        self.display = Display(self.testbed.folder)
        self.addCleanup(self.display.close)

    def picture(self, *options):
        """Returns rows of pixels of the window."""
        with subprocess.Popen(
                ["/usr/bin/python3", PROGRAM, "--announce", *options], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True,
                env={**os.environ, **environment(), **self.display.environment()}) as program:
            size = program.stdout.readline().split()
            if not size:
                self.fail(program.stderr.read())
            rows = self.display.picture(*map(int, size))
            program.terminate()
        return rows

    def test_window(self):
        self.start_client()
        session = self.connect()
        light, dark = self.picture(), self.picture("--dark")
        self.assertFalse(session.is_closed())
        for rows in (light, dark):
            self.assertGreaterEqual((len(rows[0]) // 3, len(rows)), (500, 300))
            self.assertGreater(len(set(rows)), 50)  # text and lines

        def brightness(rows):
            return sum(map(sum, rows)) / sum(map(len, rows))
        self.assertGreater(brightness(light), 150)
        self.assertLess(brightness(dark), 100)
        if "SCD_PICTURE" in os.environ:
            with open(os.environ["SCD_PICTURE"], "wb") as file:
                file.write(png(light))

    def test_window_without_readers(self):
        self.start_client()
        with_readers = self.picture()
        self.testbed.stop_pcscd()
        self.assertNotEqual(self.picture(), with_readers)


if __name__ == "__main__":
    case.main()
