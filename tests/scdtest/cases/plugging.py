# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base class of tests that plug and unplug readers: a mocked USB."""

from scdtest.cases import case
from scdtest.testbed.usb import Bus, Reader


class PluggingTest(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.bus = Bus()
        self.addCleanup(self.bus.close)
        self.testbed.start_bus()

    def usb_reader(self, *arguments, **keywords):
        return Reader(self.bus, *arguments, **keywords)
