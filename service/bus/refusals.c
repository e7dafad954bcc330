/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/refusals.h"

#include "base/dbus-message.h"
#include "base/limit.h"

/* A program that calls too often gets as many errors as a user may make calls; several at once. */
static const ScdTokenRate rate = {1000, 128};

#define AT_ONCE_MAX 16

typedef struct {
    char *sender;
    guint32 serial;
    ScdGateError reason;
} Refusal;

struct ScdRefusals {
    GQueue waiting; /* of Refusal */
    ScdTokenBucket bucket;
};

static void
free_refusal(gpointer data)
{
    Refusal *refusal = data;

    g_free(refusal->sender);
    g_free(refusal);
}

ScdRefusals *
scd_refusals_new(void)
{
    ScdRefusals *refusals = g_new0(ScdRefusals, 1);

    g_queue_init(&refusals->waiting);
    return refusals;
}

void
scd_refusals_free(ScdRefusals *refusals)
{
    g_queue_clear_full(&refusals->waiting, free_refusal);
    g_free(refusals);
}

void
scd_refusals_add(ScdRefusals *refusals, const ScdDbusHeader *call, const ScdGateError *reason)
{
    if (refusals->waiting.length >= SCD_REFUSALS_MAX)
        return;
    Refusal *refusal = g_new(Refusal, 1);
    *refusal = (Refusal){g_strdup(call->sender), call->serial, *reason};
    g_queue_push_tail(&refusals->waiting, refusal);
}

gboolean
scd_refusals_is_empty(const ScdRefusals *refusals)
{
    return refusals->waiting.length == 0;
}

static void
encode_refusal(const Refusal *refusal, guint32 serial, GByteArray *bytes)
{
    const ScdDbusHeader error = {.serial = serial,
                                 .reply_serial = refusal->serial,
                                 .destination = refusal->sender,
                                 .error_name = refusal->reason.name};

    scd_dbus_append_error(bytes, &error, refusal->reason.text);
}

GByteArray *
scd_refusals_take(ScdRefusals *refusals, guint32 *serial, gint64 now_us)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    for (guint i = 0; i < AT_ONCE_MAX && refusals->waiting.length > 0 &&
                      scd_token_bucket_has(&refusals->bucket, &rate, now_us);
         i++) {
        Refusal *refusal = g_queue_pop_head(&refusals->waiting);
        scd_token_bucket_take(&refusals->bucket, &rate, 1, now_us);
        *serial = scd_dbus_next_serial(*serial);
        encode_refusal(refusal, *serial, bytes);
        free_refusal(refusal);
    }
    return bytes->len > 0 ? g_steal_pointer(&bytes) : NULL;
}
