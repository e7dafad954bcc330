#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waits for a card, and reads the application identifier of an OpenPGP card in a transaction.

Usage: use-card.py READER
"""

import sys

import gi

gi.require_version("Smartcardd", "1")
from gi.repository import GLib, Smartcardd  # noqa: E402

LIMIT_MS = 30000


def send(session, command):
    data, status_word = session.send(Smartcardd.Command.new_from_hex(command), LIMIT_MS, None)
    meaning = Smartcardd.Command.describe_status(status_word)
    print(f"{command}: {data.get_size()} bytes, {meaning}")


def main(reader):
    client = Smartcardd.Client.new(None)
    card = client.wait_for_card(reader, LIMIT_MS, None)
    print("card", card.get_atr_hex())
    session = card.open_session(Smartcardd.ShareMode.SHARED, Smartcardd.Protocols.ANY, LIMIT_MS,
                                None)
    transaction = session.begin_transaction(LIMIT_MS, None)
    try:
        send(session, "00A4040006D2760001240100")
        send(session, "00CA004F00")
    finally:
        transaction.end(Smartcardd.Disposition.LEAVE, None)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: use-card.py READER")
    try:
        main(sys.argv[1])
    except GLib.Error as error:
        sys.exit(error.message)
