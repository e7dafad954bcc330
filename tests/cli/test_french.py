#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl in French: words agree with the nouns that they follow."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import CliTest
from scdtest.testbed import translation


class French(CliTest):
    def setUp(self):
        super().setUp()
        if translation.why_not("fr"):
            self.skipTest(translation.why_not("fr"))
        os.environ.update(translation.environment("fr"))
        self.addCleanup(os.environ.pop, "LOCPATH")

    def test_genders(self):
        self.start_testbed("A")
        self.insert("A")
        for columns in (None, 80):
            lines = [line.strip() for line in self.run_to_end("show", columns=columns).lines]
            for label, value in (("Fabricant", "inconnu"), ("Version du pilote", "inconnue"),
                                 ("Fonctions", "aucune"), ("Alias", "aucun"),
                                 ("Connue comme", "inconnue"), ("Intégré", "non")):
                self.assertRegex("\n".join(lines), rf"(?m)^{label} +{value}$")


if __name__ == "__main__":
    case.main()
