# SPDX-License-Identifier: LGPL-2.1-or-later
"""Injects faults into pcsc-lite: see tests/faults/faults.c."""

import os

from scdtest.testbed import events
from scdtest.testbed.testbed import built


class Faults:
    def __init__(self, testbed):
        self._folder = os.path.join(testbed.folder, "faults")
        os.mkdir(self._folder)
        self.environment = {
            "LD_PRELOAD": built("tests/faults/libscd-faults.so"),
            "SCD_FAULTS": self._folder,
            "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
        for fault in ("look-dwells", "probe-dwells"):
            os.mkfifo(self._path(fault + ".end"))

    def _path(self, name):
        return os.path.join(self._folder, name)

    def order(self, fault):
        with open(self._path(fault), "w", encoding="utf-8"):
            pass

    def cancel(self, fault):
        os.unlink(self._path(fault))

    def is_ordered(self, fault):
        return os.path.exists(self._path(fault))

    def happened(self, fault):
        return os.path.exists(self._path(fault + ".happened"))

    def wait_for(self, fault):
        events.wait_for_file(self._path(fault + ".happened"))

    def end(self, fault):
        """Ends the call that a fault blocks, such as "look-dwells"."""
        with open(self._path(fault + ".end"), "w", encoding="utf-8"):
            pass

    def wait_until_quiet(self):
        """Waits until the service is in a wait that only an event ends."""
        self.wait_for("quiet")
        os.unlink(self._path("quiet.happened"))
