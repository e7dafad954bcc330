/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/bytes-list.h"

#include <string.h>

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
scd_secret_new_charged(gconstpointer data, gsize length, ScdAccount *account)
{
    ScdSecret *secret = g_malloc(sizeof(ScdSecret) + length);
    secret->charge = (ScdUserCharge){0};
    if (account)
        scd_user_charge_force(&secret->charge, account, SCD_SECRET_COST + length);
    secret->length = length;
    if (length > 0)
        memcpy(secret->data, data, length);
    return g_bytes_new_with_free_func(secret->data, length, wipe_and_free_secret, secret);
}
