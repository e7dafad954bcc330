# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of readers that are plugged in and unplugged begin with: a USB of their own."""

from . import case


class PluggingTest(case.WorldTest):
    def setUp(self):
        from .usb import Bus
        super().setUp()
        self.bus = Bus()
        self.addCleanup(self.bus.close)
        self.testbed.start_bus()

    def usb_reader(self, *arguments, **keywords):
        from .usb import Reader
        return Reader(self.bus, *arguments, **keywords)
