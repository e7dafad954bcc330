/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The state of a SmartcarddSession, and how one is opened. The files session-*.c, exchange.c and
 * transaction.c have its methods.
 */

#include "bus.h"
#include "channel.h"
#include "smartcardd-session.h"

/* What the historical bytes of a card say about lengths of commands. */
typedef struct {
    gboolean extended; /* extended lengths are supported */
} SmartcarddCardAbilities;

struct _SmartcarddSession {
    GObject parent;
    SmartcarddBus *bus;
    char *path;
    GObject *reader;
    GObject *card; /* NULL for a session with a reader without a card */
    SmartcarddCardAbilities abilities;

    GMutex lock; /* protects all below */
    SmartcarddShareMode share_mode;
    SmartcarddProtocols protocol;
    SmartcarddChannel *channel; /* NULL if there is none: then requests go over the bus */
    gboolean closed;
    guint n_transactions;
    gboolean card_used; /* said when a transaction of the library itself began */
};

/* The method Connect of a reader or a card. */
typedef struct {
    const char *path;
    const char *interface;
    GObject *reader;
    GObject *card; /* NULL: none */
    SmartcarddCardAbilities abilities;
    SmartcarddShareMode share_mode;
    SmartcarddProtocols protocols;
    gint timeout_ms;
} SmartcarddConnect;

void smartcardd_session_open_async(SmartcarddBus *bus, const SmartcarddConnect *connect,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer data);
SmartcarddSession *smartcardd_session_open_finish(GAsyncResult *result, GError **error);

/* Returns a reference, or NULL if requests go over the bus. */
SmartcarddChannel *smartcardd_session_ref_channel(SmartcarddSession *self);

/*
 * Opens the channel after a reconnection, unless it is still open. The result is TRUE also if there
 * is no channel.
 */
void smartcardd_session_open_channel_async(SmartcarddSession *self, GAsyncReadyCallback callback,
                                           gpointer data);
gboolean smartcardd_session_open_channel_finish(GAsyncResult *result, GError **error);

/* Calls a method of the session; the reply is that of smartcardd_bus_call_finish(). */
void smartcardd_session_call_async(SmartcarddSession *self, const char *method, GVariant *arguments,
                                   gint timeout_ms, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer data);

/* The signals of the class but "closed". */
void smartcardd_session_install_signals(void);

/* Emits the signal for one of the service, in the main context of the client. */
void smartcardd_session_handle_signal(GObject *session, const char *name, GVariant *arguments);

/* After a successful call of Close. */
void smartcardd_session_set_closed(SmartcarddSession *self);

void smartcardd_session_set_connection(SmartcarddSession *self, SmartcarddShareMode share_mode,
                                       SmartcarddProtocols protocol);
void smartcardd_session_count_transactions(SmartcarddSession *self, gint change);

/*
 * After the begin of a transaction, with the service's answer whether others have used the card
 * since the one before. If the program has begun it, the function returns whether they have since
 * the program's last one; else the answer is kept for that.
 */
gboolean smartcardd_session_note_use(SmartcarddSession *self, gboolean card_used,
                                     gboolean is_programs);
gboolean smartcardd_session_is_in_transaction(SmartcarddSession *self);
