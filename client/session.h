/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The state of a SmartcarddSession, and functions that open one. The files session-*.c, exchange.c
 * and transaction.c have its methods.
 *
 * All functions may be called in any thread, and none blocks.
 */

#include "bus.h"
#include "channel.h"
#include "smartcardd-session.h"

/* Abilities of a card, from the historical bytes of its ATR. */
typedef struct {
    gboolean extended; /* it supports extended lengths */
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
    gboolean card_used; /* others used the card before a transaction of the library itself */
};

/* The arguments of the method Connect of a reader or a card. */
typedef struct {
    const char *path;
    const char *interface;
    GObject *reader;
    GObject *card; /* NULL for the method of a reader */
    SmartcarddCardAbilities abilities;
    SmartcarddShareMode share_mode;
    SmartcarddProtocols protocols;
    gint timeout_ms;
} SmartcarddConnect;

void smartcardd_session_open_async(SmartcarddBus *bus, const SmartcarddConnect *connect,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer data);
SmartcarddSession *smartcardd_session_open_finish(GAsyncResult *result, GError **error);

/* Returns a reference to the channel, or NULL if requests go over the bus. */
SmartcarddChannel *smartcardd_session_ref_channel(SmartcarddSession *self);

/*
 * Opens the channel, unless it is open. Succeeds also if the service offers none: requests then go
 * over the bus.
 */
void smartcardd_session_open_channel_async(SmartcarddSession *self, GAsyncReadyCallback callback,
                                           gpointer data);
gboolean smartcardd_session_open_channel_finish(GAsyncResult *result, GError **error);

/* Calls a method of the session; smartcardd_bus_call_finish() returns its reply. */
void smartcardd_session_call_async(SmartcarddSession *self, const char *method, GVariant *arguments,
                                   gint timeout_ms, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer data);

/* Adds the signals to the class, except for "closed". */
void smartcardd_session_install_signals(void);

/*
 * Emits the signal that corresponds to a signal of the service. In the main context of the client
 * only. name: of the signal on the bus; unknown ones are ignored
 */
void smartcardd_session_handle_signal(GObject *session, const char *name, GVariant *arguments);

/* Marks the session as closed, after a successful call of Close, and closes its channel. */
void smartcardd_session_set_closed(SmartcarddSession *self);

/* Sets the share mode and the protocol, after a reconnection. */
void smartcardd_session_set_connection(SmartcarddSession *self, SmartcarddShareMode share_mode,
                                       SmartcarddProtocols protocol);

/* change: 1 when a transaction of the program has begun, -1 when it ends */
void smartcardd_session_count_transactions(SmartcarddSession *self, gint change);

/*
 * Called when a transaction has begun. card_used: the service's answer, whether others have used
 * the card since the last transaction of the session. is_programs: the program has begun this
 * transaction, not the library for a chain of commands.
 *
 * Returns whether others have used the card since the last transaction of the program. An answer to
 * a transaction of the library is kept until the program begins one.
 */
gboolean smartcardd_session_note_use(SmartcarddSession *self, gboolean card_used,
                                     gboolean is_programs);

/* Returns whether a transaction of the program is open. */
gboolean smartcardd_session_is_in_transaction(SmartcarddSession *self);
