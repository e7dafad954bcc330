#!/usr/bin/gjs -m
// SPDX-License-Identifier: LGPL-2.1-or-later

// Waits for a card, and reads the application identifier of an OpenPGP card in a transaction.
//
// Usage: use-card.js READER

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Smartcardd from 'gi://Smartcardd?version=1';
import System from 'system';

const LIMIT_MS = 30000;

Gio._promisify(Smartcardd.Client, 'create_async', 'create_finish');
Gio._promisify(Smartcardd.Client.prototype, 'wait_for_card_async', 'wait_for_card_finish');
Gio._promisify(Smartcardd.Card.prototype, 'open_session_async', 'open_session_finish');
Gio._promisify(Smartcardd.Session.prototype, 'begin_transaction_async',
    'begin_transaction_finish');
Gio._promisify(Smartcardd.Session.prototype, 'send_async', 'send_finish');
Gio._promisify(Smartcardd.Transaction.prototype, 'end_async', 'end_finish');

async function send(session, hex) {
    const command = Smartcardd.Command.new_from_hex(hex);
    const [data, statusWord] = await session.send_async(command, LIMIT_MS, null);
    const meaning = Smartcardd.Command.describe_status(statusWord);
    print(`${hex}: ${data.get_size()} bytes, ${meaning}`);
}

async function useCard(reader) {
    const client = await Smartcardd.Client.create_async(null);
    const card = await client.wait_for_card_async(reader, LIMIT_MS, null);
    print(`card ${card.get_atr_hex()}`);
    const session = await card.open_session_async(Smartcardd.ShareMode.SHARED,
        Smartcardd.Protocols.ANY, LIMIT_MS, null);
    const transaction = await session.begin_transaction_async(LIMIT_MS, null);
    try {
        await send(session, '00A4040006D2760001240100');
        await send(session, '00CA004F00');
    } finally {
        await transaction.end_async(Smartcardd.Disposition.LEAVE, null);
    }
}

const loop = new GLib.MainLoop(null, false);
let status = 0;
useCard(ARGV[0] ?? null).catch(error => {
    printerr(error.message);
    status = 1;
}).finally(() => loop.quit());
loop.run();
System.exit(status);
