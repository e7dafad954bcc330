#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl in German, where that is the user's language."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import NO_CARD, NO_READER, UNEXPECTED, USAGE, CliTest
from scdtest.fakes.fake_service import READER_PATH, FakeService
from scdtest.testbed import translation


class German(CliTest):
    def setUp(self):
        super().setUp()
        if translation.why_not("de"):
            self.skipTest(translation.why_not("de"))
        os.environ.update(translation.environment("de"))
        self.addCleanup(os.environ.pop, "LOCPATH")

    def test_list(self):
        self.start_testbed("A", "B")
        self.insert("A")
        self.assertEqual(self.run_to_end("list", columns=80).screen,
                         ["LESER    ZUSTAND       KARTE",
                          "A 00 00  Karte steckt  unbekannte Karte, T=0",
                          "B 01 00  leer", ""])
        self.assertEqual([line.split("\t")[1] for line in self.run_to_end("list").lines],
                         ["card", "empty"])

    def test_fields(self):
        """Those of scripts are in English."""
        self.start_testbed("A", "B", "C")
        self.insert("A")
        self.insert("B", "3B021450")
        self.readers.order("mute", "C", "on")
        self.insert("C", "")
        for command in (["list"], ["wait", "--mute", "--count", "3"], ["monitor", "--timeout", "0"]):
            english = self.run_to_end(*command, environment={"LC_ALL": "C.UTF-8"}).lines
            lines = self.run_to_end(*command).lines
            self.assertEqual([line.split("\t")[1:] for line in lines],
                             [line.split("\t")[1:] for line in english])
            for word in ("unknown card", "(or 1 other)", "does not answer"):
                self.assertIn(word, "\n".join(lines))
        self.assertIn("unbekannte Karte", self.run_to_end("wait", columns=100).output)

    def test_ports(self):
        self.start_testbed("A", usb={"A": {"path": "1-6:1.0", "address": 5, "removable": "fixed"}})
        self.assertEqual(self.run_to_end("list", columns=80).screen,
                         ["LESER    ANSCHLUSS        ZUSTAND  KARTE",
                          "A 00 00  1-6 (eingebaut)  leer", ""])
        lines = [line.split(maxsplit=1) for line in self.run_to_end("show").lines]
        for line in (["Alias", "nicht vorhanden"], ["Eingebaut", "ja"], ["Hersteller", "unbekannt"]):
            self.assertIn(line, lines)

    def test_report_is_english(self):
        self.start_testbed("A")
        english = self.run_to_end("report", environment={"LC_ALL": "C.UTF-8"}).output
        self.assertIn("State             empty", english)
        self.assertEqual(self.run_to_end("report").output, english)

    def test_errors(self):
        self.assert_one_line(self.run_to_end("list", "x", status=USAGE).errors,
                             "unerwartetes Argument »x«", "siehe »smartcardctl list --help«")
        self.start_testbed("A", "B")
        self.assert_one_line(self.run_to_end("status", "x", status=NO_READER).errors,
                             "es gibt keinen Kartenleser »x«")

    def test_errors_of_the_service(self):
        """Those that are known are not in English."""
        self.testbed.start_bus()
        service = FakeService.of_text("some English text")
        self.addCleanup(service.close)
        for name, status, text in (
                ("ProtoMismatch", 1, "die Karte unterstützt dieses Protokoll nicht"),
                ("NoPinPad", 1, "der Leser hat dafür keine PIN-Tastatur"),
                ("PinTimeout", 1, "es wurde nicht rechtzeitig eine PIN eingegeben"),
                ("UnsupportedCard", 1, "der Leser kann mit dieser Karte nicht arbeiten"),
                ("CommError", 1, "die Verbindung zu pcscd ging verloren"),
                ("NotTransacted", 1, "die Kommunikation mit"),
                ("NoSmartcard", NO_CARD, "im Leser")):
            service.error = "org.smartcardd1.Error." + name
            for columns in (None, 200):
                program = self.run_to_end("control", READER_PATH, "1", status=status,
                                          columns=columns)
                shown = program.screen[0] if columns else program.errors
                self.assert_one_line(shown, text)
                self.assertNotIn("English", shown)

    def test_status_words(self):
        self.start_testbed("A")
        self.insert("A")
        self.assertEqual(self.run_to_end("transmit", "A 00 00", "801463C2", columns=80).screen[0],
                         "63C2  Warnung, verbleibende Versuche oder ein anderer Zähler: 2")
        program = self.run_to_end("script", "-", "--json", text="80146A82 = 9000", status=UNEXPECTED)
        self.assertEqual(json.loads(program.output)["meaning"], "file or application not found")
        self.assert_one_line(program.errors,
                             "Zeile 1: angehalten beim unerwarteten Statuswort 6A82 (Datei oder")

    def test_monitor(self):
        self.start_testbed("A", "B")
        monitor = self.start("monitor", columns=80)
        monitor.wait_for("Es wird auf Karten und Leser gewartet. Strg+C beendet.")
        self.insert("A")
        monitor.wait_for("Karte eingesteckt")
        monitor.type("\x03")
        self.assertEqual(monitor.wait(), 0)


if __name__ == "__main__":
    case.main()
