/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program that uses the client library, with a service that answers by the input. The first byte
 * of the input says what the program does beside the usual.
 */

#include <gio/gio.h>
#include <smartcardd-glib.h>
#include <stdlib.h>

#include "fake-bus.h"
#include "fuzz.h"

#define TIMEOUT_MS 2000

/* What the program does: bits. */
enum {
    SENDS_MANY = 1,
    BEGINS_TRANSACTION = 2,
    VERIFIES_PIN = 4,
    READS_LISTS = 8,
    READS_CARDS = 16,
    CHANGES_READER = 32,
};

/* The text of an error is that of the service, and may be empty. */
static void
check_result(gboolean succeeded, const GError *error)
{
    g_assert_cmpint(succeeded, ==, error == NULL);
    if (error != NULL)
        g_assert_true(error->domain == SMARTCARDD_ERROR);
}

static void
check_bytes(GBytes *bytes, GError *error)
{
    check_result(bytes != NULL, error);
    g_clear_pointer(&bytes, g_bytes_unref);
    g_clear_error(&error);
}

/* Commands whose responses are expected to begin or end so. */
static void
send_many(SmartcarddSession *session, GBytes *command)
{
    static const char *const expect[] = {"9000", "61XX", NULL};
    g_autoptr(GPtrArray) commands = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < 3; i++)
        g_ptr_array_add(commands, command);
    g_autoptr(GPtrArray) responses =
        smartcardd_session_transmit_many(session, commands, expect, TIMEOUT_MS, NULL, &error);
    g_assert_true(responses == NULL || (error == NULL && responses->len <= commands->len));
    for (guint i = 0; responses != NULL && i < responses->len; i++)
        g_bytes_get_size(responses->pdata[i]);
    g_clear_error(&error);
    GBytes *response =
        smartcardd_session_transmit_and_follow(session, command, TIMEOUT_MS, NULL, &error);
    check_bytes(response, g_steal_pointer(&error));
}

static void
verify_pin(SmartcarddSession *session, SmartcarddCommand *command)
{
    g_autoptr(SmartcarddPinFormat) format =
        smartcardd_pin_format_new(SMARTCARDD_PIN_ENCODING_ASCII, 4, 8);
    g_autoptr(GError) error = NULL;
    guint16 status;
    gboolean verified =
        smartcardd_session_verify_pin(session, command, format, TIMEOUT_MS, NULL, &status, &error);

    check_result(verified, error);
    smartcardd_session_modify_pin(session, command, format, TIMEOUT_MS, NULL, &status, NULL);
}

static void
use_transaction(SmartcarddSession *session, GBytes *command)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SmartcarddTransaction) transaction =
        smartcardd_session_begin_transaction(session, TIMEOUT_MS, NULL, &error);

    check_result(transaction != NULL, error);
    if (transaction == NULL)
        return;
    smartcardd_transaction_get_card_used(transaction);
    GBytes *response = smartcardd_session_transmit(session, command, TIMEOUT_MS, NULL, &error);
    check_bytes(response, g_steal_pointer(&error));
    smartcardd_transaction_end(transaction, SMARTCARDD_DISPOSITION_LEAVE, NULL, NULL);
}

static void
use_session(SmartcarddSession *session, guint8 program)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static("\x00\xA4\x00\x00", 4);
    g_autoptr(SmartcarddCommand) command = smartcardd_command_new_from_bytes(bytes, NULL);
    GError *error = NULL;
    guint16 status;
    GBytes *answer = smartcardd_session_transmit(session, bytes, TIMEOUT_MS, NULL, &error);

    check_bytes(answer, g_steal_pointer(&error));
    answer = smartcardd_session_send(session, command, TIMEOUT_MS, NULL, &status, &error);
    check_bytes(answer, g_steal_pointer(&error));
    answer = smartcardd_session_control(session, 0x42000D48, bytes, TIMEOUT_MS, NULL, &error);
    check_bytes(answer, g_steal_pointer(&error));
    answer = smartcardd_session_get_attribute(session, 0x10100, TIMEOUT_MS, NULL, &error);
    check_bytes(answer, g_steal_pointer(&error));
    if (program & SENDS_MANY)
        send_many(session, bytes);
    if (program & VERIFIES_PIN)
        verify_pin(session, command);
    if (program & BEGINS_TRANSACTION)
        use_transaction(session, bytes);
    smartcardd_session_reconnect(session, SMARTCARDD_SHARE_MODE_SHARED, SMARTCARDD_PROTOCOLS_ANY,
                                 SMARTCARDD_DISPOSITION_LEAVE, TIMEOUT_MS, NULL, NULL);
    smartcardd_session_close(session, SMARTCARDD_DISPOSITION_LEAVE, TIMEOUT_MS, NULL, NULL);
}

static void
read_reader(SmartcarddReader *reader)
{
    SmartcarddCard *card = smartcardd_reader_get_card(reader);

    g_assert_nonnull(smartcardd_reader_get_name(reader));
    g_assert_nonnull(smartcardd_reader_get_features(reader));
    g_assert_nonnull(smartcardd_reader_get_object_path(reader));
    smartcardd_reader_matches(reader, "Fake");
    if (card != NULL) {
        g_assert_nonnull(smartcardd_card_get_atr_hex(card));
        g_assert_true(smartcardd_card_get_reader(card) == reader);
    }
}

static void
read_card(SmartcarddCard *card)
{
    g_auto(GStrv) names = smartcardd_card_list_interface_bytes(card);

    g_assert_nonnull(smartcardd_card_get_dictionary(card));
    g_assert_nonnull(smartcardd_card_get_atr(card));
    g_assert_nonnull(smartcardd_card_get_historical_bytes(card));
    g_assert_nonnull(smartcardd_card_get_names(card));
    g_assert_nonnull(smartcardd_card_get_protocols(card));
    for (char **name = names; *name != NULL; name++) {
        gint byte = smartcardd_card_get_interface_byte(card, *name);
        g_assert_true(byte >= 0 && byte <= 255);
    }
}

static void
read_cards(SmartcarddClient *client)
{
    GListModel *cards = smartcardd_client_get_cards(client);

    for (guint i = 0; i < g_list_model_get_n_items(cards); i++) {
        g_autoptr(SmartcarddCard) card = g_list_model_get_item(cards, i);

        read_card(card);
    }
    g_autoptr(SmartcarddCard) card = smartcardd_client_wait_for_card(client, NULL, 1, NULL, NULL);
    if (card == NULL)
        return;
    g_autoptr(SmartcarddSession) session = smartcardd_card_open_session(
        card, SMARTCARDD_SHARE_MODE_SHARED, SMARTCARDD_PROTOCOLS_ANY, TIMEOUT_MS, NULL, NULL);
    if (session != NULL)
        g_assert_nonnull(smartcardd_session_get_object_path(session));
}

static void
read_lists(SmartcarddClient *client)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) devices_error = NULL;
    g_autoptr(GVariant) sessions = smartcardd_client_list_sessions(client, NULL, &error);
    g_autoptr(GVariant) devices =
        smartcardd_client_list_unserved_devices(client, NULL, &devices_error);

    check_result(sessions != NULL, error);
    check_result(devices != NULL, devices_error);
    g_assert_true(sessions == NULL || g_variant_is_of_type(sessions, G_VARIANT_TYPE("aa{sv}")));
    g_assert_true(devices == NULL || g_variant_is_of_type(devices, G_VARIANT_TYPE("aa{sv}")));
    g_assert_nonnull(smartcardd_client_get_features(client));
    g_assert_nonnull(smartcardd_client_get_version(client));
    SmartcarddReader *reader = smartcardd_client_find_reader(client, "fake");
    g_assert_true(reader == NULL || SMARTCARDD_IS_READER(reader));
}

static void
change_reader(SmartcarddReader *reader)
{
    g_autoptr(GBytes) input = g_bytes_new_static("x", 1);
    g_autoptr(GError) error = NULL;

    smartcardd_reader_refresh(reader, TIMEOUT_MS, NULL, NULL);
    smartcardd_reader_set_alias(reader, "door", SMARTCARDD_ALIAS_BINDING_PORT, TIMEOUT_MS, NULL,
                                NULL);
    GBytes *answer = smartcardd_reader_control(reader, 0x42000D48, input, TIMEOUT_MS, NULL, &error);
    check_bytes(answer, g_steal_pointer(&error));
}

static void
use_client(SmartcarddClient *client, guint8 program)
{
    GListModel *readers = smartcardd_client_get_readers(client);

    for (guint i = 0; i < g_list_model_get_n_items(readers); i++) {
        g_autoptr(SmartcarddReader) reader = g_list_model_get_item(readers, i);

        read_reader(reader);
    }
    if (program & READS_LISTS)
        read_lists(client);
    if (program & READS_CARDS)
        read_cards(client);
    g_autoptr(SmartcarddReader) first = g_list_model_get_item(readers, 0);
    if (first == NULL)
        return;
    if (program & CHANGES_READER)
        change_reader(first);
    g_autoptr(SmartcarddSession) session = smartcardd_reader_open_session(
        first, SMARTCARDD_SHARE_MODE_SHARED, SMARTCARDD_PROTOCOLS_ANY, TIMEOUT_MS, NULL, NULL);
    if (session != NULL)
        use_session(session, program);
}

static void
run_main_context(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

/* The thread of GDBus may have the last reference to a connection, and does not wake this one. */
static void
wait_for_end(GDBusConnection **connection)
{
    gint64 limit = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

    while (g_atomic_pointer_get(connection) != NULL) {
        run_main_context();
        g_usleep(100);
        g_assert_cmpint(g_get_monotonic_time(), <, limit);
    }
    run_main_context();
}

static GDBusConnection *
connect_to_bus(void)
{
    g_autoptr(GError) error = NULL;
    GDBusConnection *connection =
        g_dbus_connection_new_for_address_sync(getenv("DBUS_SYSTEM_BUS_ADDRESS"),
                                               G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                   G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                               NULL, NULL, &error);

    g_assert_no_error(error);
    return connection;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    ScdFuzzInput input = {data, size};
    guint8 program = scd_fuzz_take_byte(&input);
    g_autoptr(GError) error = NULL;

    scd_fake_bus_set_answers(input.data, input.size, SCD_FAKE_BUS_STAYS);
    GDBusConnection *connection = connect_to_bus();
    SmartcarddClient *client = smartcardd_client_new_for_connection(connection, NULL, &error);
    g_assert_cmpint(client != NULL, ==, error == NULL);
    if (client != NULL)
        use_client(client, program);
    run_main_context();
    g_clear_object(&client);
    g_dbus_connection_close_sync(connection, NULL, NULL);
    g_object_add_weak_pointer(G_OBJECT(connection), (gpointer *)&connection);
    g_object_unref(connection);
    wait_for_end(&connection);
    return 0;
}
