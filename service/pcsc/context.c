/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/context.h"

#include <string.h>
#include <winscard.h>

/* Between two calls of SCardCancel. */
#define CANCEL_INTERVAL_US 5000

/* Held during one call of libpcsclite, and never while waiting for anything else. */
static GMutex lock;

guint32
scd_pcsc_establish(long *context)
{
    SCARDCONTEXT established = 0;

    g_mutex_lock(&lock);
    guint32 code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &established);
    g_mutex_unlock(&lock);
    *context = code == SCARD_S_SUCCESS ? established : 0;
    return code;
}

void
scd_pcsc_release(long context)
{
    g_mutex_lock(&lock);
    SCardReleaseContext(context);
    g_mutex_unlock(&lock);
}

static guint32
disconnect_card(long card, guint32 disposition)
{
    g_mutex_lock(&lock);
    guint32 code = SCardDisconnect(card, disposition);
    g_mutex_unlock(&lock);
    return code;
}

guint32
scd_pcsc_disconnect(long card)
{
    return disconnect_card(card, SCARD_LEAVE_CARD);
}

guint32
scd_pcsc_disconnect_and_unpower(long card)
{
    return disconnect_card(card, SCARD_UNPOWER_CARD);
}

struct ScdStatusWaitCanceller {
    GThread *thread;
    GMutex lock;
    GCond changed;         /* signals a change of the members below */
    SCARDCONTEXT context;  /* 0 while there is none */
    gboolean interrupting; /* until the waiting thread confirms */
    gboolean calling;      /* the canceller's thread is using the context */
    gboolean ending;
};

/* Releases the lock during SCardCancel, which blocks until pcscd answers. */
static void
cancel_wait_in_canceller(ScdStatusWaitCanceller *canceller)
{
    SCARDCONTEXT context = canceller->context;

    if (context == 0)
        return;
    canceller->calling = TRUE;
    g_mutex_unlock(&canceller->lock);
    SCardCancel(context);
    g_mutex_lock(&canceller->lock);
    canceller->calling = FALSE;
    g_cond_broadcast(&canceller->changed);
}

static gpointer
run_in_canceller(gpointer data)
{
    ScdStatusWaitCanceller *canceller = data;

    g_mutex_lock(&canceller->lock);
    while (!canceller->ending) {
        if (!canceller->interrupting) {
            g_cond_wait(&canceller->changed, &canceller->lock);
            continue;
        }
        cancel_wait_in_canceller(canceller);
        if (!canceller->ending && canceller->interrupting)
            g_cond_wait_until(&canceller->changed, &canceller->lock,
                              g_get_monotonic_time() + CANCEL_INTERVAL_US);
    }
    g_mutex_unlock(&canceller->lock);
    return NULL;
}

static void
free_canceller(ScdStatusWaitCanceller *canceller)
{
    g_mutex_clear(&canceller->lock);
    g_cond_clear(&canceller->changed);
    g_free(canceller);
}

ScdStatusWaitCanceller *
scd_status_wait_canceller_new(GError **error)
{
    ScdStatusWaitCanceller *canceller = g_new0(ScdStatusWaitCanceller, 1);

    g_mutex_init(&canceller->lock);
    g_cond_init(&canceller->changed);
    canceller->thread = g_thread_try_new("canceller", run_in_canceller, canceller, error);
    if (canceller->thread)
        return canceller;
    free_canceller(canceller);
    return NULL;
}

void
scd_status_wait_canceller_free(ScdStatusWaitCanceller *canceller)
{
    g_mutex_lock(&canceller->lock);
    canceller->ending = TRUE;
    g_cond_broadcast(&canceller->changed);
    g_mutex_unlock(&canceller->lock);

    g_thread_join(canceller->thread);
    free_canceller(canceller);
}

void
scd_status_wait_canceller_set_context(ScdStatusWaitCanceller *canceller, long context)
{
    g_mutex_lock(&canceller->lock);
    while (canceller->calling)
        g_cond_wait(&canceller->changed, &canceller->lock);
    canceller->context = context;
    g_mutex_unlock(&canceller->lock);
}

void
scd_status_wait_canceller_interrupt(ScdStatusWaitCanceller *canceller)
{
    g_mutex_lock(&canceller->lock);
    canceller->interrupting = TRUE;
    g_cond_broadcast(&canceller->changed);
    g_mutex_unlock(&canceller->lock);
}

void
scd_status_wait_canceller_reset(ScdStatusWaitCanceller *canceller)
{
    g_mutex_lock(&canceller->lock);
    canceller->interrupting = FALSE;
    g_mutex_unlock(&canceller->lock);
}

static guint32
check_length(guint32 code, DWORD returned, guint8 *buffer, gsize *length)
{
    if (code == SCARD_S_SUCCESS && returned > *length) {
        explicit_bzero(buffer, *length);
        code = SCARD_E_INSUFFICIENT_BUFFER;
    }
    *length = code == SCARD_S_SUCCESS ? returned : 0;
    return code;
}

guint32
scd_pcsc_transmit(long card, guint32 protocol, gconstpointer command, gsize command_length,
                  guint32 *answer_protocol, guint8 *response, gsize *length)
{
    const SCARD_IO_REQUEST requested = {protocol, sizeof requested};
    SCARD_IO_REQUEST reported = {answer_protocol ? *answer_protocol : 0, sizeof reported};
    DWORD returned = *length;
    guint32 code = SCardTransmit(card, &requested, command, command_length,
                                 answer_protocol ? &reported : NULL, response, &returned);

    if (answer_protocol)
        *answer_protocol = (guint32)reported.dwProtocol;
    return check_length(code, returned, response, length);
}

guint32
scd_pcsc_control(long card, guint32 control_code, gconstpointer input, gsize input_length,
                 guint8 *output, gsize *length)
{
    DWORD returned = 0;
    guint32 code =
        SCardControl(card, control_code, input, input_length, output, *length, &returned);

    return check_length(code, returned, output, length);
}

guint32
scd_pcsc_get_attribute(long card, guint32 id, guint8 *value, gsize *length)
{
    DWORD returned = *length;
    guint32 code = SCardGetAttrib(card, id, value, &returned);

    return check_length(code, returned, value, length);
}
