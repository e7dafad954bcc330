#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl reset."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import IS_VERIFIED, VERIFY, CardTest


class Reset(CardTest):
    def test_output(self):
        self.assertEqual(self.run_to_end("reset", "A 00 00").output, "T=1\n")
        self.assertEqual(json.loads(self.run_to_end("--json", "reset").output),
                         {"protocol": "T=1"})
        self.assertEqual(self.run_to_end("reset", columns=80).screen,
                         ["The card was reset. Its protocol is T=1.", ""])

    def test_card_forgets(self):
        self.assertEqual(self.transmit(VERIFY).output, "9000\n")
        self.assertEqual(self.transmit(IS_VERIFIED).output, "9000\n")
        self.run_to_end("reset")
        self.assertEqual(self.transmit(IS_VERIFIED).output, "6982\n")

    def test_cold(self):
        """The card is powered anew."""
        before = self.readers.powerups("A")
        self.assertEqual(self.run_to_end("reset", "--cold").output, "T=1\n")
        self.assertEqual(self.run_to_end("reset", "--cold", columns=80).screen,
                         ["The card was reset. Its protocol is T=1.", ""])
        self.assertGreaterEqual(self.readers.powerups("A"), before + 2)


if __name__ == "__main__":
    case.main()
