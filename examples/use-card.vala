// SPDX-License-Identifier: LGPL-2.1-or-later

// Waits for a card, and reads the application identifier of an OpenPGP card in a transaction.
//
// Usage: use-card READER
//
// Build: valac --pkg=gio-2.0 --pkg=smartcardd-glib-1 use-card.vala

const int LIMIT_MS = 30000;

void send_command(Smartcardd.Session session, string hex) throws Error {
    uint16 status_word;
    var command = new Smartcardd.Command.from_hex(hex);
    var data = session.send(command, LIMIT_MS, null, out status_word);
    print("%s: %d bytes, %s\n", hex, data.length,
        Smartcardd.Command.describe_status(status_word));
}

void use_card(string? reader) throws Error {
    var client = new Smartcardd.Client(null);
    var card = client.wait_for_card(reader, LIMIT_MS, null);
    print("card %s\n", card.get_atr_hex());
    var session = card.open_session(Smartcardd.ShareMode.SHARED, Smartcardd.Protocols.ANY,
        LIMIT_MS, null);
    // Ends at the end of this function.
    var transaction = session.begin_transaction(LIMIT_MS, null);
    send_command(transaction.get_session(), "00A4040006D2760001240100");
    send_command(transaction.get_session(), "00CA004F00");
}

int main(string[] args) {
    try {
        use_card(args[1]);
    } catch (Error error) {
        printerr("%s\n", error.message);
        return 1;
    }
    return 0;
}
