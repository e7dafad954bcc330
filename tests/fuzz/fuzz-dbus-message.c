/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a D-Bus message: reads stay within them, and counts within the limit. */

#include "base/dbus-message.h"

#include <string.h>

#include "fuzz.h"

#define VALUES_MAX 1000

static void
check_string(const char *string, const guint8 *bytes, gsize length)
{
    if (string == NULL || *string == '\0')
        return;
    g_assert_true((const guint8 *)string > bytes && (const guint8 *)string < bytes + length);
    g_assert_true((const guint8 *)string + strlen(string) < bytes + length);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    gsize header_length, length, count = 0;
    ScdDbusHeader header;

    if (size < SCD_DBUS_FIXED_HEADER || !scd_dbus_measure(data, &header_length, &length) ||
        size < length)
        return 0;
    g_assert_cmpuint(header_length % 8, ==, 0);
    if (!scd_dbus_read_header(data, header_length, &header))
        return 0;
    g_assert_cmpuint(header_length + header.body_length, ==, length);
    const char *strings[] = {header.path,       header.interface,   header.member,
                             header.error_name, header.destination, header.sender};
    for (gsize i = 0; i < G_N_ELEMENTS(strings); i++)
        check_string(strings[i], data, header_length);
    if (scd_dbus_count_values(&header, data + header_length, VALUES_MAX, &count))
        g_assert_cmpuint(count, <=, VALUES_MAX);
    return 0;
}
