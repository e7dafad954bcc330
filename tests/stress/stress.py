# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base class of tests in which processes die at random moments.

SCD_STRESS=1 makes them die as often as a release needs it, instead of a few times. Each test prints
its seed; SCD_SEED=NUMBER repeats the choices of an earlier run.
"""

import collections
import os
import random
import time

from figures import kinds_of_descriptors, names_of_threads, wait_until_quiet
from load import Load, kinds
from scdtest.cases.permissions import ALLOW
from scdtest.cases.sessions import IS_VERIFIED, NOT_VERIFIED, SessionTest
from scdtest.testbed import events

# Descriptors that the service may have more than before: that of a reader which is not used any more
# is closed when another one is used. Far fewer than processes die.
SPARE = 4

OTHER_USER = "nobody"
PATIENT = "[Transactions]\nIdleLimitSec=3600\nTotalLimitSec=86400\n"


def count(few, many):
    """How often a process dies."""
    return many if os.environ.get("SCD_STRESS") else few


class StressTest(SessionTest):
    readers = "ABC"

    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("SCD_SEED") or random.randrange(1 << 32))
        print(f"# {self.id()}: SCD_SEED={seed}", flush=True)
        self.numbers = random.Random(seed)
        self.loads = []
        self.addCleanup(self.close_loads)
        self.failures = collections.Counter()

    def start(self, settings="", environment=None):
        self.authority = self.polkit()
        self.authority.start(ALLOW)
        super().start(settings, environment)
        self.watcher = self.client()
        self.wait_for_cards()
        self.start_loads()
        self.close_loads()
        self.before = self.size()

    def wait_for_cards(self, other_than=()):
        """Waits until all cards are there, and none of those of before."""
        self.watcher.wait_for_state(
            lambda client: len(client.cards()) == len(self.readers)
            and not set(client.cards()) & set(other_than), "all cards are there")

    def size(self):
        """Counts the kinds of descriptors and the threads of the service when it is quiet."""
        pid = self.testbed.service.pid
        wait_until_quiet(self.watcher, pid)
        return collections.Counter([*kinds_of_descriptors(pid), *names_of_threads(pid)])

    def start_load(self, kind):
        account = self.numbers.choice(["root", OTHER_USER])
        self.loads.append(Load(kind, self.numbers.randrange(1 << 32), account))
        return self.loads[-1]

    def start_loads(self, kinds_of_loads=None):
        """Starts programs of all kinds, and waits until each of them has used a card."""
        for kind in kinds_of_loads or kinds():
            self.start_load(kind)
        self.wait_for_uses()

    def wait_for_uses(self):
        """Waits until each program has used a card from now on."""
        for load in self.loads:
            load.wait_for_use()

    def close_load(self, load):
        self.loads.remove(load)
        self.failures += load.failures
        load.close()

    def close_loads(self):
        while self.loads:
            self.close_load(self.loads[-1])

    def pause(self, longest):
        """Whatever runs meanwhile is somewhere in the middle of its work at the end of it."""
        time.sleep(self.numbers.uniform(0, longest))

    def assert_nothing_left(self):
        """Ends all programs. The cards are free, and without a PIN; the service has its old size."""
        self.close_loads()
        print(f"# failures: {dict(self.failures)}", flush=True)
        events.poll_until(lambda: (self.size() - self.before).total() <= SPARE,
                          lambda: f"the service has little new: {self.size() - self.before}")
        for reader in self.readers:
            session = self.session(reader, "exclusive")
            self.assertEqual(session.transmit(IS_VERIFIED), NOT_VERIFIED)
            session.close()
