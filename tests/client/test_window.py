#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program examples/readers: a picture of its window, light and dark, on a virtual display.

SCD_PICTURE: a file to which the picture is copied, for docs/readers.png.
"""

import os
import shutil
import struct
import subprocess
import sys
import unittest
import zlib

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.glib_library import LibraryTest, environment
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
        reading, writing = os.pipe()
        self.display = subprocess.Popen(["Xvfb", "-displayfd", str(writing), "-screen", "0",
                                         "800x600x24", "-nolisten", "tcp", "-fbdir",
                                         self.testbed.folder], pass_fds=[writing],
                                        stderr=subprocess.DEVNULL)
        self.addCleanup(self.display.wait)
        self.addCleanup(self.display.terminate)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            self.number = pipe.readline().strip()

    def picture(self, *options):
        """Returns rows of pixels of the window."""
        with subprocess.Popen(
                ["/usr/bin/python3", PROGRAM, "--announce", *options], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True,
                env={**os.environ, **environment(), "DISPLAY": ":" + self.number,
                     "LC_ALL": "C.UTF-8", "GDK_BACKEND": "x11", "GSK_RENDERER": "cairo",
                     "GTK_A11Y": "none", "DBUS_SESSION_BUS_ADDRESS": "disabled:"}) as program:
            size = program.stdout.readline().split()
            if not size:
                self.fail(program.stderr.read())
            rows = self.framebuffer(*map(int, size))
            program.terminate()
        return rows

    def framebuffer(self, width, height):
        """The screen of Xvfb is a file in the format of xwd: a header, colors, and lines."""
        with open(os.path.join(self.testbed.folder, "Xvfb_screen0"), "rb") as file:
            content = file.read()
        header_size, = struct.unpack_from(">I", content)
        line, colors = struct.unpack_from(">I", content, 48)[0], struct.unpack_from(
            ">I", content, 76)[0]
        start = header_size + 12 * colors
        rows = []
        for y in range(height):
            pixels = content[start + y * line:start + y * line + 4 * width]
            rgb = bytearray(3 * width)
            for number in range(3):
                rgb[number::3] = pixels[2 - number::4]
            rows.append(bytes(rgb))
        return rows

    @staticmethod
    def png(rows):
        def chunk(kind, data):
            return (struct.pack(">I", len(data)) + kind + data
                    + struct.pack(">I", zlib.crc32(kind + data)))
        size = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
        return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size)
                + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9))
                + chunk(b"IEND", b""))

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
                file.write(self.png(light))

    def test_window_without_readers(self):
        self.start_client()
        with_readers = self.picture()
        self.testbed.stop_pcscd()
        self.assertNotEqual(self.picture(), with_readers)


if __name__ == "__main__":
    case.main()
