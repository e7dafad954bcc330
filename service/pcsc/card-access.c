/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/card-access.h"

#include <reader.h>
#include <string.h>
#include <winscard.h>

#include "pcsc/buffer-call.h"
#include "pcsc/code.h"

/* The wait for pcscd to see that a card was removed. */
#define CAUSE_TRIES 45
#define CAUSE_PAUSE_US 10000

static guint32
query_in_worker(long card)
{
    guint8 atr[MAX_BUFFER_SIZE];
    gsize length = sizeof atr;

    return scd_pcsc_get_attribute(card, SCARD_ATTR_ATR_STRING, atr, &length);
}

guint32
scd_card_check_access_in_worker(long card)
{
    guint32 code = query_in_worker(card);

    switch (code) {
    case SCARD_E_SHARING_VIOLATION:
    case SCARD_W_RESET_CARD:
    case SCARD_W_REMOVED_CARD:
        return code;
    default: /* the result of the driver does not matter */
        return SCARD_S_SUCCESS;
    }
}

gboolean
scd_card_has_atr_in_worker(long card, GBytes *expected)
{
    guint8 atr[MAX_BUFFER_SIZE];
    gsize length = sizeof atr;

    if (scd_pcsc_get_attribute(card, SCARD_ATTR_ATR_STRING, atr, &length) != SCARD_S_SUCCESS)
        return TRUE;
    return length == g_bytes_get_size(expected) &&
           memcmp(atr, g_bytes_get_data(expected, NULL), length) == 0;
}

guint32
scd_card_compare_in_worker(long card, GBytes *granted)
{
    guint8 atr[MAX_BUFFER_SIZE];
    gsize length = sizeof atr;
    guint32 code = scd_pcsc_get_attribute(card, SCARD_ATTR_ATR_STRING, atr, &length);

    if (code == SCARD_E_SHARING_VIOLATION || code == SCARD_W_RESET_CARD ||
        code == SCARD_W_REMOVED_CARD)
        return code;
    if (code != SCARD_S_SUCCESS || length == 0)
        return g_bytes_get_size(granted) == 0 ? SCARD_E_NO_SMARTCARD : SCARD_S_SUCCESS;
    if (length == g_bytes_get_size(granted) &&
        memcmp(atr, g_bytes_get_data(granted, NULL), length) == 0)
        return SCARD_S_SUCCESS;
    return SCARD_E_CARD_UNSUPPORTED;
}

/*
 * A driver reports a card that is pulled during a command as it reports any failure, and pcscd sees
 * the removal a little later: within 400 ms with a driver that it has to poll.
 */
guint32
scd_card_find_cause_in_worker(long card, const ScdJob *job)
{
    if (job->code == SCARD_E_NO_SMARTCARD)
        return SCARD_W_REMOVED_CARD;
    if (scd_code_is_reader_gone(job->code))
        return SCARD_E_READER_UNAVAILABLE;
    if (job->code != SCARD_E_NOT_TRANSACTED && job->code != SCARD_E_COMM_DATA_LOST)
        return job->code;
    for (guint i = 0; i < CAUSE_TRIES && !scd_job_is_answered(job); i++) {
        guint32 code = query_in_worker(card);
        if (scd_code_is_reader_gone(code))
            return SCARD_E_READER_UNAVAILABLE;
        if (code == SCARD_W_REMOVED_CARD || scd_code_is_connection_lost(code))
            return code;
        if (code == SCARD_W_RESET_CARD || code == SCARD_E_SHARING_VIOLATION)
            break;
        g_usleep(CAUSE_PAUSE_US);
    }
    return job->code;
}

gboolean
scd_card_is_documented_attribute(guint32 id)
{
    guint32 class = id >> 16;

    return (class >= SCARD_CLASS_VENDOR_INFO && class <= SCARD_CLASS_ICC_STATE) ||
           class == SCARD_CLASS_SYSTEM;
}
