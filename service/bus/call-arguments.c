/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/call-arguments.h"

#include <string.h>

/* Byte arrays and strings are contiguous in a message that GDBus has read. */
static void
wipe_value(GVariant *value)
{
    gsize length = 0;
    gconstpointer bytes = NULL;

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BYTESTRING)) {
        bytes = g_variant_get_fixed_array(value, &length, 1);
    } else if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)) {
        bytes = g_variant_get_string(value, &length);
    } else if (g_variant_is_container(value)) {
        for (gsize i = 0; i < g_variant_n_children(value); i++) {
            g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
            wipe_value(child);
        }
    }
    if (length > 0)
        explicit_bzero((gpointer)bytes, length);
}

static void
wipe_and_unref(gpointer data)
{
    g_autoptr(GVariant) arguments = data;

    wipe_value(arguments);
}

/* Called in GDBus's thread, before GDBus looks for the object. */
static GDBusMessage *
attach_wipe(GDBusConnection *bus, GDBusMessage *message, gboolean incoming, gpointer data)
{
    GVariant *arguments = g_dbus_message_get_body(message);

    if (incoming && arguments &&
        g_dbus_message_get_message_type(message) == G_DBUS_MESSAGE_TYPE_METHOD_CALL)
        g_object_set_data_full(G_OBJECT(message), "scd-call-arguments", g_variant_ref(arguments),
                               wipe_and_unref);
    return message;
}

void
scd_call_arguments_wipe(GDBusConnection *bus)
{
    g_dbus_connection_add_filter(bus, attach_wipe, NULL, NULL);
}
