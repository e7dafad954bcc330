#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Control codes that a driver announces for its PIN pad: allowed to all who may use the card."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case, permissions
from scdtest.cases.permissions import ALICE, BOB, FEATURES, READER, ROOT
from scdtest.clients.other_user import CallError
from scdtest.clients.methods import short_name

ESCAPE, USB_PATH = 0x42000001, 0x42000E11
NEEDS_CONTROL = 'return action.id == "org.smartcardd1.control" ? polkit.Result.NO : ' \
                "polkit.Result.YES;"

# What drivers announce, and the codes that it makes available to users without "control".
DRIVERS = {
    "libccid": ("060442330006 070442330007 0A044233000A 120442330012 130442000001",
                (0x42330006, 0x42330007, 0x4233000A, 0x42330012)),
    "cyberJack": ("060442000DB2 070442000DB3 080442000DB4 090442000DB5 200442000DCC",
                  (0x42000DB2, 0x42000DB3, 0x42000DCC)),
    "start and finish": ("0104000F0001 0204000F0002 0504000F0005 0B04000F000B",
                         (0x000F0001, 0x000F0002, 0x000F0005, 0x000F000B)),
    "escape as a PIN pad": ("060442000001 070442330007", (0x42330007,)),
    "USB path as a PIN pad": ("070442000E11 060442330006", (0x42330006,)),
    "PIN pad that is an escape, too": ("060442330006 070442330007 130442330006", (0x42330007,)),
    "list of features as an escape": ("130442000D48 060442330006", (0x42330006,)),
    "nothing": ("silent", ()),
}
CODES = sorted({code for _, codes in DRIVERS.values() for code in codes} |
               {ESCAPE, USB_PATH, 0x42000DB4, 0x42000DB5})


class Codes(permissions.PermissionTest):
    def setUp(self):
        super().setUp()
        for code in CODES:
            self.cards.order("control", "A", f"{code:08X}", "9000")
        self.daemon.start(NEEDS_CONTROL)

    def allowed(self, user, send):
        """Returns the codes that the user may send, by a call of its own for each."""
        codes = []
        for code in CODES + [FEATURES[0]]:
            try:
                user.wait_for(send(code))
                codes.append(code)
            except CallError as error:
                self.assertEqual(short_name(error.name), "NotAuthorized", error.message)
        return tuple(codes)

    def send_control(self, user, code):
        return user.send(self.reader(), READER, "Control", "(uay)", code, [])

    def check(self, user, send):
        for name, (records, codes) in DRIVERS.items():
            self.announce_features(records.replace(" ", ""))
            self.assertEqual(self.allowed(user, send), (*sorted(codes), FEATURES[0]), name)

    def test_of_a_session(self):
        alice = self.other_user(ALICE)
        self.check(alice, self.connect(alice).send_control)

    def test_of_a_session_in_a_transaction(self):
        """A probe would have to wait for its end."""
        alice = self.other_user(ALICE)
        session = self.connect(alice)
        session.begin()
        self.check(alice, session.send_control)

    def test_of_a_reader(self):
        alice = self.other_user(ALICE)
        self.check(alice, lambda code: self.send_control(alice, code))

    def test_features_of_the_reader_follow(self):
        alice = self.other_user(ALICE)
        self.announce_features("070442000DB3")
        alice.call(self.reader(), READER, "Control", "(uay)", 0x42000DB3, [])
        self.assertEqual(self.observer.get(self.reader(), READER, "Features"),
                         ["modify-pin-direct"])

    def test_features_do_not_follow_a_forbidden_call(self):
        """The service connects to the reader only for those who may use it."""
        alice, bob = self.other_user(ALICE), self.other_user(BOB)
        before = self.observer.get(self.reader(), READER, "Features")
        self.announce_features("070442000DB3")
        for result, error in (("NO", "NotAuthorized"),
                              ("AUTH_SELF", "InteractiveAuthorizationRequired")):
            self.daemon.change_rule(f'return subject.user == "{ALICE}" ? polkit.Result.{result}'
                                    " : polkit.Result.YES;")
            for code in (0x42000DB3, ESCAPE):
                self.assert_refused(error, alice, self.send_control(alice, code))
            self.assertEqual(self.observer.get(self.reader(), READER, "Features"), before)
        bob.wait_for(self.send_control(bob, 0x42000DB3))
        self.assertEqual(self.observer.get(self.reader(), READER, "Features"),
                         ["modify-pin-direct"])

    def test_root_needs_no_feature(self):
        root = self.other_user(ROOT)
        self.announce_features("silent")
        session = self.connect(root)
        for code in CODES:
            session.control(code)
            root.call(self.reader(), READER, "Control", "(uay)", code, [])

    def test_query_ends_with_the_call(self):
        """A call that waits for the driver's list is answered when its session is closed."""
        alice = self.other_user(ALICE)
        session = self.connect(alice)
        self.announce_features("silent")
        self.cards.order("delay", "A", 60000)
        question = session.send_control(ESCAPE)
        self.cards.wait_for("A", "busy=1")
        closing = session.send("Close", "(s)", "leave")
        self.assert_refused("Cancelled", alice, question)
        self.cards.remove("A")  # ends the query
        alice.wait_for(closing)


if __name__ == "__main__":
    case.main()
