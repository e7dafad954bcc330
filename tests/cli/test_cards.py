#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl and the card: transmit, script and reset."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest import case
from scdtest.cli import CONTROL, CliTest

SELECT, ECHO, NOT_FOUND = "00A40400", "8010000003 010203", "80146A82"
VERIFY, IS_VERIFIED = "0020008008 3132333435363738", "80220000"
PROMISE, FETCH = "80160010", "00C0000010"
PATTERN = bytes((7 * i + 3) % 256 for i in range(16))


class CardTest(CliTest):
    def setUp(self):
        super().setUp()
        self.start_world("A")
        self.readers.insert("A")
        self.client.wait_for_signal("CardInserted")

    def sent(self):
        """How many commands the card has had."""
        return int(dict(pair.split("=") for pair in
                        self.readers.order("status", "A").split())["commands"])

    def transmit(self, *arguments, **options):
        return self.run_to_end("transmit", "A 00 00", *arguments, **options)

    def script(self, text, *options, **more):
        return self.run_to_end("script", *options, "-", text=text, **more)


class Transmit(CardTest):
    def test_pipe(self):
        program = self.transmit(ECHO, "00:a4 04:00", NOT_FOUND)
        self.assertEqual(program.output, "0102039000\n9000\n6A82\n")
        self.assertEqual(program.errors, "")

    def test_terminal(self):
        self.assertEqual(self.transmit(NOT_FOUND, "8010000012" + "4142" * 9, "80149123", columns=80)
                         .screen,
                         ["6A82  file or application not found",
                          "9000  success",
                          "  " + " ".join(["41 42"] * 8) + '  "ABABABABABABABAB"',
                          "  41 42" + " " * 44 + '"AB"',
                          "9123", ""])

    def test_json(self):
        program = self.transmit("--json", ECHO, NOT_FOUND, "80149123")
        self.assertEqual([json.loads(line) for line in program.lines],
                         [{"response": "0102039000", "data": "010203", "status": "9000",
                           "meaning": "success"},
                          {"response": "6A82", "data": "", "status": "6A82",
                           "meaning": "file or application not found"},
                          {"response": "9123", "data": "", "status": "9123", "meaning": ""}])
        self.assertEqual(self.transmit("--json", ECHO, NOT_FOUND, "80149123", columns=80).lines,
                         [line + "\r" for line in program.lines])

    def test_meanings(self):
        for status, meaning in (("6110", "success, bytes that wait for GET RESPONSE: 16"),
                                ("6100", "success, bytes that wait for GET RESPONSE: 256"),
                                ("6C20", "wrong Le, the right one: 32"),
                                ("63C2", "warning, tries left or another counter: 2"),
                                ("63C0", "warning, tries left or another counter: 0"),
                                ("6281", "warning: part of the data may be corrupted"),
                                ("62F7", "warning, nothing was changed"),
                                ("6FFF", "error without a diagnosis")):
            self.assertEqual(json.loads(self.transmit("--json", "8014" + status).output)["meaning"],
                             meaning)

    def test_raw(self):
        program = self.transmit("--raw", ECHO, "80120003")
        self.assertEqual(program.raw_output, b"\1\2\3\x90\0" + PATTERN[:3] + b"\x90\0")
        program = self.transmit("--raw", ECHO, columns=200, status=2)
        self.assertRegex(program.screen[0], "^smartcardctl: --raw is for a file or a pipe")

    def test_follow(self):
        command = "8018000300"
        self.assertEqual(self.transmit(command).output, "6C03\n")
        self.assertEqual(self.transmit("--follow", command).output, "030A119000\n")
        self.assertEqual(self.script(command, "--follow").output, "030A119000\n")

    def test_standard_input(self):
        program = self.transmit("-", text=f"{VERIFY}\n{IS_VERIFIED}")
        self.assertEqual(program.output, "9000\n9000\n")

    def test_typed(self):
        for command in (["transmit", "A 00 00", "-"], ["script", "-"]):
            program = self.start(*command, columns=80)
            program.wait_for("Ctrl-D ends")
            program.type(IS_VERIFIED + "\n\x04")
            self.assertEqual(program.wait(), 0)
            program.wait_for("6982", "security state")

    def test_longest(self):
        data = bytes(range(256)) * 255 + bytes(255)
        program = self.transmit("-", text="80100000 00FFFF" + data.hex())
        self.assertEqual(program.output, data.hex().upper() + "9000\n")

    def test_mistake_is_found_before_anything_is_sent(self):
        before = self.sent()
        program = self.transmit(SELECT, "00200080081234567Z", status=2)
        self.assert_one_line(program.errors, "command 2", "position 18")
        self.assertNotIn("1234", program.errors)
        self.assertEqual(self.sent(), before)

    def test_failure_in_the_middle(self):
        self.readers.order("delay", "A", 1)
        self.readers.order("pull", "A")
        program = self.transmit(SELECT, SELECT, status=1)
        self.assert_one_line(program.errors, "command 1: reader 'A 00 00'")

    def test_no_card(self):
        self.readers.remove("A")
        self.client.wait_for_signal("CardRemoved")
        for command in (["transmit", "A 00 00", SELECT], ["reset"]):
            program = self.run_to_end(*command, status=1)
            self.assert_one_line(program.errors, "reader 'A 00 00': there is no card in it")

    def test_card_that_another_has(self):
        from gi.repository import GLib
        path = self.client.reader("A")
        self.client.call(path, "org.smartcardd1.Reader", "Connect",
                         GLib.Variant("(sasa{sv})", ("exclusive", [], {})))
        program = self.transmit(SELECT, status=1)
        self.assert_one_line(program.errors, "reader 'A 00 00': another program has the card")

    def test_reader_by_its_path(self):
        self.assertEqual(self.run_to_end("transmit", self.client.reader("A"), SELECT).output,
                         "9000\n")

    def test_nobody_comes_between(self):
        """Any other command makes the card forget what it promised."""
        from gi.repository import Gio, GLib
        (card,) = self.client.cards()
        left = []

        def intrude():
            self.client.connection.call(
                "org.smartcardd1", card, "org.smartcardd1.Card", "TransmitHex",
                GLib.Variant("(s)", (SELECT,)), None, Gio.DBusCallFlags.NONE, -1, None, answered)

        def answered(bus, result):
            bus.call_finish(result)
            if program.ended:
                left.append(True)
            else:
                intrude()

        program = self.start("transmit", "A 00 00", *[PROMISE, FETCH] * 100)
        intrude()
        self.assertEqual(program.wait(), 0)
        self.assertEqual(program.lines, ["6110", PATTERN.hex().upper() + "9000"] * 100)
        self.client.wait(lambda: left, "the last answer")


class Script(CardTest):
    def test_all_that_a_line_can_be(self):
        text = (f"# comment\n\n  {SELECT} = 9000 # behind\n{VERIFY}\t=\t61xx  9000\r\n"
                f"{IS_VERIFIED}=9000\n\treset # now\n{IS_VERIFIED} = 6982\n{ECHO}")
        expected = ["9000", "9000", "9000", "6982", "0102039000"]
        self.assertEqual(self.script(text).lines, expected)
        path = os.path.join(self.world.folder, "script")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        for arguments in ([path], ["A 00 00", path]):
            program = self.run_to_end("script", *arguments)
            self.assertEqual((program.lines, program.errors), (expected, ""))
        lines = [3, 4, 5, 7, 8]
        self.assertEqual([json.loads(line)["line"] for line in self.script(text, "--json").lines],
                         lines)
        program = self.run_to_end("script", path, columns=80)
        self.assertEqual([line.split("  ")[:2] for line in program.screen if "line" in line],
                         [[f"line {line}", response[-4:]]
                          for line, response in zip(lines, expected)])

    def test_stop(self):
        before = self.sent()
        program = self.script(f"{SELECT}\n\n{NOT_FOUND} = 9000 6282\n{SELECT}\n", status=1)
        self.assertEqual(program.output, "9000\n6A82\n")
        self.assert_one_line(program.errors, "line 3: stopped at status word 6A82 (file or")
        self.assertEqual(self.sent(), before + 2)
        self.assertIn("line 1: stopped at status word 9123, which",
                      self.script("80149123 = 9000", status=1).errors)

    def test_reset_starts_afresh(self):
        self.assertEqual(self.script(f"{VERIFY} = 9000\nreset\n{IS_VERIFIED} = 6982").lines,
                         ["9000", "6982"])

    def test_mistakes_are_found_before_anything_is_sent(self):
        before = self.sent()
        for line, word in (("00A4040", "position 7"), ("00200080 = 90", "status words"),
                           ("00A4 =", "no status word after '='"), ("= 9000", "1 to 65544 bytes"),
                           ("reset = 9000", "position 1"), ("restart", "position 1"),
                           ("00A4\u00a00400", "position 5"),
                           ("00A4 = " + "9000 " * 33, "more than 32")):
            program = self.script(f"{SELECT}\n{line}", status=1)
            self.assertEqual(program.output, "")
            self.assert_one_line(program.errors, "line 2: ", word)
        self.assertEqual(self.sent(), before)

    def test_nothing_to_read(self):
        for text in ("", "\n", "# only\n"):
            self.assert_one_line(self.script(text, status=1).errors, "no command in it")
        self.assert_one_line(self.script("00\0", status=1).errors, "'-'", "no text")
        for name, word in (("/nowhere", "No such file"), ("/tmp", "directory"),
                           ("/a\x1b[31m\nb", "No such file")):
            program = self.run_to_end("script", name, status=1)
            self.assert_one_line(program.errors, word)

    def test_raw(self):
        self.assertEqual(self.script(f"{ECHO}\n{SELECT}", "--raw").raw_output,
                         b"\1\2\3\x90\0\x90\0")

    def test_failure_of_a_reset(self):
        self.readers.order("mute", "A", "on")
        program = self.script(f"{SELECT}\nreset\n", status=1)
        self.assertNotRegex(program.errors, CONTROL)
        self.assert_one_line(program.errors, "the card does not answer")


class Reset(CardTest):
    def test_output(self):
        self.assertEqual(self.run_to_end("reset", "A 00 00").output, "T=1\n")
        self.assertEqual(json.loads(self.run_to_end("--json", "reset").output),
                         {"protocol": "T=1"})
        self.assertEqual(self.run_to_end("reset", columns=80).screen,
                         ["The card was reset. It speaks T=1.", ""])

    def test_card_forgets(self):
        self.assertEqual(self.transmit(VERIFY).output, "9000\n")
        self.assertEqual(self.transmit(IS_VERIFIED).output, "9000\n")
        self.run_to_end("reset")
        self.assertEqual(self.transmit(IS_VERIFIED).output, "6982\n")


if __name__ == "__main__":
    case.main()
