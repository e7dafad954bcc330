/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "secret.h"

#include <string.h>

typedef struct {
    gsize length;
    guint8 bytes[];
} SmartcarddSecret;

static void
free_secret(gpointer data)
{
    SmartcarddSecret *secret = data;

    explicit_bzero(secret->bytes, secret->length);
    g_free(secret);
}

GBytes *
smartcardd_secret_new_empty(gsize length, guint8 **data)
{
    SmartcarddSecret *secret = g_malloc(sizeof *secret + length);

    secret->length = length;
    *data = secret->bytes;
    return g_bytes_new_with_free_func(secret->bytes, length, free_secret, secret);
}

GBytes *
smartcardd_secret_new(gconstpointer data, gsize length)
{
    guint8 *copy;
    GBytes *bytes = smartcardd_secret_new_empty(length, &copy);

    if (length > 0)
        memcpy(copy, data, length);
    return bytes;
}
