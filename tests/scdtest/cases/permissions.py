# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base class of tests of permissions: two readers with cards, polkit, and several users."""

import contextlib
import os
import signal

from scdtest.cases import case
from scdtest.clients.methods import short_name
from scdtest.clients.other_user import CallError
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import simulated_reader

ROOT, ALICE, BOB, WITNESS = "root", "nobody", "daemon", "games"
NAME = "org.smartcardd1"
MANAGER_PATH, MANAGER = "/org/smartcardd1", NAME + ".Manager"
READER, CARD, SESSION = NAME + ".Reader", NAME + ".Card", NAME + ".Session"
OTHER_ATR = "3B02145012"

# Bodies of rules.
ALLOW = "return polkit.Result.YES;"
DENY = "return polkit.Result.NO;"
DENY_ALICE = f'return subject.user == "{ALICE}" ? polkit.Result.NO : polkit.Result.YES;'

# Commands and responses of the simulated card: see tests/sim/card.c.
VERIFY = "00200080083132333435363738"
IS_VERIFIED = "80220000"
VERIFIED, NOT_VERIFIED = "9000", "6982"

VERIFY_PIN_DIRECT = 0x42330006  # a feature of PC/SC part 10
FEATURES = (0x42000D48, "060442330006")  # the control code that lists them, and the list
VENDOR_CODE = 0x42000001


class OtherUserSession:
    """A session of another user."""

    def __init__(self, user, path):
        self.user, self.path = user, path

    def send(self, method, signature="()", *arguments, **options):
        return self.user.send(self.path, SESSION, method, signature, *arguments, **options)

    def call(self, *order, **options):
        return self.user.wait_for(self.send(*order, **options))

    def transmit(self, command):
        """Hex in, upper-case hex out."""
        answer = self.call("Transmit", "(aya{sv})", list(bytes.fromhex(command)), {})
        return bytes(answer[0]).hex().upper()

    def begin(self):
        self.call("BeginTransaction", "(a{sv})", {})

    def end(self):
        self.call("EndTransaction", "(s)", "leave")

    def send_control(self, code, **options):
        return self.send("Control", "(uay)", code, [], **options)

    def control(self, code):
        self.user.wait_for(self.send_control(code))

    def send_reconnect(self, share_mode="shared", **options):
        return self.send("Reconnect", "(sass)", share_mode, [], "leave", **options)

    def reconnect(self, share_mode="shared"):
        self.user.wait_for(self.send_reconnect(share_mode))

    def close(self):
        self.call("Close", "(s)", "leave")

    def wait_for_closed(self):
        """Returns the reason."""
        return self.user.wait_for_signal(self.path, "Closed")[0]


class PermissionTest(case.TestBedTest):
    """Reader A has the usual card, B another one."""

    settings = ""  # of smartcardd.conf
    simulated = "A"  # the simulator's name of the reader that supports driver commands

    def setUp(self):
        super().setUp()
        self.start_bus()
        self.daemon = self.polkit()
        self.start_pcscd()
        config = os.path.join(self.testbed.folder, "smartcardd.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(self.settings)
        self.testbed.start_service("--config", config)
        self.observer = self.recorder()
        self.cards = self.simulator()
        for code in (VERIFY_PIN_DIRECT, VENDOR_CODE):
            self.cards.order("control", self.simulated, f"{code:08X}", "9000")
        self.announce_features(FEATURES[1])

    def announce_features(self, records):
        self.cards.order("control", self.simulated, f"{FEATURES[0]:08X}", records)

    def start_bus(self):
        self.testbed.start_bus()

    def start_pcscd(self):
        self.testbed.start_pcscd([simulated_reader("A", card=ATR),
                                simulated_reader("B", card=OTHER_ATR)])

    def reader(self, name="A"):
        return self.observer.reader("Reader " + name)

    def card(self, name="A"):
        return self.observer.get(self.reader(name), READER, "Card")

    def send_connect(self, user, path=None, share_mode="shared", **options):
        """path: of a reader or of a card; it is reader A without it."""
        path = path or self.reader()
        return user.send(path, CARD if "/cards/" in path else READER, "Connect", "(sasa{sv})",
                         share_mode, [], {}, **options)

    def connect(self, user, path=None, share_mode="shared", **options):
        number = self.send_connect(user, path, share_mode, **options)
        return OtherUserSession(user, user.wait_for(number)[0])

    def refusal(self, user, number):
        """Returns the error that the call must end in: its name without our prefix, its text."""
        with self.assertRaises(CallError) as caught:
            user.wait_for(number)
        return short_name(caught.exception.name), caught.exception.message

    def assert_refused(self, name, user, number):
        self.assertEqual(self.refusal(user, number)[0], name)

    def assert_revoked(self, session):
        self.assertEqual(session.wait_for_closed(), "revoked")

    def kill(self, *users):
        """Returns when the bus has announced that they are gone, before later calls arrive."""
        watcher = self.recorder()
        left = watcher.departures()
        for user in users:
            user.leave()
        watcher.wait(lambda: {user.name for user in users} <= left, "the bus announces it")

    def list_sessions(self, user):
        return user.call(MANAGER_PATH, MANAGER, "ListSessions")[0]

    def pause_service(self):
        """Stops the service with SIGSTOP until resume_service()."""
        self.testbed.service.send_signal(signal.SIGSTOP)
        self.addCleanup(self.resume_service)

    def resume_service(self):
        self.testbed.service.send_signal(signal.SIGCONT)

    def wait_until_seen(self, user):
        """Waits until the service has received all earlier messages of this user and polkit."""
        user.call(MANAGER_PATH, MANAGER, "FindReader", "(s)", self.reader())

    @contextlib.contextmanager
    def polkit_away(self, user, rule):
        """Stops polkit, and continues when it is back and this user's sessions have been rechecked.

        The recheck begins some time after polkit is back; the revoked session of another user
        shows that it has begun.
        """
        as_witness = f'if (subject.user == "{WITNESS}") return polkit.Result.'
        self.daemon.change_rule(as_witness + "YES;" + rule)
        witness = self.connect(self.other_user(WITNESS))
        self.daemon.stop()
        yield
        self.daemon.start(as_witness + "NO;" + rule)
        self.assertEqual(witness.wait_for_closed(), "revoked")
        self.wait_for_recheck(user)

    def wait_for_recheck(self, user):
        """Waits until polkit has replied to earlier checks of this user's sessions."""
        user.call(MANAGER_PATH, MANAGER, "CanConnect", "(o)", self.reader())
