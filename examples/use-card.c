/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Waits for a card, and reads the application identifier of an OpenPGP card in a transaction.
 *
 * Usage: use-card READER
 *
 * Build: cc use-card.c $(pkg-config --cflags --libs smartcardd-glib-1) -o use-card
 */

#include <smartcardd-glib.h>

#define LIMIT_MS 30000

static gboolean
send_command(SmartcarddSession *session, const char *hex, GError **error)
{
    guint16 status_word;
    g_autoptr(SmartcarddCommand) command = smartcardd_command_new_from_hex(hex, error);
    g_autoptr(GBytes) data =
        command ? smartcardd_session_send(session, command, LIMIT_MS, NULL, &status_word, error)
                : NULL;

    if (!data)
        return FALSE;
    g_autofree char *meaning = smartcardd_command_describe_status(status_word);
    g_print("%s: %" G_GSIZE_FORMAT " bytes, %s\n", hex, g_bytes_get_size(data), meaning);
    return TRUE;
}

static gboolean
use_card(const char *reader, GError **error)
{
    g_autoptr(SmartcarddClient) client = smartcardd_client_new(NULL, error);
    g_autoptr(SmartcarddCard) card =
        client ? smartcardd_client_wait_for_card(client, reader, LIMIT_MS, NULL, error) : NULL;

    if (!card)
        return FALSE;
    g_print("card %s\n", smartcardd_card_get_atr_hex(card));
    g_autoptr(SmartcarddSession) session = smartcardd_card_open_session(
        card, SMARTCARDD_SHARE_MODE_SHARED, SMARTCARDD_PROTOCOLS_ANY, LIMIT_MS, NULL, error);
    if (!session)
        return FALSE;
    /* Ends at the end of this function. */
    g_autoptr(SmartcarddTransaction) transaction =
        smartcardd_session_begin_transaction(session, LIMIT_MS, NULL, error);
    return transaction && send_command(session, "00A4040006D2760001240100", error) &&
           send_command(session, "00CA004F00", error);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    if (argc == 2 && use_card(argv[1], &error))
        return 0;
    g_printerr("%s\n", error ? error->message : "Usage: use-card READER");
    return 1;
}
