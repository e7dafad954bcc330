#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program with very many contexts does not use up its user's connections to the bus."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.clients.library import THROUGH_LIBRARY
from scdtest.clients.pcsc_client import PcscClient
from scdtest.clients.script import Script
from scdtest.testbed.testbed import built, simulated_reader

CONTEXTS = 64  # of a process, as docs/pcsc-library.md says
SUCCESS, NO_MEMORY = "00000000", "80100006"


def establish_many():
    contexts = []
    while True:
        code, context = establish()
        if code or len(contexts) == 1000:
            break
        contexts.append(context)
    say("contexts", len(contexts), code)
    say("good", sum(names(context)[0] == 0 for context in contexts))
    say("release", release(contexts.pop()), "establish", establish()[0], establish()[0])
    if os.fork() == 0:
        say("child", establish()[0])
        os._exit(0)
    os.wait()
    step()
    say("end")


class Limits(case.TestBedTest):
    def test_contexts_of_a_program(self):
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader("A")])
        self.testbed.start_service()
        scripts = [Script(THROUGH_LIBRARY, establish_many) for _ in range(3)]
        for script in scripts:
            self.addCleanup(script.close)
            self.assertEqual(script.line(), f"contexts {CONTEXTS:08X} {NO_MEMORY}")
            self.assertEqual(script.line(), f"good {CONTEXTS:08X}")
            self.assertEqual(script.line(), f"release {SUCCESS} establish {SUCCESS} {NO_MEMORY}")
            self.assertEqual(script.line(), f"child {SUCCESS}")
        client = self.recorder()
        client.wait_for_state(lambda c: len(c.readers()) == 1, "other clients are served")
        other = PcscClient(command=("env", "LD_LIBRARY_PATH=" + built("libpcsclite-dbus")))
        self.addCleanup(other.close)
        self.assertEqual(other.order("connect", "direct", "Simulated Reader A 00 00")[0], "ok")
        for script in scripts:
            script.go_on()
            self.assertEqual(script.rest(), ["end"])


if __name__ == "__main__":
    case.main()
