/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that uses the client library, with a service that answers by the input. */

#include <gio/gio.h>
#include <smartcardd-glib.h>
#include <stdlib.h>

#include "fake-bus.h"
#include "fuzz.h"

#define TIMEOUT_MS 2000

static void
check_bytes(GBytes *bytes, GError *error)
{
    g_assert_cmpint(bytes != NULL, ==, error == NULL);
    g_clear_pointer(&bytes, g_bytes_unref);
    if (error != NULL)
        g_assert_true(error->domain == SMARTCARDD_ERROR);
    g_clear_error(&error);
}

static void
use_session(SmartcarddSession *session)
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
use_client(SmartcarddClient *client)
{
    GListModel *readers = smartcardd_client_get_readers(client);

    for (guint i = 0; i < g_list_model_get_n_items(readers); i++) {
        g_autoptr(SmartcarddReader) reader = g_list_model_get_item(readers, i);

        read_reader(reader);
    }
    g_autoptr(SmartcarddReader) first = g_list_model_get_item(readers, 0);
    if (first == NULL)
        return;
    g_autoptr(SmartcarddSession) session = smartcardd_reader_open_session(
        first, SMARTCARDD_SHARE_MODE_SHARED, SMARTCARDD_PROTOCOLS_ANY, TIMEOUT_MS, NULL, NULL);
    if (session != NULL)
        use_session(session);
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
    g_autoptr(GError) error = NULL;

    scd_fake_bus_set_answers(data, size, SCD_FAKE_BUS_STAYS);
    GDBusConnection *connection = connect_to_bus();
    SmartcarddClient *client = smartcardd_client_new_for_connection(connection, NULL, &error);
    g_assert_cmpint(client != NULL, ==, error == NULL);
    if (client != NULL)
        use_client(client);
    run_main_context();
    g_clear_object(&client);
    g_dbus_connection_close_sync(connection, NULL, NULL);
    g_object_add_weak_pointer(G_OBJECT(connection), (gpointer *)&connection);
    g_object_unref(connection);
    wait_for_end(&connection);
    return 0;
}
