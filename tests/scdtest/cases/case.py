# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base class of all tests, and their entry point, which prints TAP."""

import sys
import traceback
import unittest

from scdtest.clients.other_user import OtherUser
from scdtest.clients.recorder import Recorder
from scdtest.testbed import namespace
from scdtest.testbed.polkit import Polkit
from scdtest.testbed.simulator import Simulator
from scdtest.testbed.testbed import TestBed


class TestBedTest(unittest.TestCase):
    """Each test has a test bed of its own, whose processes must exit without an error."""

    def setUp(self):
        self.testbed = TestBed()
        self.addCleanup(self.testbed.close)
        self._clients = []
        self.addCleanup(self._close_clients)

    def _close_clients(self):
        for client in self._clients:
            client.close()

    def recorder(self):
        client = Recorder()
        self._clients.append(client)
        return client

    def other_user(self, name):
        client = OtherUser(name)
        self._clients.append(client)
        return client

    def polkit(self):
        """Returns a polkit that is not started yet; there must be a bus."""
        polkit = Polkit()
        self.addCleanup(polkit.close)
        return polkit

    def is_sanitized(self):
        """A sanitizer keeps freed memory: then nothing can be said about that of the service."""
        with open(f"/proc/{self.testbed.service.pid}/maps", encoding="utf-8") as file:
            content = file.read()
        return "libasan" in content or "libtsan" in content

    def memory(self, name):
        """Returns a figure of the status of the service, such as VmRSS, in MiB."""
        with open(f"/proc/{self.testbed.service.pid}/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith(name + ":"))
        return int(line.split()[1]) / 1024

    def simulator(self):
        client = Simulator()
        self._clients.append(client)
        return client


class _TapResult(unittest.TestResult):
    """Prints one line a test when it has ended, and all its errors as comments below the line."""

    def __init__(self):
        super().__init__()
        self._begin()

    def _begin(self):
        self._verdict, self._reason, self._errors = "ok", "", []

    def startTest(self, test):
        super().startTest(test)
        self._begin()

    def stopTest(self, test):
        super().stopTest(test)
        self._print(test)

    def _print(self, test):
        name = f"{type(test).__name__}.{getattr(test, '_testMethodName', test)}"
        print(f"{self._verdict} {self.testsRun} {name}{self._reason}", flush=True)
        for line in "".join(self._errors).splitlines():
            print("# " + line, flush=True)

    def _print_if_no_test(self, test):
        """The setup of a class fails or is skipped: it does not begin and end as a test does."""
        if not isinstance(test, unittest.TestCase):
            self._print(test)
            self._begin()

    def _failed(self, test, error):
        self._verdict, self._reason = "not ok", ""
        self._errors += traceback.format_exception(*error)
        self._print_if_no_test(test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._failed(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self._failed(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self._failed(test, (error[0], AssertionError(f"{subtest.id()}: {error[1]}"), error[2]))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._reason = f" # SKIP {reason}"
        self._print_if_no_test(test)


def main(private=True, preload=None):
    """Runs the tests of the calling file; names of tests may be given as arguments."""
    if private:
        namespace.enter(preload=preload)
    suite = unittest.TestLoader().loadTestsFromModule(sys.modules["__main__"])
    tests = [test for group in suite for test in group
             if len(sys.argv) < 2 or any(word in test.id() for word in sys.argv[1:])]
    result = _TapResult()
    print(f"1..{len(tests)}", flush=True)
    unittest.TestSuite(tests).run(result)
    sys.exit(not result.wasSuccessful())
