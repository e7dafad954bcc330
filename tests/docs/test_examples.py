#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs in examples/, in the shell of ./demo --shell."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import demo_shell
from scdtest.cases import case

UNIT = os.path.join(demo_shell.SOURCE, "examples", "on-insertion", "on-insertion.service")
OFFICE = "/org/smartcardd1/readers/Office_00_00"


class Examples(unittest.TestCase):
    def run_script(self, script):
        """Returns the lines of its output."""
        status, output = demo_shell.run("set -eu\n" + script)
        self.assertEqual(status, 0, output)
        return output.splitlines()

    def test_list_readers(self):
        lines = self.run_script("scd-sim remove Office\n"
                                "smartcardctl wait --removal 'Office 00 00'\n"
                                "examples/list-readers.py\n")
        self.assertEqual(lines[0], "Office 00 00 (no USB port): no card")
        self.assertRegex(lines[1], r"^Home 01 00 \(1-3\.4:1\.0\): card 3B021450")

    def test_follow_cards(self):
        lines = self.run_script("coproc examples/follow-cards.py\n"
                                "follower=$COPROC_PID\n"
                                'read -r line <&"${COPROC[0]}"; echo "$line"\n'
                                "scd-sim remove Office\n"
                                'read -r line <&"${COPROC[0]}"; echo "$line"\n'
                                "scd-sim insert Office 3B021450\n"
                                'read -r line <&"${COPROC[0]}"; echo "$line"\n'
                                "kill $follower\n"
                                "wait $follower || true\n")
        self.assertEqual(lines[0], "following")
        self.assertRegex(lines[1], rf"^removed {OFFICE} /org/smartcardd1/cards/\d+$")
        self.assertRegex(lines[2], rf"^inserted {OFFICE} /org/smartcardd1/cards/\d+ 3B021450$")

    def test_read_card_id(self):
        self.assertEqual(self.run_script("examples/read-card-id.py 'Office 00 00'\n"),
                         ["D2760001240102000005000012340000"])

    def test_read_card_id_without_card(self):
        lines = self.run_script("scd-sim remove Office\n"
                                "smartcardctl wait --removal 'Office 00 00'\n"
                                "! examples/read-card-id.py 'Office 00 00'\n")
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("there is no card", lines[0])

    def test_transmit(self):
        self.assertEqual(self.run_script("examples/transmit.sh 1-3.4 '80 10 00 00 01 AA'\n"),
                         ["AA9000"])

    def test_lock_on_removal(self):
        lines = self.run_script("coproc examples/lock-on-removal.sh 1-3.4 echo locked\n"
                                "locker=$COPROC_PID\n"
                                # bash unsets COPROC when the program ends
                                'exec 3<&"${COPROC[0]}"\n'
                                'read -r line <&3; echo "$line"\n'
                                "scd-sim remove Home\n"
                                'cat <&3\n'
                                "wait $locker\n")
        self.assertIn("card-present\tHome 01 00", lines[0])
        self.assertEqual(lines[-1], "locked")

    def test_on_insertion(self):
        """The command of the user unit, in a home with the scripts."""
        with open(UNIT, encoding="utf-8") as file:
            command, = re.findall(r"^ExecStart=(.*)$", file.read(), re.M)
        lines = self.run_script("mkdir -p home/.local/bin\n"
                                "ln -s $PWD/examples/on-insertion/on-insertion.sh home/.local/bin\n"
                                "echo 'echo inserted into \"$1\"' >home/.local/bin/card-inserted\n"
                                "chmod +x home/.local/bin/card-inserted\n"
                                f"coproc {command.replace('%h', 'home')}\n"
                                "runner=$COPROC_PID\n"
                                # Repeated until the command has started and sees an insertion.
                                "until read -t 0.2 -r line <&\"${COPROC[0]}\"; do\n"
                                "    scd-sim swap Home 3B021450\n"
                                "done\n"
                                'echo "$line"\n'
                                "scd-sim swap Office 3B021450\n"
                                'until [ "$line" = "inserted into Office 00 00" ]; do\n'
                                '    read -r line <&"${COPROC[0]}"\n'
                                "done\n"
                                'echo "$line"\n'
                                "kill $runner\n")
        self.assertEqual(lines[:2], ["inserted into Home 01 00", "inserted into Office 00 00"])

    def test_each_card(self):
        """Cards that come and go while the command works on the first one."""
        swaps = "".join("scd-sim remove Home\nsmartcardctl wait --removal Home\n"
                        f"scd-sim insert Home {atr}\nsmartcardctl wait Home >/dev/null\n"
                        for atr in ("3B021450", "3B021451"))
        lines = self.run_script("folder=$(mktemp -d); mkfifo $folder/go\n"
                                "cat >$folder/work <<END\n#!/bin/sh\n"
                                'echo "\\$1 \\$2"; read -r _ <$folder/go\nEND\n'
                                "chmod +x $folder/work\n"
                                "coproc examples/each-card.sh $folder/work 1-3.4\n"
                                'exec 3<&"${COPROC[0]}"\n'
                                'read -r line <&3; echo "$line"\n'
                                + swaps + "scd-sim remove Home; smartcardctl wait --removal Home\n"
                                'for _ in 1 2; do echo >$folder/go; read -r line <&3; '
                                'echo "$line"; done\n'
                                "scd-sim insert Home\nkill $COPROC_PID; echo >$folder/go\n"
                                "rm -r $folder\n")
        self.assertRegex(lines[0], "^Home 01 00 3B")
        taps = [line for line in lines[1:] if line.startswith("Home 01 00 ")]
        self.assertEqual(taps, ["Home 01 00 3B021450", "Home 01 00 3B021451"])

    def test_name_login_reader(self):
        lines = self.run_script("examples/name-login-reader.sh\n"
                                "smartcardctl status login\n")
        self.assertEqual(lines[:2], ["login", "Home 01 00"])


if __name__ == "__main__":
    case.main(private=False)
