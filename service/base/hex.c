/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/hex.h"

#include <string.h>

#include "base/error.h"

char *
scd_hex_from_bytes(const guint8 *bytes, gsize length)
{
    static const char digits[] = "0123456789ABCDEF";
    char *hex = g_malloc(2 * length + 1);

    for (gsize i = 0; i < length; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 0x0F];
    }
    hex[2 * length] = '\0';
    return hex;
}

static gboolean
is_end_of_byte(char c)
{
    return c == ' ' || c == ':' || c == '\0';
}

/* at: the first character of a byte. position: that of *at in the whole text, from 1. */
static gboolean
parse_byte(const char *at, gsize position, guint8 *byte, GError **error)
{
    int high = g_ascii_xdigit_value(at[0]);
    int low = high < 0 ? -1 : g_ascii_xdigit_value(at[1]);

    if (high >= 0 && low >= 0) {
        *byte = (guint8)(high << 4 | low);
        return TRUE;
    }
    if (high >= 0 && is_end_of_byte(at[1]))
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    "the byte at position %" G_GSIZE_FORMAT " has one hexadecimal digit, not two",
                    position);
    else
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    "no hexadecimal digit at position %" G_GSIZE_FORMAT,
                    high < 0 ? position : position + 1);
    return FALSE;
}

guint8 *
scd_hex_to_bytes(const char *hex, gsize *length, GError **error)
{
    /* Not 0 bytes, for which g_malloc() returns NULL. */
    gsize room = strlen(hex) / 2 + 1;
    g_autofree guint8 *bytes = g_malloc(room);
    gsize n = 0;

    for (const char *at = hex + strspn(hex, " :"); *at != '\0'; at += strspn(at, " :")) {
        if (!parse_byte(at, (gsize)(at - hex) + 1, &bytes[n], error)) {
            explicit_bzero(bytes, n);
            return NULL;
        }
        n++;
        at += 2;
    }
    *length = n;
    return g_steal_pointer(&bytes);
}
