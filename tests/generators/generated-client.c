/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Usage: scd-generated-client READER-PATH COMMAND...
 *
 * Uses a card by the code that gdbus-codegen generates from the interfaces. Prints one line for
 * each value: a word and the value, bytes in hex. The commands are in hex.
 */

#include <gio/gunixfdlist.h>
#include <stdio.h>
#include <stdlib.h>

#include "scd-generated.h"

#define SERVICE "org.smartcardd1"
#define ROOT "/org/smartcardd1"

static void
exit_if_failed(gboolean ok, const GError *error)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(EXIT_FAILURE);
}

static GVariant *
parse_hex(const char *text)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    for (; g_ascii_isxdigit(text[0]) && g_ascii_isxdigit(text[1]); text += 2) {
        guint8 byte = g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]);
        g_byte_array_append(bytes, &byte, 1);
    }
    return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes->data, bytes->len, 1);
}

static void
print_bytes(const char *word, GVariant *bytes)
{
    gsize length;
    const guint8 *data = g_variant_get_fixed_array(bytes, &length, 1);

    printf("%s ", word);
    for (gsize i = 0; i < length; i++)
        printf("%02X", data[i]);
    printf("\n");
}

static GVariant *
new_no_options(void)
{
    return g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0);
}

static ScdReader *
find_reader(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusObjectManager) manager = scd_object_manager_client_new_for_bus_sync(
        G_BUS_TYPE_SYSTEM, G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE, SERVICE, ROOT, NULL, &error);

    exit_if_failed(manager != NULL, error);
    g_autoptr(GDBusObject) object = g_dbus_object_manager_get_object(manager, path);
    ScdReader *reader = object ? scd_object_get_reader(SCD_OBJECT(object)) : NULL;
    if (!reader) {
        fprintf(stderr, "There is no reader %s\n", path);
        exit(EXIT_FAILURE);
    }
    return reader;
}

static ScdSession *
connect_to_card(ScdReader *reader)
{
    static const char *const any[] = {NULL};
    g_autofree char *path = NULL, *protocol = NULL;
    g_autoptr(GError) error = NULL;

    exit_if_failed(scd_reader_call_connect_sync(reader, "shared", any, new_no_options(), &path,
                                                &protocol, NULL, &error),
                   error);
    printf("protocol %s\n", protocol);
    ScdSession *session = scd_session_proxy_new_for_bus_sync(
        G_BUS_TYPE_SYSTEM, G_DBUS_PROXY_FLAGS_NONE, SERVICE, path, NULL, &error);
    exit_if_failed(session != NULL, error);
    return session;
}

static void
transmit(ScdSession *session, const char *command)
{
    g_autoptr(GVariant) response = NULL;
    g_autoptr(GError) error = NULL;

    exit_if_failed(scd_session_call_transmit_sync(session, parse_hex(command), new_no_options(),
                                                  &response, NULL, &error),
                   error);
    print_bytes("response", response);
}

static void
transmit_all(ScdSession *session, char *const *commands)
{
    g_auto(GVariantBuilder) script = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("aay"));
    g_autoptr(GVariant) responses = NULL;
    g_autofree char *stopped = NULL;
    g_autoptr(GError) error = NULL;

    for (; *commands; commands++)
        g_variant_builder_add_value(&script, parse_hex(*commands));
    exit_if_failed(scd_session_call_transmit_many_sync(session, g_variant_builder_end(&script),
                                                       new_no_options(), &responses, &stopped, NULL,
                                                       &error),
                   error);
    for (gsize i = 0; i < g_variant_n_children(responses); i++) {
        g_autoptr(GVariant) response = g_variant_get_child_value(responses, i);
        print_bytes("one-of-many", response);
    }
    printf("stopped '%s'\n", stopped);
}

static void
get_status(ScdSession *session)
{
    g_autofree char *reader = NULL, *protocol = NULL;
    g_autoptr(GVariant) atr = NULL;
    g_autoptr(GError) error = NULL;
    guint state;

    exit_if_failed(scd_session_call_get_status_sync(session, new_no_options(), &reader, &state,
                                                    &protocol, &atr, NULL, &error),
                   error);
    print_bytes("atr", atr);
}

static void
open_channel(ScdSession *session)
{
    g_autoptr(GUnixFDList) descriptors = NULL;
    g_autoptr(GVariant) handle = NULL;
    g_autoptr(GError) error = NULL;

    exit_if_failed(scd_session_call_open_channel_sync(session, new_no_options(), NULL, &handle,
                                                      &descriptors, NULL, &error),
                   error);
    printf("descriptors %d\n", g_unix_fd_list_get_length(descriptors));
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    if (argc < 3) {
        fprintf(stderr, "Usage: %s READER-PATH COMMAND...\n", argv[0]);
        return EXIT_FAILURE;
    }
    g_autoptr(ScdReader) reader = find_reader(argv[1]);
    g_autoptr(ScdSession) session = connect_to_card(reader);
    for (char **command = argv + 2; *command; command++)
        transmit(session, *command);
    transmit_all(session, argv + 2);
    get_status(session);
    open_channel(session);
    exit_if_failed(scd_session_call_close_sync(session, "leave", new_no_options(), NULL, &error),
                   error);
    return EXIT_SUCCESS;
}
