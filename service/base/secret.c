/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/secret.h"

#include <string.h>

typedef struct {
    gsize length;
    guint8 data[];
} Secret;

static void
wipe_and_free(gpointer data)
{
    Secret *secret = data;
    explicit_bzero(secret->data, secret->length);
    g_free(secret);
}

GBytes *
scd_secret_new(gconstpointer data, gsize length)
{
    Secret *secret = g_malloc(sizeof(Secret) + length);
    secret->length = length;
    if (length > 0)
        memcpy(secret->data, data, length);
    return g_bytes_new_with_free_func(secret->data, length, wipe_and_free, secret);
}
