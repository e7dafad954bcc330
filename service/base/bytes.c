/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/bytes.h"

#include <string.h>

#include "base/error.h"

typedef struct {
    ScdUserCharge charge;
    gsize length;
    guint8 data[];
} ScdSecret;

void
scd_bytes_list_add(ScdBytesList *list, GBytes *bytes)
{
    guint index = list->length++;

    if (index == 0) {
        list->first = bytes;
        return;
    }
    if (index > list->room) {
        list->room = MAX(8, 2 * list->room);
        list->others = g_renew(GBytes *, list->others, list->room);
    }
    list->others[index - 1] = bytes;
}

GBytes *
scd_bytes_list_get(const ScdBytesList *list, guint index)
{
    g_assert(index < list->length);
    return index == 0 ? list->first : list->others[index - 1];
}

void
scd_bytes_list_clear(ScdBytesList *list)
{
    for (guint i = 0; i < list->length; i++)
        g_bytes_unref(scd_bytes_list_get(list, i));
    g_free(list->others);
    *list = (ScdBytesList){0};
}

static void
wipe_and_free_secret(gpointer data)
{
    ScdSecret *secret = data;
    explicit_bzero(secret->data, secret->length);
    scd_user_charge_give_back(&secret->charge);
    g_free(secret);
}

GBytes *
scd_secret_new(gconstpointer data, gsize length)
{
    return scd_secret_new_charged(data, length, NULL);
}

GBytes *
scd_secret_new_of_size(gsize length, ScdAccount *account, guint8 **data)
{
    ScdSecret *secret = g_malloc(sizeof(ScdSecret) + length);
    secret->charge = (ScdUserCharge){0};
    if (account)
        scd_user_charge_force(&secret->charge, account, SCD_SECRET_CHARGE(length));
    secret->length = length;
    *data = secret->data;
    return g_bytes_new_with_free_func(secret->data, length, wipe_and_free_secret, secret);
}

GBytes *
scd_secret_new_charged(gconstpointer data, gsize length, ScdAccount *account)
{
    guint8 *copy;
    GBytes *secret = scd_secret_new_of_size(length, account, &copy);

    if (length > 0)
        memcpy(copy, data, length);
    return secret;
}

void
scd_hex_write(char *hex, const guint8 *bytes, gsize length)
{
    static const char digits[] = "0123456789ABCDEF";

    for (gsize i = 0; i < length; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 0x0F];
    }
    hex[2 * length] = '\0';
}

char *
scd_hex_from_bytes(const guint8 *bytes, gsize length)
{
    char *hex = g_malloc(2 * length + 1);

    scd_hex_write(hex, bytes, length);
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
