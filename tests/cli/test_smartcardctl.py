#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""smartcardctl as its users meet it: in pipes and on terminals, in good times and bad."""

import functools
import json
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest import case
from scdtest.cli import (ATR, ATR_ON_SCREEN, CONTROL, HINT, KNOWN_ATR, KNOWN_NAMES, USAGE,
                         CliTest)

# Each with what it cannot do without.
COMMANDS = {"list": [], "status": [], "monitor": [], "wait": [], "transmit": ["A", "00A4"],
            "script": ["A", "-"], "reset": [], "control": ["A", "1"], "attributes": []}
LOCALES, GERMAN = "/run/scd/locales/", "de_DE.UTF-8"
UGLY = "a\x1b[31m\x07\x7f\x9b2J\nb\u202ec\u2028d\te"


class Usage(CliTest):
    """Needs no bus at all."""

    def test_version(self):
        program = self.run_to_end("--version")
        self.assertRegex(program.output, r"\Asmartcardctl \d+\.\d+\.\d+\n\Z")
        self.assertEqual(program.errors, "")

    def test_help(self):
        for option in ("--help", "-h"):
            program = self.run_to_end(option)
            for command in COMMANDS:
                self.assertRegex(program.output, rf"(?m)^  {command}\b")
            self.assertEqual(program.errors, "")

    def test_help_of_each_command(self):
        for command in COMMANDS:
            program = self.run_to_end(command, "--help")
            self.assertIn("smartcardctl " + command, program.lines[1])
            self.assertIn("--json", program.output)
            self.assertLessEqual(max(map(len, program.lines)), 80)

    def test_help_in_c_locale_is_ascii_on_a_terminal(self):
        self.assertTrue(self.run_to_end("--help", columns=80, environment={"LC_ALL": "C"})
                        .raw_output.isascii())

    def test_no_command(self):
        program = self.run_to_end(status=USAGE)
        self.assertEqual(program.output, "")
        self.assertIn("Usage:", program.errors)

    def test_bad_arguments(self):
        for arguments, word in ((["--frobnicate"], "--frobnicate"), (["-x"], "-x"),
                                (["--frob\x1b[31m"], "frob"), (["--json=1", "list"], "--json=1"),
                                (["frobnicate"], "frobnicate"), (["lis"], "lis"), ([""], "''"),
                                (["list", "--frobnicate"], "--frobnicate"),
                                (["list", "surplus"], "surplus"), (["monitor", "a b"], "a b"),
                                (["transmit", "A"], "READER APDU"), (["script"], "FILE"),
                                (["script", "A", "B", "C"], "quotes"), (["control", "A"], "CODE"),
                                (["control", "A", "0x100000000"], "control code"),
                                (["control", "A", "-1"], "-1"), (["control", "A", "1", "0"], "digit"),
                                (["transmit", "A", "00", "0x00"], "command 2"),
                                (["transmit", "A", ""], "command"), (["transmit", "", "00"], "empty"),
                                (["transmit", "A", "00", "-"], "command 2"),
                                (["transmit", "--raw", "--json", "A", "00"], "--raw"),
                                (["wait", "--timeout", "x"], "seconds"),
                                (["wait", "--timeout=-1"], "seconds"),
                                (["wait", "--timeout=9999999"], "seconds"),
                                (["list", "--timeout=1"], "--timeout"),
                                (["list", "--raw"], "--raw"),
                                (["status", "Office", "00", "00"], "quotes"),
                                (["status", ""], "empty"), (["status", "a\nb", "c"], "quotes")):
            program = self.run_to_end(*arguments, status=USAGE)
            self.assertEqual(program.output, "", arguments)
            self.assert_one_line(program.errors, word, "--help")

    def test_argument_that_is_no_text(self):
        program = self.run_to_end("status", b"\xff\xfe", status=USAGE)
        self.assert_one_line(program.errors, "no text")


class Trouble(CliTest):
    def test_no_bus(self):
        for command, arguments in COMMANDS.items():
            program = self.run_to_end(command, *arguments, status=1, text="00A4")
            self.assertEqual(program.output, "")
            self.assert_one_line(program.errors, "the system bus cannot be reached")

    def test_no_service(self):
        self.world.start_bus()
        for command, arguments in COMMANDS.items():
            program = self.run_to_end(command, *arguments, status=1, text="00A4")
            self.assertEqual(program.output, "")
            self.assert_one_line(program.errors, "smartcardd does not run")

    def test_monitor_without_service_leaves_a_clean_terminal(self):
        self.world.start_bus()
        screen = self.run_to_end("monitor", status=1, columns=200).screen
        self.assertEqual(len(screen), 2, screen)
        self.assertRegex(screen[0], "^smartcardctl: smartcardd does not run")
        self.assertEqual(screen[1], "")

    def test_no_pcscd(self):
        self.world.start_bus()
        self.world.start_service()
        for arguments in (["list"], ["status"], ["--json", "list"], ["status", "Reader"]):
            program = self.run_to_end(*arguments, status=1)
            self.assertEqual(program.output, "")
            self.assert_one_line(program.errors, "pcscd cannot be reached", "pcscd.socket")

    def test_no_readers(self):
        self.start_world()
        for command in ("list", "status"):
            program = self.run_to_end(command)
            self.assertEqual((program.output, program.errors), ("", "No readers are connected.\n"))
            self.assertEqual(self.run_to_end(command, columns=80).screen,
                             ["No readers are connected.", ""])
            self.assertEqual(json.loads(self.run_to_end("--json", command).output), [])

    def test_unknown_reader(self):
        self.start_world("A", "B")
        for name in ("nowhere", "A", "a\x1b[31m\nb", "/org/smartcardd1", "--"):
            program = self.run_to_end("status", "--", name, status=1)
            self.assertEqual(program.output, "")
            self.assert_one_line(program.errors, "there is no reader", "smartcardctl list")

    def redirected(self, command, redirection):
        from scdtest.world import built
        return subprocess.run(["sh", "-c", f"exec {built('cli/smartcardctl')} {command} "
                               + redirection], capture_output=True, text=True, check=False)

    def test_output_that_cannot_be_written(self):
        self.start_world("A")
        for command in ("--help", "list", "status"):
            for redirection, word in (("> /dev/full", "No space left"), (">&-", "Bad file")):
                result = self.redirected(command, redirection)
                self.assertEqual(result.returncode, 1)
                self.assert_one_line(result.stderr, word)

    def test_reading_end_that_is_closed(self):
        from scdtest.world import built
        self.start_world("A")
        for command in ("--help", "list", "status"):
            reading_end, writing_end = os.pipe()
            os.close(reading_end)
            result = subprocess.run([built("cli/smartcardctl"), command], stdout=writing_end,
                                    stderr=subprocess.PIPE, check=False)
            os.close(writing_end)
            self.assertEqual((result.returncode, result.stderr), (0, b""))


class Snapshot(CliTest):
    """list and status."""

    def test_list_in_a_pipe(self):
        self.start_world("A", "B", "C")
        self.insert("A", KNOWN_ATR)
        self.readers.order("mute", "C", "on")
        self.insert("C")
        program = self.run_to_end("list")
        self.assertEqual([line.split("\t") for line in program.lines],
                         [["A 00 00", "card", KNOWN_ATR, KNOWN_NAMES[0] + " (or 1 other)"],
                          ["B 01 00", "empty", "", ""],
                          ["C 02 00", "mute", "", "the card does not answer"]])
        self.assertEqual(program.errors, "")

    def test_list_on_a_terminal(self):
        self.start_world("Office", "B")
        self.insert("A", KNOWN_ATR)
        self.assertEqual(self.run_to_end("list", columns=120).screen,
                         ["READER        STATE         CARD",
                          "B 01 00       empty",
                          f"Office 00 00  card present  {KNOWN_NAMES[0]} (or 1 other)", ""])

    def test_list_on_a_narrow_terminal(self):
        self.start_world("Office", "B")
        self.insert("A", KNOWN_ATR)
        self.assertEqual(self.run_to_end("list", columns=70).screen,
                         ["READER        STATE         CARD",
                          "B 01 00       empty",
                          "Office 00 00  card present",
                          f"  {KNOWN_NAMES[0]} (or 1 other)", ""])

    def test_columns_of_wide_characters(self):
        self.start_world("日本", "Abcd")
        self.assertEqual(self.run_to_end("list", columns=80).screen[1:3],
                         ["Abcd 01 00  empty", "日本 00 00  empty"])

    def test_text_that_the_locale_has_not(self):
        self.start_world("日本ü")
        c = {"LC_ALL": "C", "LANG": "C"}
        self.assertTrue(self.run_to_end("list", columns=80, environment=c).raw_output.isascii())
        self.assertIn("日本ü 00 00", self.run_to_end("list", environment=c).output)
        self.assertIn("日本ü", self.run_to_end("status", "日本ü 00 00", environment=c).output)

    def test_status_of_all_and_of_one(self):
        self.start_world("A", "B")
        self.insert("A", KNOWN_ATR)
        program = self.run_to_end("status")
        self.assertEqual(self.run_to_end("status", columns=80).screen[:-1], program.lines)
        first, second = program.output.split("\n\n")
        self.assertEqual(self.run_to_end("status", "A 00 00").output, first + "\n")
        path = self.client.reader("B 01")
        self.assertEqual(self.run_to_end("status", path).output, second)
        for line in ("A 00 00", "  State             card present",
                     "  ATR               3B 02 14 50", '  Historical bytes  14 50  ".P"',
                     "  Protocols         T=0", "  Known as          " + KNOWN_NAMES[0],
                     "                    " + KNOWN_NAMES[1]):
            self.assertIn(line, first.split("\n"))
        self.assertIn("  State             empty", second.split("\n"))
        self.assertNotIn("ATR", second)

    def expected_json(self):
        """From the tree on the bus, as the help promises it."""
        def key(name):
            return re.sub(r"(?<=.)([A-Z])", r"-\1", name).lower()

        def plain(properties, *left_out):
            return {key(name): bytes(value).hex().upper() if name in ("Atr", "HistoricalBytes")
                    else value for name, value in properties.items() if name not in left_out}

        cards = {path: {"path": path, **plain(card, "AtrHex", "Reader")}
                 for path, card in self.client.cards().items()}
        return [{"path": path, **plain(reader, "Card"), "card": cards.get(reader["Card"])}
                for _, (path, reader) in sorted(self.client.readers().items())]

    def test_json_agrees_with_the_tree(self):
        self.start_world("A", "Br\u202eetae", "日本")
        self.insert("A", KNOWN_ATR)
        self.insert("C", "3BFF")
        expected = self.expected_json()
        self.assertEqual(expected[0]["card"]["atr"], KNOWN_ATR)
        for arguments in (["--json", "list"], ["list", "--json"], ["status", "--json"]):
            program = self.run_to_end(*arguments)
            self.assertEqual(json.loads(program.output), expected)
            self.assertNotRegex(program.output, CONTROL)
        for reader in expected:
            program = self.run_to_end("--json", "status", reader["name"])
            self.assertEqual(json.loads(program.output), reader)

    def test_json_on_a_terminal_is_the_same(self):
        self.start_world("A", "B")
        self.insert("A")
        self.assertEqual("\n".join(self.run_to_end("--json", "list", columns=80).screen),
                         self.run_to_end("--json", "list").output)

    def test_name_that_turns_the_direction_of_writing(self):
        self.start_world("Br\u202eetae", "two\u00a0words")
        self.assertEqual([line.split("\t")[0] for line in self.run_to_end("list").lines],
                         ["Br\\u202eetae 00 00", "two\u00a0words 01 00"])


class Monitor(CliTest):
    def start_with_signs_of_life(self, *arguments, **options):
        monitor = self.start(*arguments, "monitor", **options)
        monitor.wait_for("B 01 00")
        return monitor

    def finish(self, monitor, number=signal.SIGTERM):
        monitor.send_signal(number)
        self.assertEqual(monitor.wait(), 0)
        self.assertEqual(monitor.errors, "")

    def test_pipe(self):
        self.start_world("A", "B")
        self.insert("A", "3BFF")
        monitor = self.start_with_signs_of_life()
        self.readers.remove("A")
        monitor.wait_for("card-removed")
        self.insert("B")
        monitor.wait_for("card-inserted")
        self.finish(monitor, signal.SIGINT)
        for line in monitor.lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d\t")
        nonsense = "unknown card with an ATR that makes no sense"
        self.assertEqual([line.split("\t")[1:] for line in monitor.lines],
                         [["reader-present", "A 00 00", "", ""],
                          ["card-present", "A 00 00", "3BFF", nonsense],
                          ["reader-present", "B 01 00", "", ""],
                          ["card-removed", "A 00 00", "3BFF", nonsense],
                          ["card-inserted", "B 01 00", ATR, "unknown card, T=0"]])
        self.assertTrue(monitor.output.endswith("\n"))

    def test_json(self):
        self.start_world("A", "B")
        monitor = self.start_with_signs_of_life("--json")
        card_path = self.insert("A")
        monitor.wait_for("card-inserted")
        card = self.client.cards()[card_path]
        self.finish(monitor)
        events = [json.loads(line) for line in monitor.lines]
        self.assertEqual([event["event"] for event in events],
                         ["reader-present", "reader-present", "card-inserted"])
        event = events[-1]
        self.assertEqual((event["reader"], event["reader-path"], event["card-path"]),
                         ("A 00 00", card["Reader"], card_path))
        self.assertEqual((event["atr"], event["protocols"], event["names"]),
                         (ATR, card["Protocols"], card["Names"]))
        self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT")

    def test_json_on_a_terminal_has_nothing_else(self):
        self.start_world("A", "B")
        monitor = self.start_with_signs_of_life("--json", columns=80)
        self.finish(monitor)
        self.assertEqual([json.loads(line)["reader"] for line in monitor.lines],
                         ["A 00 00", "B 01 00"])

    def test_terminal(self):
        self.start_world("A", "B")
        monitor = self.start("monitor", columns=120)
        monitor.wait_for("Waiting for cards and readers.", HINT)
        self.insert("A")
        monitor.wait_for("card inserted", "A 00 00")
        events, status = monitor.screen[:-1], monitor.screen[-1]
        self.assertEqual(status, "Waiting for cards and readers. " + HINT)
        self.assertEqual([re.sub(r"^\d\d:\d\d:\d\d\.\d{3}  ", "", line) for line in events],
                         ["reader present    A 00 00", "reader present    B 01 00",
                          f"card inserted     A 00 00  {ATR_ON_SCREEN}  unknown card, T=0"])
        monitor.type("\x03")
        self.assertEqual(monitor.wait(), 0)
        self.assertEqual(monitor.screen, [*events, ""])

    def test_narrow_terminal(self):
        self.start_world("A", "B")
        monitor = self.start("monitor", columns=40)
        monitor.wait_for("Waiting for cards")
        self.insert("A")
        monitor.wait_for("unknown card")
        self.finish(monitor)
        first = next(number for number, line in enumerate(monitor.screen) if "inserted" in line)
        self.assertEqual([line.strip() for line in monitor.screen[first + 1:-1]],
                         [ATR_ON_SCREEN, "unknown card, T=0"])
        for status in re.findall(r"Waiting[^\r\n\x1b]*", monitor.output):
            self.assertLess(len(status), 40)

    def test_terminal_that_cannot_erase(self):
        self.start_world("A", "B")
        monitor = self.start("monitor", columns=120, environment={"TERM": "dumb"})
        monitor.wait_for("Waiting for cards and readers.", HINT)
        self.finish(monitor)
        self.assertNotIn("\x1b", monitor.output)
        self.assertEqual(monitor.screen[-1], "")

    def test_reading_end_that_is_closed(self):
        """The end comes at once, not with the next event."""
        self.start_world("A", "B")
        for options in ([], ["--json"]):
            monitor = self.start_with_signs_of_life(*options)
            monitor.close_output()
            self.assertEqual((monitor.wait(), monitor.errors), (0, ""))

    def test_pcscd_that_comes_and_goes(self):
        from scdtest.world import simulated_reader
        self.world.start_bus()
        self.world.start_service()
        on_terminal, in_pipe = self.start("monitor", columns=200), self.start("monitor")
        on_terminal.wait_for("Waiting for pcscd.", HINT)
        in_pipe.wait_for("pcscd-gone", "pcscd.socket")
        for _ in range(2):
            self.world.start_pcscd([simulated_reader("A", card=ATR)])
            on_terminal.wait_for("Waiting for cards and readers.")
            self.world.stop_pcscd(signal.SIGKILL)
            on_terminal.wait_for("Waiting for pcscd.")
        self.world.start_pcscd()
        on_terminal.wait_for("Waiting for a reader to be connected.")
        self.finish(on_terminal)
        events = ["pcscd-gone", *["pcscd-back", "reader-connected", "card-inserted",
                                  "card-removed", "reader-removed", "pcscd-gone"] * 2, "pcscd-back"]
        in_pipe.wait_for_lines(len(events))
        self.finish(in_pipe)
        self.assertEqual([line.split("\t")[1] for line in in_pipe.lines], events)

    def test_service_that_comes_and_goes(self):
        self.start_world("A", "B")
        self.insert("A")
        on_terminal, in_pipe = (self.start_with_signs_of_life(columns=80),
                                self.start_with_signs_of_life())
        self.world.stop_service()
        on_terminal.wait_for("Waiting for smartcardd to come back.")
        in_pipe.wait_for("service-gone")
        self.world.start_service()
        on_terminal.wait_for("Waiting for cards and readers.")
        events = ["reader-present", "card-present", "reader-present"]
        in_pipe.wait_for_lines(2 * len(events) + 2)
        self.insert("B")
        in_pipe.wait_for("card-inserted")
        self.finish(on_terminal)
        self.finish(in_pipe)
        self.assertEqual([line.split("\t")[1] for line in in_pipe.lines],
                         [*events, "service-gone", "service-back", *events, "card-inserted"])

    def test_bus_that_goes(self):
        self.start_world("A", "B")
        in_pipe, on_terminal = (self.start_with_signs_of_life(),
                                self.start_with_signs_of_life(columns=80))
        self.world.bus.stop(expect=(0, -signal.SIGTERM))
        self.assertEqual((in_pipe.wait(), on_terminal.wait()), (1, 1))
        self.assert_one_line(in_pipe.errors, "the connection to the system bus has broken")
        self.assertRegex(on_terminal.screen[-2], "^smartcardctl: .* has broken")
        self.assertEqual(self.world.service.wait(), 1)
        self.world.service = None


class Strangers(CliTest):
    """Whatever names hold, a terminal has nothing to obey, and a line stays one line."""

    def start_stranger(self, **options):
        from scdtest.stranger import Stranger
        self.world.start_bus()
        stranger = Stranger(UGLY, **options)
        self.addCleanup(stranger.close)
        return stranger

    def assert_obeys_nothing(self, lines):
        for line in lines:
            self.assertNotRegex(line.replace("\t", ""), CONTROL)

    def test_list(self):
        self.start_stranger()
        for columns in (400, 20):
            self.assert_obeys_nothing(self.run_to_end("list", columns=columns).screen)
        (line,) = self.run_to_end("list").lines
        escaped = "a\\u001b[31m\\u0007\\u007f\\u009b2J\\u000ab\\u202ec\\u2028d\\u0009e"
        self.assertEqual(line.split("\t"), [escaped, "card", "3B001B", "unknown card, " + escaped])

    def test_status(self):
        self.start_stranger()
        for columns in (None, 80):
            program = self.run_to_end("status", columns=columns)
            self.assert_obeys_nothing(program.shown)
            self.assertEqual(len(program.lines), 17)

    def test_json(self):
        self.start_stranger()
        program = self.run_to_end("--json", "list")
        self.assertNotRegex(program.output, CONTROL)
        (reader,) = json.loads(program.output)
        self.assertEqual((reader["name"], reader["card"]["protocols"]), (UGLY, [UGLY]))

    def test_monitor(self):
        self.start_stranger()
        for options in ([], ["--json"]):
            for columns in (None, 80):
                monitor = self.start("monitor", *options, columns=columns)
                monitor.wait_for("card")
                monitor.wait_for("3B")
                monitor.send_signal(signal.SIGTERM)
                self.assertEqual(monitor.wait(), 0)
                self.assert_obeys_nothing(monitor.shown)

    def test_reason_of_trouble(self):
        self.start_stranger(available=False)
        self.assert_one_line(self.run_to_end("list", status=1).errors, "pcscd cannot be reached")

    def test_errors(self):
        stranger = self.start_stranger()
        for error, word in (("org.smartcardd1.Error.InvalidArgument", "smartcardctl: a\\u001b"),
                            ("org.smartcardd1.Error.UnknownReader", "there is no reader 'x'"),
                            ("org.freedesktop.DBus.Error.AccessDenied", "does not let this user"),
                            ("org.freedesktop.DBus.Error.NoReply", "cannot be reached"),
                            ("org.example.Whatever", "cannot be reached")):
            stranger.error = error
            program = self.run_to_end("status", "x", status=1)
            self.assert_one_line(program.errors, word)


def mount(content, path):
    """A file at that place, in this private namespace alone."""
    there = path
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", there], check=True)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


@functools.cache
def why_not_german():
    """None when all is ready for it: the catalog is where the program looks for it."""
    from scdtest.world import built
    os.makedirs(LOCALES, exist_ok=True)
    # C.UTF-8 does not do: where glibc is newer than that of Debian 12, nothing is translated in it.
    if subprocess.run(["localedef", "--no-archive", "-i", "de_DE", "-f", "UTF-8", LOCALES + GERMAN],
                      capture_output=True, check=False).returncode != 0:
        return "there is nothing to make a German locale of (package locales)"
    catalog = "de/LC_MESSAGES/smartcardd.mo"
    if not os.path.exists(built("po/" + catalog)):
        return "built without translations"
    with open(built("cli/cli-config.h"), encoding="utf-8") as file:
        folder = re.search('LOCALEDIR "(.*)"', file.read()).group(1)
    with open(built("po/" + catalog), "rb") as file:
        mount(file.read(), os.path.join(folder, catalog))
    return None


class German(CliTest):
    def setUp(self):
        super().setUp()
        if why_not_german():
            self.skipTest(why_not_german())
        os.environ.update(LOCPATH=LOCALES, LC_ALL=GERMAN)
        self.addCleanup(os.environ.pop, "LOCPATH")

    def test_list(self):
        self.start_world("A", "B")
        self.insert("A")
        self.assertEqual(self.run_to_end("list", columns=80).screen,
                         ["LESER    ZUSTAND       KARTE",
                          "A 00 00  Karte steckt  unbekannte Karte, T=0",
                          "B 01 00  leer", ""])
        self.assertEqual([line.split("\t")[1] for line in self.run_to_end("list").lines],
                         ["card", "empty"])

    def test_json_is_not_translated(self):
        self.start_world("A", "B")
        self.insert("A")
        for command in ("list", "status"):
            self.assertEqual(self.run_to_end("--json", command).output,
                             self.run_to_end("--json", command, environment={"LC_ALL": "C.UTF-8"})
                             .output)

    def test_help_is_no_wider_than_a_terminal(self):
        for arguments in ([], *([command] for command in COMMANDS)):
            program = self.run_to_end(*arguments, "--help")
            self.assertIn("JSON ausgeben", program.output)
            self.assertLessEqual(max(map(len, program.lines)), 80)

    def test_errors(self):
        self.assert_one_line(self.run_to_end("list", "x", status=USAGE).errors,
                             "»x« ist ein Argument zu viel", "siehe »smartcardctl list --help«")
        self.start_world("A", "B")
        self.assert_one_line(self.run_to_end("status", "x", status=1).errors,
                             "es gibt keinen Kartenleser »x«")

    def test_status_words(self):
        self.start_world("A")
        self.insert("A")
        self.assertEqual(self.run_to_end("transmit", "A 00 00", "801463C2", columns=80).screen[0],
                         "63C2  Warnung, verbleibende Versuche oder ein anderer Zähler: 2")
        program = self.run_to_end("script", "-", "--json", text="80146A82 = 9000", status=1)
        self.assertEqual(json.loads(program.output)["meaning"], "file or application not found")
        self.assert_one_line(program.errors,
                             "Zeile 1: angehalten beim Statuswort 6A82 (Datei oder Anwendung")

    def test_monitor(self):
        self.start_world("A", "B")
        monitor = self.start("monitor", columns=80)
        monitor.wait_for("Es wird auf Karten und Leser gewartet. Strg+C beendet.")
        self.insert("A")
        monitor.wait_for("Karte eingesteckt")
        monitor.type("\x03")
        self.assertEqual(monitor.wait(), 0)


if __name__ == "__main__":
    case.main()
