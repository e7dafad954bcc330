#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Existing PC/SC programs print the same with libpcsclite and with the library."""

import glob
import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import ATR
from scdtest.clients.library import DIRECT, THROUGH_LIBRARY, Stage, preload
from scdtest.clients.program import Program
from scdtest.fakes import openpgp_card, vpcd
from scdtest.testbed import events
from scdtest.testbed.testbed import built, pcscd_version, simulated_reader

READERS = [simulated_reader("A", card=ATR), simulated_reader("B")]
READER_A = "Simulated Reader A 00 00"
NEW_ATR = "3B021450"
PROGRAMS = 100

# Of an example of pyscard. New versions print this and more, unless the program exits before; Python
# 3.14 may complain of a thread that still prints.
AT_THE_END = re.compile("disconnecting from|Fatal Python error: _enter_buffered_busy")
EXAMPLES = "/usr/share/doc/python3-pyscard/examples/"

# The examples of pyscard sleep while the user acts: here, until the test writes a line.
RUN_EXAMPLE = """
import runpy, sys, time
sleep = time.sleep
time.sleep = lambda seconds: sys.stdin.readline() if seconds >= 10 else sleep(seconds)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    return unittest.skipIf(missing, f"{missing} not installed")


class ProgramTest(unittest.TestCase):
    """Each library has a test bed of its own, and so the same initial state."""

    def by_both_ways(self, use):
        """use: a function that takes a stage and returns the program's output. Returns the output."""
        direct, library = use(DIRECT), use(THROUGH_LIBRARY)
        self.maxDiff = None
        self.assertEqual(direct, library)
        return direct


class SimulatedReaderTest(ProgramTest):
    """Reader A has a card, reader B is empty."""

    def both(self, use):
        def use_in_test_bed(way):
            with Stage(way) as stage:
                stage.start(READERS)
                return use(stage)
        return self.by_both_ways(use_in_test_bed)

    def run_both(self, *command, **options):
        return self.both(lambda stage: stage.run(*command, **options))


class Programs(SimulatedReaderTest):
    @needs("pcsc_scan")
    def test_pcsc_scan_lists(self):
        self.assertIn("0: " + READER_A, self.run_both("pcsc_scan", "-r"))
        cards = self.both(lambda stage: without_progress(stage.run("pcsc_scan", "-c", "-n")))
        self.assertIn("ATR: 3B 9A 11 80", cards)

    @needs("pcsc_scan")
    def test_pcsc_scan_reports_insertions_and_removals(self):
        """Duplicates are removed: pcsc-lite 2.3 may report the same event of a reader twice."""
        said = self.both(lambda stage: list(dict.fromkeys(events_of(self.scan(stage)))))
        atr = spaced(NEW_ATR)
        self.assertEqual([(reader, state, atr) for reader, _, state, atr in said[2:]],
                         [("1", "inserted", atr), ("1", "removed", ""), ("1", "inserted", atr),
                          ("0", "removed", "")])

    def scan(self, stage):
        program = Program(stage.command("pcsc_scan", "-n"), columns=200)
        atr = "ATR: " + spaced(NEW_ATR)
        try:
            self.wait_for(program, "Card removed,", 1)
            for order, words, count in ((("insert", "B", NEW_ATR), atr, 1),
                                        (("remove", "B"), "Card removed,", 2),
                                        (("insert", "B", NEW_ATR), atr, 2),
                                        (("remove", "A"), "Card removed,", 3)):
                stage.simulator().order(*order)
                self.wait_for(program, words, count)
            return without_progress(program.output)
        finally:
            program.close()

    @staticmethod
    def wait_for(program, words, count):
        """Waits until the output contains the words count times."""
        events.wait_until(lambda: without_progress(program.output).count(words) >= count, words)

    @needs("opensc-tool")
    def test_opensc_tool(self):
        self.assertIn(READER_A, self.run_both("opensc-tool", "--list-readers"))
        atr = ":".join(re.findall("..", ATR.lower()))
        self.assertIn(atr, self.run_both("opensc-tool", "--reader", READER_A, "--atr"))
        said = self.run_both("opensc-tool", "--reader", READER_A, "--card-driver", "default",
                             "--send-apdu", "80:10:00:00:03:01:02:03",
                             "--send-apdu", "80:14:6A:82", "--send-apdu", "80:12:01:00:00")
        self.assertIn("01 02 03", said)
        self.assertIn("SW1=0x6A, SW2=0x82", said)

    @needs("scriptor")
    def test_scriptor(self):
        script = "80 10 00 00 02 AB CD\nreset\n80 12 00 40\n80 14 69 85\n"
        said = self.run_both("scriptor", "-r", READER_A, input=script)
        self.assertIn("AB CD 90 00", said)
        self.assertIn("OK: 3B 9A 11", said)


class ConcurrentPrograms(SimulatedReaderTest):
    def test_a_hundred_programs(self):
        """All of them are connected at the same time."""
        def run(stage):
            programs = [subprocess.Popen([*stage.way, built("tests/pcsc-client/scd-pcsc-client")], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                        for _ in range(PROGRAMS)]
            said = [self.order_all(programs, order)
                    for order in ("connect shared " + READER_A, "transmit 00A40400",
                                  "disconnect leave")]
            for program in programs:
                program.communicate()
            return said
        self.assertEqual(self.both(run),
                         [["ok"] * PROGRAMS, ["ok 9000"] * PROGRAMS, ["ok"] * PROGRAMS])

    @staticmethod
    def order_all(programs, order):
        for program in programs:
            print(order, file=program.stdin, flush=True)
        return [program.stdout.readline().rstrip() for program in programs]


class WithPyscard(SimulatedReaderTest):
    """The examples of pyscard."""

    @classmethod
    def setUpClass(cls):
        if subprocess.run([sys.executable, "-c", "import smartcard"], check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            raise unittest.SkipTest("python3-pyscard is not installed")

    def example(self, name):
        path = EXAMPLES + name
        if not os.path.exists(path):
            self.skipTest("the examples of python3-pyscard are not installed")
        return path

    def test_simple_examples(self):
        self.example("simple")
        names = [*glob.glob(EXAMPLES + "simple/*.py"), *glob.glob(EXAMPLES + "scard-api/*.py"),
                 EXAMPLES + "framework/sample_ATR.py"]
        names = [name for name in sorted(names) if "getStatusChange" not in name]
        self.assertGreater(len(names), 10)

        def run_all(stage):
            return [stage.try_to_run(sys.executable, name, stdin=subprocess.DEVNULL)
                    for name in names]
        said = "\n".join(output for _status, output in self.both(run_all))
        self.assertIn("3B 9A 11 80", said)
        self.assertIn("Transaction ended", said)

    def run_example(self, name, *orders, right=""):
        """orders: for the simulated reader; each is sent when the output contains its last item.

        right: a pattern that the output matches if no wait has failed.
        """
        path = self.example(name)

        def run(stage):
            simulator = stage.simulator()
            program = Program(stage.command(sys.executable, "-c", RUN_EXAMPLE, path),
                              columns=200)
            try:
                for *order, words in orders:
                    events.wait_until(lambda words=words: words in program.output,
                                      f"{words} in {program.output}")
                    if order:
                        simulator.order(*order)
                program.type("\n")
                # pyscard may crash at exit if one of its threads is in a call; Python 3.14 aborts.
                self.assertIn(program.wait(), (0, -signal.SIGSEGV, -signal.SIGABRT))
                return " ".join(program.output.split())
            finally:
                program.close()
        return self.both(lambda stage: self.run_until_right(run, stage, right))

    @staticmethod
    def run_until_right(run, stage, right):
        """Directly, waits of pcsc-lite 2.5 fail now and then without a reason."""
        output = run(stage)
        while stage.way == DIRECT and pcscd_version() >= (2, 5) and (
                "Traceback" in output or not re.search(right, output)):
            simulator = stage.simulator()
            if simulator.status("B")["present"] == "1":
                simulator.remove("B")
            output = run(stage)
        return AT_THE_END.split(output)[0].rstrip()

    def skip_without_first_event(self):
        """Version 2.2.2 says nothing of the cards that are there before one comes or goes."""
        if importlib.metadata.version("pyscard") == "2.2.2":
            self.skipTest("the monitor of pyscard 2.2.2 does not report cards that are there")

    def test_status_change(self):
        said = self.run_example("scard-api/sample_getStatusChange.py",
                                ("insert", "B", "Please insert or remove"),
                                ("Released",),
                                right="New reader and card states .*Card present in reader")
        self.assertIn("New reader and card states", said)

    def test_monitor_of_cards(self):
        self.skip_without_first_event()
        said = self.run_example("framework/sample_MonitorCards.py", ("insert", "B", NEW_ATR, "+Inserted:  3B 9A"),
                                ("remove", "B", "+Inserted:  3B 02 14 50"),
                                ("-Removed:  3B 02 14 50",))
        self.assertIn("+Inserted: 3B 9A 11", said)

    def test_monitor_of_readers(self):
        said = self.run_example("framework/sample_MonitorReaders.py", ("Added",))
        self.assertIn(READER_A, said)

    def test_observer_that_transmits(self):
        self.skip_without_first_event()
        said = self.run_example("framework/sample_MonitorCardsAndTransmit.py", ("6D 00",))
        self.assertIn("> A0 A4 00 00 02 7F 10 < [] 6D 00", said)


class WithOpenPgpCard(ProgramTest):
    """The card is in the first slot of vpcd; the second slot is empty."""

    def setUp(self):
        if not os.path.exists(vpcd.DRIVER):
            self.skipTest("vsmartcard-vpcd is not installed")

    def both(self, use):
        def use_in_test_bed(way):
            with Stage(way) as stage:
                stage.start([vpcd.READER])
                card = vpcd.VirtualCard(atr=openpgp_card.ATR,
                                        answer=openpgp_card.OpenPgpCard().answer)
                try:
                    card.wait_until_known()
                    stage.wait_for_cards(1)
                    return use(stage)
                finally:
                    card.close()
        return self.by_both_ways(use_in_test_bed)

    def run_each(self, *commands):
        """Returns the output of all commands."""
        return "".join(self.both(lambda stage: [without_handles(stage.run(*command))
                                                for command in commands]))

    @needs("opensc-tool", "pkcs15-tool")
    def test_opensc(self):
        said = self.run_each(["opensc-tool", "--name"], ["pkcs15-tool", "--dump"],
                             ["pkcs15-tool", "--read-public-key", "01"])
        for words in ("OpenPGP card v2.1", "Private RSA Key [Signature key]",
                      "BEGIN PUBLIC KEY"):
            self.assertIn(words, said)

    @needs("pkcs11-tool")
    def test_pkcs11(self):
        said = self.run_each(["pkcs11-tool", "-L"],
                             ["pkcs11-tool", "--slot-index", "1", "--list-objects"])
        self.assertIn("OpenPGP card (User PIN (sig))", said)
        self.assertIn("Signature key", said)

    @needs("pkcs11-tool")
    def test_signature(self):
        def sign(stage):
            with tempfile.TemporaryDirectory() as folder:
                text, signature = folder + "/text", folder + "/signature"
                with open(text, "wb") as file:
                    file.write(b"hello")
                stage.run("pkcs11-tool", "--slot-index", "1", "--login", "--pin",
                          openpgp_card.USER_PIN.decode(), "--id", "01", "--sign",
                          "--mechanism", "SHA256-RSA-PKCS", "--input-file", text,
                          "--output-file", signature)
                with open(signature, "rb") as file:
                    return file.read()
        self.assertTrue(openpgp_card.is_signature(self.both(sign), b"hello"))

    @unittest.skipIf(preload(), "gpg hangs when a sanitizer is loaded into it")
    @needs("gpg", "gpgconf")
    def test_gpg(self):
        said = self.both(self.use_gpg)
        self.assertIn("Name of cardholder: Alice Liddell", said)
        self.assertIn("Signature key ....: ", said)

    @staticmethod
    def use_gpg(stage):
        """Stops the agents that gpg starts before pcscd stops."""
        with tempfile.TemporaryDirectory(dir="/run/scd") as home:
            environment = {**os.environ, "GNUPGHOME": home}
            with open(home + "/scdaemon.conf", "w", encoding="utf-8") as file:
                file.write("disable-ccid\n")
            try:
                stage.run("gpg", "--quiet", "--list-keys", env=environment)
                return stage.run("gpg", "--card-status", env=environment)
            finally:
                subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True)


def without_progress(text):
    """Removes colors, times and the progress indicator from the output of pcsc_scan."""
    text = re.sub(r"\x1b\[\d*[mD]", "", text)
    lines = (line.strip() for line in re.split("[\r\n]", text))
    return "\n".join(line for line in lines if re.search("[A-Za-z]", line)
                     and not re.search(r"[\d:]{8} \d{4}|Ctrl-C|Insert or remove", line))


def spaced(atr):
    return " ".join(re.findall("..", atr))


def events_of(text):
    """Parses the output of pcsc_scan: reader, number, state, ATR."""
    return re.findall(r"^Reader (\d): .*\nEvent number: (\d+)\nCard state: Card (\w+), ?"
                      r"(?:\nATR: (.*))?", text, re.M)


def without_handles(text):
    """Removes the numbers that pkcs11-tool derives from memory addresses."""
    return re.sub(r"(Profile object) \d+", r"\1", text)


if __name__ == "__main__":
    case.main()
