#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl list: in a pipe, on terminals wide and narrow, and as JSON."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import KNOWN_ATR, KNOWN_NAMES, CliTest
from scdtest.testbed.testbed import built


class List(CliTest):
    def test_list_in_a_pipe(self):
        self.start_testbed("A", "B", "C")
        self.insert("A", KNOWN_ATR)
        self.readers.order("mute", "C", "on")
        self.insert("C")
        program = self.run_to_end("list")
        self.assertEqual([line.split("\t") for line in program.lines],
                         [["A 00 00", "card", KNOWN_ATR, KNOWN_NAMES[0] + " (or 1 other)",
                           "-", "-", "-"],
                          ["B 01 00", "empty", "-", "-", "-", "-", "-"],
                          ["C 02 00", "mute", "-", "the card does not answer", "-", "-", "-"]])
        self.assertEqual(program.errors, "")

    def test_unknown_contactless_card(self):
        self.start_testbed("A")
        self.insert("A", "3B80800101")
        self.assertEqual(self.run_to_end("list").lines[0].split("\t")[2:4],
                         ["3B80800101", "unknown contactless card, T=0, T=1"])

    def test_list_in_a_shell(self):
        """read takes tabs that follow each other for one: so no field is empty."""
        self.start_usb_world()
        self.insert("A", "3BFF")
        script = ("smartcardctl list | while IFS=$'\t' read -r name state atr card alias port more; "
                  'do echo "$name|$state|$atr|$alias|$port|$more"; done')
        found = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True,
                               env={**os.environ, "PATH": os.path.dirname(built("cli/smartcardctl"))
                                    + ":/usr/bin:/bin"})
        self.assertEqual(found.stdout.splitlines(), ["A 00 00|card|3BFF|-|1-3.1:1.0|-",
                                                     "B 01 00|empty|-|-|1-6:1.1|built-in",
                                                     "C 02 00|empty|-|-|-|-"])

    def test_list_on_a_terminal(self):
        self.start_testbed("Office", "B")
        self.insert("A", KNOWN_ATR)
        self.assertEqual(self.run_to_end("list", columns=120).screen,
                         ["READER        STATE         CARD",
                          "B 01 00       empty",
                          f"Office 00 00  card present  {KNOWN_NAMES[0]} (or 1 other)", ""])

    def test_list_on_a_narrow_terminal(self):
        self.start_testbed("Office", "B")
        self.insert("A", KNOWN_ATR)
        self.assertEqual(self.run_to_end("list", columns=70).screen,
                         ["READER        STATE         CARD",
                          "B 01 00       empty",
                          "Office 00 00  card present",
                          f"  {KNOWN_NAMES[0]} (or 1 other)", ""])

    def test_card_that_no_line_has_room_for(self):
        self.start_testbed("Office")
        self.insert("A", KNOWN_ATR)
        self.assertEqual(self.run_to_end("list", columns=40).screen[1:],
                         ["Office 00 00  card present", f"  {KNOWN_NAMES[0][:35]}...", ""])

    def start_usb_world(self, name="A"):
        self.start_testbed(name, "B", "C", usb={
            "A": {"path": "1-3.1:1.0", "address": 4},
            "B": {"path": "1-6:1.1", "address": 5, "removable": "fixed"}})

    def test_ports(self):
        self.start_usb_world()
        self.assertEqual([line.split("\t")[4:] for line in self.run_to_end("list").lines],
                         [["-", "1-3.1:1.0", "-"], ["-", "1-6:1.1", "built-in"], ["-", "-", "-"]])
        self.assertEqual(self.run_to_end("list", columns=80).screen,
                         ["READER   PORT                STATE  CARD",
                          "A 00 00  1-3.1               empty",
                          "B 01 00  1-6:1.1 (built in)  empty",
                          "C 02 00                      empty", ""])

    def test_devices_that_are_no_readers(self):
        """They are no lines for scripts."""
        self.start_usb_world()
        self.sysfs.add("1-4", 7, idVendor="072f", idProduct="90cc", manufacturer="Maker",
                       product="Mod\x1bel")
        self.sysfs.bind("1-4", "pn533_usb")
        self.sysfs.add("1-5", 8, idVendor="072f", idProduct="90cc")
        notes = ["Maker Mod\ufffdel on USB port 1-4 is not available as a reader: "
                 "the driver pn533_usb of the kernel has it.",
                 "072f:90cc on USB port 1-5 is not available as a reader: "
                 "pcscd has not opened it."]
        program = self.run_to_end("list")
        self.assertEqual(len(program.lines), 3)
        self.assertEqual(program.errors.splitlines(), notes)
        self.assertEqual(self.run_to_end("list", columns=200).screen[4:], notes + [""])
        self.assertEqual(self.run_to_end("--json", "list").errors, "")

    def test_names_that_leave_no_room(self):
        name = "A reader with a rather long name [Contacts]"
        self.start_usb_world(name)
        self.insert("A", KNOWN_ATR)
        screen = self.run_to_end("list", columns=80).screen
        self.assertEqual(screen[:4],
                         ["READER", "  PORT                STATE         CARD",
                          name + " 00 00", "  1-3.1               card present"])
        self.assertLessEqual(max(map(len, screen)), 80)
        self.assertEqual(len(self.run_to_end("list", columns=200).screen), 5)

    def test_columns_of_wide_characters(self):
        self.start_testbed("日本", "Abcd")
        self.assertEqual(self.run_to_end("list", columns=80).screen[1:3],
                         ["Abcd 01 00  empty", "日本 00 00  empty"])

    def test_text_that_the_locale_has_not(self):
        self.start_testbed("日本ü")
        c = {"LC_ALL": "C", "LANG": "C"}
        self.assertTrue(self.run_to_end("list", columns=80, environment=c).raw_output.isascii())
        self.assertIn("日本ü 00 00", self.run_to_end("list", environment=c).output)
        self.assertIn("日本ü", self.run_to_end("status", "日本ü 00 00", environment=c).output)

    def test_json_on_a_terminal_is_the_same(self):
        self.start_testbed("A", "B")
        self.insert("A")
        self.assertEqual("\n".join(self.run_to_end("--json", "list", columns=80).screen),
                         self.run_to_end("--json", "list").output)

    def test_name_that_turns_the_direction_of_writing(self):
        self.start_testbed("Br\u202eetae", "two\u00a0words")
        self.assertEqual([line.split("\t")[0] for line in self.run_to_end("list").lines],
                         ["Br\\u202eetae 00 00", "two\u00a0words 01 00"])


if __name__ == "__main__":
    case.main()
