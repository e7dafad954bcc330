# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls of another user than root, for whom the service asks polkit."""

import report
import stage
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import connect_to_bus
from scdtest.testbed.users import as_user
from transmit import add_times

USER = "daemon"
RULE = "return polkit.Result.YES;"
ROUNDS, CALLS = 40, 32
MARK = 1.1


def bench_users():
    """Connect and Card.Transmit of another user than root"""
    with stage.testbed(card=ATR, polkit_rule=RULE), report.table("another user than root"):
        with as_user(USER):
            client = connect_to_bus()
        words = ("transmit", stage.reader_name("A"), client.get_unique_name(), 5, "-", CALLS)
        columns = zip(*stage.measure_in_turn(
            ROUNDS, (None, (*words, "connect", "card", "question")),
            (USER, (*words, "connect", "card"))))
        report_calls(*columns)
        client.close_sync(None)


def report_calls(connect, card, question, connect_of_user, card_of_user):
    report.timed("a question to polkit about the user", question)
    for what, root, user in (("Connect and Close", connect, connect_of_user),
                             ("Card.Transmit", card, card_of_user)):
        report.timed(f"{what}, root", root)
        report.judge(f"{what}, another user than root", user, add_times(root, question),
                     "the same as root, and a question to polkit", MARK)
