# SPDX-License-Identifier: LGPL-2.1-or-later
"""A virtual display, Xvfb, and pictures of its screen."""

import os
import struct
import subprocess
import zlib

SCREEN = "800x600x24"


class Display:
    """folder: where Xvfb keeps its screen as a file."""

    def __init__(self, folder):
        self._screen = os.path.join(folder, "Xvfb_screen0")
        reading, writing = os.pipe()
        self._xvfb = subprocess.Popen(["Xvfb", "-displayfd", str(writing), "-screen", "0", SCREEN,
                                       "-nolisten", "tcp", "-fbdir", folder],
                                      pass_fds=[writing], stderr=subprocess.DEVNULL)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            self._number = pipe.readline().strip()

    def close(self):
        self._xvfb.terminate()
        self._xvfb.wait()

    def environment(self):
        """For programs with GTK. Their picture is the same on each machine with the same fonts."""
        return {"DISPLAY": ":" + self._number, "LC_ALL": "C.UTF-8", "GDK_BACKEND": "x11",
                "GSK_RENDERER": "cairo", "GTK_A11Y": "none",
                "DBUS_SESSION_BUS_ADDRESS": "disabled:"}

    def picture(self, width, height):
        """Returns rows of pixels of the upper left corner.

        The screen of Xvfb is a file in the format of xwd: a header, colors, and lines.
        """
        with open(self._screen, "rb") as file:
            content = file.read()
        header_size, = struct.unpack_from(">I", content)
        line, = struct.unpack_from(">I", content, 48)
        colors, = struct.unpack_from(">I", content, 76)
        start = header_size + 12 * colors
        rows = []
        for y in range(height):
            pixels = content[start + y * line:start + y * line + 4 * width]
            rgb = bytearray(3 * width)
            for number in range(3):
                rgb[number::3] = pixels[2 - number::4]
            rows.append(bytes(rgb))
        return rows


def png(rows):
    """Returns the content of a file."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))
    size = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size)
            + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9))
            + chunk(b"IEND", b""))
