/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/context.h"

#include <winscard.h>

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
