#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl verify-pin and modify-pin: the user is told when to enter a PIN at the reader."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import IS_VERIFIED, SELECT, UNEXPECTED, USAGE, CardTest
from scdtest.testbed import events

VERIFY, MODIFY = "0020008008" + "FF" * 8, "0024008010" + "FF" * 16
ECHO = "8010000008" + "FF" * 8  # the card returns the data of the command
PROMPT = "Enter the PIN at the reader."
FEATURES = "42000D48"


class Pin(CardTest):
    def setUp(self):
        super().setUp()
        self.readers.order("pinpad", "A", "direct", "42330000")

    def wait_for_prompt(self, program, columns=None, **_options):
        if columns:
            program.wait_for(PROMPT)
        else:
            events.poll_until(lambda: PROMPT in program.errors, f"{PROMPT} in {program.output}")

    def enter(self, keys, *arguments, command="verify-pin", status=0, **options):
        """Runs a command, and presses the keys when the user is told to."""
        program = self.start(command, *arguments, **options)
        self.wait_for_prompt(program, **options)
        self.readers.order("press", "A", keys)
        self.assertEqual(program.wait(), status, program.output + program.errors)
        return program

    def test_pipe(self):
        program = self.enter("12345678e", "A 00 00", VERIFY)
        self.assertEqual((program.output, program.errors), ("9000\n", PROMPT + "\n"))
        self.assertEqual(self.transmit(IS_VERIFIED).output, "9000\n")
        program = self.enter("12345670e", "--json", "A 00 00", VERIFY, status=UNEXPECTED)
        self.assertEqual(json.loads(program.output)["status"], "63C2")
        self.assertIn("stopped at unexpected status word 63C2 (warning, tries left",
                      program.errors)

    def test_terminal(self):
        program = self.enter("12345678e", "A 00 00", VERIFY, columns=100)
        self.assertEqual(program.screen, ["9000  success", ""])
        self.assertIn(PROMPT + " Press Ctrl-C to stop.", program.output)

    def test_modify(self):
        self.enter("12345678e87654321e87654321e", "A 00 00", MODIFY, command="modify-pin")
        self.enter("87654321e", "A 00 00", VERIFY)
        program = self.enter("87654321e12345678e", "A 00 00", MODIFY, "confirm-new=no",
                             command="modify-pin", columns=100)
        self.assertEqual(program.screen, ["9000  success", ""])

    def test_format(self):
        program = self.enter("1234e", "A 00 00", *ECHO[:10].split(), ECHO[10:], "encoding=bcd",
                             "pin-bit-offset=4", "block-length=2", "max-length=0x4",
                             "completion=key,timeout", "messages=0", "language=1031")
        self.assertRegex(program.output, "^F1234F.*9000\n$")

    def test_mistakes(self):
        before = self.sent()
        for arguments, word in (([VERIFY, "pin=1234"], "no key 'pin'"),
                                ([VERIFY, "min-length=x"], "value of 'min-length'"),
                                ([VERIFY, "messages=1,"], "value of 'messages'"),
                                ([VERIFY, "ask-current=maybe"], "value of 'ask-current'"),
                                (["0020"], "at least 4 bytes"), (["x"], "digit"),
                                (["00200080"], "an APDU for a PIN has 5 to 261 bytes"),
                                (["00" * 262], "an APDU for a PIN has 5 to 261 bytes")):
            program = self.run_to_end("verify-pin", "A 00 00", *arguments, status=USAGE)
            self.assert_one_line(program.errors, word)
        program = self.run_to_end("verify-pin", "A 00 00", VERIFY, "max-length=0", status=1)
        self.assert_one_line(program.errors, "max-length")
        self.readers.order("control", "A", FEATURES, "none")
        program = self.run_to_end("verify-pin", "A 00 00", VERIFY, status=1)
        self.assert_one_line(program.errors, "the reader has no PIN pad for this")
        self.assertEqual(self.sent(), before)

    def test_stopped(self):
        self.readers.order("pinpad", "A", "keys", "000F0000")
        program = self.start("verify-pin", "A 00 00", VERIFY, columns=100)
        program.wait_for(PROMPT)
        program.type("\x03")
        self.assertEqual(program.wait(), -signal.SIGINT)
        self.enter("12345678e", "A 00 00", VERIFY)

    def test_script(self):
        """Control codes and PIN entries are lines of scripts."""
        self.readers.order("control", "A", "42000001", "0102")
        text = (f"{SELECT} = 9000\ncontrol 0x42000001 0A 0B # comment\n"
                f"verify-pin {VERIFY} min-length=4 = 9000\n{IS_VERIFIED} = 9000\n"
                f"modify-pin {MODIFY}  confirm-new=no =  9000 63xx\n")
        for columns in (None, 100):
            path = os.path.join(self.testbed.folder, "script")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            program = self.start("script", path, columns=columns)
            self.wait_for_prompt(program, columns)
            self.readers.order("press", "A", "12345678e")
            if columns:
                program.wait_for("line 4")
                program.wait_for(PROMPT)
            else:
                events.poll_until(lambda: program.errors.count(PROMPT) == 2, "two prompts")
            self.readers.order("press", "A", "12345678e12345678e")
            self.assertEqual(program.wait(), 0, program.shown)
            lines = program.screen if columns else program.lines
            self.assertEqual(lines, ["line 1  9000  success", "line 2",
                                     "  01 02" + " " * 44 + '".."', "line 3  9000  success",
                                     "line 4  9000  success", "line 5  9000  success", ""]
                             if columns else ["9000", "0102", "9000", "9000", "9000"])
        program = self.script("control 1107296257", "--json")
        self.assertEqual(json.loads(program.output), {"line": 1, "response": "0102"})

    def test_mistakes_in_scripts(self):
        before = self.sent()
        for line, word in (("control", "control code"), ("control x", "control code"),
                           ("control 1 0", "digit"), ("verify-pin", "bytes"),
                           (f"verify-pin {VERIFY} = 90", "status words"),
                           (f"verify-pin {VERIFY} =", "no status word"),
                           (f"verify-pin {VERIFY} key=1", "no key 'key'"),
                           ("verify-pins", "position 1")):
            program = self.script(f"{SELECT}\n{line}", status=1)
            self.assert_one_line(program.errors, "line 2: ", word)
        self.assertEqual(self.sent(), before)


if __name__ == "__main__":
    case.main()
