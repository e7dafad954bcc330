# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes calls of libpcsclite fail at random, by a seed: see tests/faults/random.c."""

import mmap
import os
import struct

from scdtest.testbed.testbed import built

KINDS = ("fail", "late", "hang", "length", "vanish")
HEAD = "<QII"  # seed, whether faults happen, number of calls
SIZE = 4096


class RandomFaults:
    """There are no faults until start()."""

    def __init__(self, testbed, seed, rates):
        """rates: by kind, of how many calls of 65,536 have this fault."""
        folder = os.path.join(testbed.folder, "random-faults")
        os.mkdir(folder)
        with open(os.path.join(folder, "random"), "w+b") as file:
            file.truncate(SIZE)
            self._plan = mmap.mmap(file.fileno(), SIZE)
        struct.pack_into(f"{HEAD}{len(KINDS)}I", self._plan, 0, seed, 0, 0,
                         *[rates.get(kind, 0) for kind in KINDS])
        self.environment = {
            "LD_PRELOAD": built("tests/faults/libscd-random-faults.so"),
            "SCD_FAULTS": folder,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def _set_active(self, active):
        struct.pack_into("<I", self._plan, 8, active)

    def start(self):
        self._set_active(1)

    def stop(self):
        """Calls that hang return soon."""
        self._set_active(0)

    def counts(self):
        """Returns the number of calls, and by kind how many had the fault."""
        calls, = struct.unpack_from("<I", self._plan, 12)
        counts = struct.unpack_from(f"<{len(KINDS)}I", self._plan,
                                    struct.calcsize(HEAD) + 4 * len(KINDS))
        return calls, dict(zip(KINDS, counts))
