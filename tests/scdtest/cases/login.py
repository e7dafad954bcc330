# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of the PAM module and of the lock service: PAM, the service, and simulated cards."""

import os
import shutil

from scdtest.cases import case
from scdtest.clients.program import Program
from scdtest.fakes.logind import POLICY, SEATS, SESSIONS, USERS, Logind
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import built, simulated_reader

RECORDS = "/run/smartcardd-login"
OTHER_ATR = "3B021450"

# A card leads to the module for cards, which fails here; else the stack goes on to the one for
# passwords, which succeeds.
STACK = """\
auth [ignore=ignore authinfo_unavail=1 default=ignore] {module} {arguments}
auth requisite pam_deny.so
auth required pam_permit.so
account required pam_permit.so
session optional {module} {session}
session required pam_permit.so
"""
CARD, PASSWORD = "auth: auth_err", "auth: success"

INSERT = "info: Insert your smart card."


class LoginTest(case.TestBedTest):
    """Two readers, of which only the first is for logins."""

    SETTINGS = f"""\
[Login]
LoginCards=atr {ATR}
[Reader other]
MatchName=Simulated Reader Other*
Login=no
"""

    def setUp(self):
        super().setUp()
        for folder in (RECORDS, SEATS, SESSIONS, USERS):
            self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.start_bus()
        self.settings = os.path.join(self.testbed.folder, "smartcardd.conf")
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write(self.SETTINGS)

    def start_bus(self):
        policy = os.path.join(self.testbed.folder, "policy.conf")
        with open(policy, "w", encoding="utf-8") as file:
            file.write(POLICY)
        self.testbed.start_bus(policy=policy)

    def start_logind(self):
        logind = Logind()
        self._clients.append(logind)
        return logind

    def start(self, *cards):
        """cards: pairs of a reader, "Desk" or "Other", and the card in it."""
        cards = dict(cards)
        self.testbed.start_pcscd([simulated_reader(name, card=cards.get(name))
                                  for name in ("Desk", "Other")])
        self.start_service()
        self.client = self.recorder()
        self.readers = self.simulator()
        self.desk = self.client.reader("Reader Desk")

    def start_service(self):
        self.testbed.start_service("--config", self.settings)

    def kill_service(self):
        self.testbed.service.kill()
        self.testbed.service = None

    def stack(self, arguments="", session="", text=STACK):
        """Writes the stack "login"; returns the folder."""
        folder = os.path.join(self.testbed.folder, "pam.d")
        os.makedirs(folder, exist_ok=True)
        os.chmod(self.testbed.folder, 0o755)
        with open(os.path.join(folder, "login"), "w", encoding="utf-8") as file:
            file.write(text.format(module=built("login/pam_smartcardd.so"), arguments=arguments,
                                   session=session))
        return folder

    def pam(self, *operations, arguments="", session="", text=STACK, seat="XDG_SEAT=seat0",
            launcher=()):
        """Starts a program that logs in."""
        command = [*launcher, built("tests/login/pam-client"), self.stack(arguments, session, text), "login",
                   *([seat] if seat else []), *operations]
        program = Program(command)
        self.addCleanup(program.close)
        return program

    def inside_of_session(self, run='"$@"; exit $?'):
        """Returns a launcher that runs a program as a child of a process in the session c1."""
        path = os.path.join(self.testbed.folder, "cgroup")
        group = "/user.slice/user-65534.slice/session-c1.scope"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"1:name=systemd:{group}\n0::{group}\n")
        return ["unshare", "--mount", "sh", "-c",
                f"mount --bind {path} /proc/$$/cgroup && {run}", "sh"]

    def output_of_pam(self, *operations, **options):
        program = self.pam(*operations, **options)
        self.assertEqual(program.wait(), 0, program.errors)
        return program.lines

    def insert(self, name="Desk", atr=ATR):
        since = len(self.client.signals)
        self.readers.insert(name, atr)
        self.client.wait_for_signal("CardInserted", since=since)
