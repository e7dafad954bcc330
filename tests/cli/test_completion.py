#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What shells complete after "smartcardctl", and its manual page: all that the program's help has."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.cli import CliTest
from scdtest.clients.program import Program
from scdtest.testbed import events
from scdtest.testbed.testbed import built

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.path.join(SOURCE, "data")
BASH = os.path.join(DATA, "completions", "smartcardctl.bash")
ZSH = os.path.join(DATA, "completions", "_smartcardctl")
FISH = os.path.join(DATA, "completions", "smartcardctl.fish")
READERS = ["Office 00 00", "Office (red) 01 00"]


def program_path():
    """For shells, which look for the program as a user's shell does."""
    return {"PATH": os.path.dirname(built("cli/smartcardctl")) + ":/usr/bin:/bin"}


def help_of(*words):
    text = subprocess.run(["smartcardctl", *words, "--help"], env={**os.environ, **program_path()},
                          capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  ([a-z-]+)  ", text.partition("Options:")[0], re.M)
    return commands, re.findall(r"^  .*?(--[a-z-]+)", text.partition("Options:")[2], re.M)


def options_with_value(command):
    text = subprocess.run(["smartcardctl", command, "--help"], env={**os.environ, **program_path()},
                          capture_output=True, text=True, check=True).stdout
    return re.findall(r"^  (--[a-z-]+)=", text.partition("Options:")[2], re.M)


def in_bash(*words, folder="/nowhere"):
    """What bash would propose for the last word, which may be empty."""
    proposed = subprocess.run(
        ["bash", "--norc", "-c", 'compopt() { :; }; . "$1"; shift; COMP_WORDS=("$@")\n'
         'COMP_CWORD=$(($# - 1)); _smartcardctl; printf "%s\\n" "${COMPREPLY[@]}"', "bash", BASH,
         "smartcardctl", *words],
        env={**os.environ, "PATH": folder + ":" + program_path()["PATH"]}, capture_output=True, text=True, check=True,
        ).stdout.splitlines()
    return list(filter(None, proposed))


def in_fish(line):
    found = subprocess.run(["fish", "--no-config", "-c", f"source {FISH}; complete -C {line!r}"],
                           env={**os.environ, **program_path(), "HOME": "/run/scd"},
                           capture_output=True, text=True, check=True).stdout
    return [word.split("\t")[0] for word in found.splitlines()]


# Writes all that is proposed into the file of the variable FOUND.
ZSHRC = f"""
fpath=({os.path.dirname(ZSH)} $fpath)
autoload -Uz compinit; compinit -u -D
PS1=READY
compadd() {{
    if [[ ${{@[1,(i)(-|--)]}} == *-(O|A|D)\\ * ]]; then
        builtin compadd "$@"
        return
    fi
    local -a hits
    builtin compadd -A hits "$@"
    print -rl -- ${{(Q)hits}} >>$FOUND
    builtin compadd "$@"
}}
"""


def in_zsh(line, folder):
    """What zsh, on a terminal, proposes at the end of the line, without options."""
    found = os.path.join(folder, "found")
    with open(os.path.join(folder, ".zshrc"), "w", encoding="utf-8") as file:
        file.write(ZSHRC)
    with open(found, "w", encoding="utf-8"):
        pass
    shell = Program(["zsh", "-d", "-i"], columns=80,
                    environment={**program_path(), "ZDOTDIR": folder, "FOUND": found})
    try:
        events.wait_until(lambda: "READY" in shell.output, "zsh prints its prompt")
        shell.type(line + "\t\x15print END >>$FOUND\n")
        events.poll_until(lambda: _lines(found)[-1:] == ["END"], "zsh completes " + line)
    finally:
        shell.close()
    return [word for word in dict.fromkeys(_lines(found)[:-1]) if word and word[0] != "-"]


def _lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


class Words(unittest.TestCase):
    """Commands and options: in each of the places where they are written again."""

    def setUp(self):
        self.commands, options = help_of()
        self.options = {"": options, **{name: help_of(name)[1] for name in self.commands}}
        self.assertIn("transmit", self.commands)
        self.assertIn("--timeout", self.options["wait"])

    def test_bash(self):
        self.assertEqual(sorted(in_bash("")), sorted(self.commands))
        for command, options in self.options.items():
            proposed = in_bash(*filter(None, [command]), "--")
            self.assertEqual(sorted(word.removesuffix("=") for word in proposed), sorted(options))

    def test_fish(self):
        if not shutil.which("fish"):
            self.skipTest("fish is not installed")
        self.assertEqual(sorted(in_fish("smartcardctl ")), sorted(self.commands))
        for command, options in self.options.items():
            proposed = in_fish(f"smartcardctl {command} --".replace("  ", " "))
            self.assertEqual(sorted(word.removesuffix("=") for word in proposed), sorted(options))

    def test_zsh(self):
        with open(ZSH, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(re.findall(r"""^    ['"]([a-z-]+):""", text, re.M), self.commands)
        branches = dict(re.findall(r"^    ([a-z|-]+)\)\n(.*?);;$", text, re.M | re.S))
        branches = {name: body for names, body in branches.items() for name in names.split("|")}
        self.assertEqual(sorted(branches), sorted(self.commands))
        groups = dict(re.findall(r"local -a (common|remote|timeout|protocol)=\((.*)\)", text))
        for command, body in branches.items():
            for name, options in groups.items():
                body = body.replace("$" + name, options)
            self.assertEqual(set(re.findall(r"--[a-z-]+", body)), set(self.options[command]))
        if shutil.which("zsh"):
            subprocess.run(["zsh", "-n", ZSH], check=True)

    def test_manual_page(self):
        with open(os.path.join(DATA, "smartcardctl.1"), encoding="utf-8") as file:
            page = file.read().replace("\\-", "-")
        commands = page.partition(".SH COMMANDS")[2].partition(".SH")[0]
        self.assertEqual(re.findall(r"^\.TP\n\.BI? ([a-z-]+)", commands, re.M), self.commands)
        options = page.partition(".SH OPTIONS")[2].partition(".SH")[0]
        self.assertEqual(set(re.findall(r"--[a-z-]+", options)),
                         {option for options in self.options.values() for option in options})


    def page(self, section):
        with open(os.path.join(DATA, "smartcardctl.1"), encoding="utf-8") as file:
            return file.read().replace("\\-", "-").partition(f".SH {section}")[2].partition(".SH")[0]

    def test_exit_statuses(self):
        with open(os.path.join(SOURCE, "cli", "command.h"), encoding="utf-8") as file:
            statuses = re.findall(r"CTL_STATUS_\w+ = (\d+)", file.read())
        self.assertEqual(re.findall(r"^\.B (\d)$", self.page('"EXIT STATUS"'), re.M),
                         ["0", "1", *statuses])

    def test_events(self):
        with open(os.path.join(SOURCE, "cli", "event.c"), encoding="utf-8") as file:
            events = re.findall(r'\[CTL_EVENT_\w+\] = \{"([a-z-]+)"', file.read())
        self.assertIn("card-inserted", events)
        for event in events:
            self.assertRegex(self.page("OUTPUT"), rf"[ .]{event}\b")

    def test_keys(self):
        output = self.page("OUTPUT").partition("With\n.BR --json")[2]
        for interface, left_out in (("Reader", ["Card"]), ("Card", ["AtrHex", "Reader"])):
            path = os.path.join(SOURCE, "introspection", f"org.smartcardd1.{interface}.xml")
            with open(path, encoding="utf-8") as file:
                names = re.findall(r'<property name="(\w+)"', file.read())
            for name in names:
                key = re.sub(r"(?<=.)([A-Z])", r"-\1", name).lower()
                if name not in left_out:
                    self.assertRegex(output, rf"(?m)^\.BR? {key}( [,.])?$")


class Readers(CliTest):
    """Their names, which have spaces and what means something to a shell."""

    def setUp(self):
        super().setUp()
        self.start_testbed(*(re.sub(" .. ..$", "", name) for name in READERS))

    def test_bash(self):
        self.assertCountEqual(in_bash("status", ""), READERS)
        self.assertEqual(in_bash("--json", "status", "Office\\ \\("), READERS[1:])
        self.assertEqual(in_bash("transmit", '"Office 0'), READERS[:1])
        self.assertEqual(in_bash("transmit", READERS[0], ""), [])
        self.assertEqual(in_bash("list", ""), [])
        for before in (["--timeout", "5"], ["--timeout", "=", "5"]):
            self.assertCountEqual(in_bash("reset", *before, ""), READERS)
        self.assertEqual(in_bash("reset", "--timeout", ""), [])
        self.assertCountEqual(in_bash("monitor", READERS[0], ""), READERS)

    def test_values_in_bash(self):
        for before in (["--not"], ["--not", "="], ["--new", "--not"]):
            self.assertCountEqual(in_bash("wait", *before, ""), READERS)
        self.assertCountEqual(in_bash("wait", "--not", "="), READERS)
        self.assertEqual(in_bash("wait", "--not", "Office\\ \\("), READERS[1:])
        for command in ("transmit", "script", "hold"):
            self.assertEqual(in_bash(command, "--protocol", ""), ["T=0", "T=1", "raw"])
            self.assertEqual(in_bash(command, "--protocol", "T", "="), ["0", "1"])
            self.assertEqual(in_bash(command, "--protocol", "=", "T", "=", "1"), ["1"])
            self.assertCountEqual(in_bash(command, "--protocol", "T", "=", "1", ""),
                                  in_bash(command, ""))
        for option in ("--atr", "--card", "--count", "--timeout"):
            self.assertEqual(in_bash("wait", option, ""), [])

    def test_values_of_options_are_no_operands(self):
        """For each option of each command that takes one."""
        commands, _ = help_of()
        for command in commands:
            expected = in_bash(command, "")
            for option in options_with_value(command):
                self.assertEqual(in_bash(command, option, "1", ""), expected, (command, option))
                self.assertEqual(in_bash(command, option, "=", "1", ""), expected)
                if shutil.which("fish") and command != "run":
                    found = in_fish(f"smartcardctl {command} {option} 1 ")
                    if command == "script":  # shells write the names of folders in several ways
                        found = [word for word in found if word in READERS]
                    self.assertCountEqual(found, READERS if READERS[0] in expected else [],
                                          (command, option))

    def test_fish(self):
        if not shutil.which("fish"):
            self.skipTest("fish is not installed")
        self.assertCountEqual(in_fish("smartcardctl status "), READERS)
        self.assertEqual(in_fish("smartcardctl transmit Office\\ 0"), READERS[:1])
        self.assertEqual(in_fish("smartcardctl status Office\\ 00\\ 00 "), [])
        self.assertCountEqual(in_fish("smartcardctl monitor Office\\ 00\\ 00 "), READERS)
        self.assertCountEqual(in_fish("smartcardctl wait --not "), READERS)

    def test_zsh(self):
        if not shutil.which("zsh"):
            self.skipTest("zsh is not installed")
        for line in ("status ", "monitor Office\\ 00\\ 00 ", "hold --protocol=T=1 ", "wait --not=",
                     "wait --count=2 ", "--json reset "):
            found = in_zsh("smartcardctl " + line, self.testbed.folder)
            self.assertCountEqual(found, READERS, line)
        for line in ("list ", "transmit Office\\ 00\\ 00 ", "status -H server ",
                     "-H server status "):
            self.assertEqual(in_zsh("smartcardctl " + line, self.testbed.folder), [], line)
        self.assertEqual(in_zsh("smartcardctl hold --protocol=", self.testbed.folder),
                         ["T=0", "T=1", "raw"])

    def test_without_service(self):
        self.testbed.stop_service()
        self.testbed.bus.stop()
        self.assertEqual(in_bash("status", ""), [])


class SharedPorts(unittest.TestCase):
    """A program that prints what smartcardctl prints for them."""

    def test_bash(self):
        paths = ["1-2:1.0/0", "1-2:1.0/1", "1-3:1.0", "1-3:1.1", "1-4:1.0"]
        lines = "".join(f"N{number}\tempty\t-\t-\t-\t{path}\t-\n"
                        for number, path in enumerate(paths))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "smartcardctl")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\ncat <<'EOF'\n{lines}EOF\n")
            os.chmod(path, 0o755)
            self.assertCountEqual(in_bash("status", "", folder=folder),
                                  ["N0", "N1", "N2", "N3", "N4", "1-2/0", "1-2/1", "1-3:1.0",
                                   "1-3:1.1", "1-4"])


class Ports(CliTest):
    """Aliases and ports name readers, too."""

    def test_them(self):
        self.start_testbed("A", "B", "C", usb={"A": {"path": "1-3.1:1.0", "address": 4},
                                               "B": {"path": "1-6:1.1", "address": 5}})
        self.run_to_end("alias", "1-3.1", "login desk")
        names = ["A 00 00", "B 01 00", "C 02 00"]
        words = [*names, "login desk", "1-3.1", "1-6"]
        self.assertCountEqual(in_bash("status", ""), words)
        self.assertEqual(in_bash("status", "lo"), ["login desk"])
        self.assertEqual(in_bash("status", "1-3"), ["1-3.1"])
        for word in words:
            self.assertIn(self.run_to_end("show", word).lines[0], names)
        if shutil.which("fish"):
            self.assertCountEqual(in_fish("smartcardctl status "), words)
            self.assertEqual(in_fish("smartcardctl transmit A "), [])


if __name__ == "__main__":
    case.main()
