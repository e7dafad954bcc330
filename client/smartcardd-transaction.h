/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <smartcardd-session.h>

G_BEGIN_DECLS

#define SMARTCARDD_TYPE_TRANSACTION (smartcardd_transaction_get_type())
SMARTCARDD_API
G_DECLARE_FINAL_TYPE(SmartcarddTransaction, smartcardd_transaction, SMARTCARDD, TRANSACTION,
                     GObject)

SMARTCARDD_API SmartcarddTransaction *
smartcardd_session_begin_transaction(SmartcarddSession *self, gint timeout_ms,
                                     GCancellable *cancellable, GError **error);
SMARTCARDD_API void smartcardd_session_begin_transaction_async(SmartcarddSession *self,
                                                               gint timeout_ms,
                                                               GCancellable *cancellable,
                                                               GAsyncReadyCallback callback,
                                                               gpointer data);
SMARTCARDD_API SmartcarddTransaction *
smartcardd_session_begin_transaction_finish(SmartcarddSession *self, GAsyncResult *result,
                                            GError **error);

SMARTCARDD_API SmartcarddSession *smartcardd_transaction_get_session(SmartcarddTransaction *self);
SMARTCARDD_API gboolean smartcardd_transaction_get_card_used(SmartcarddTransaction *self);
SMARTCARDD_API gboolean smartcardd_transaction_end(SmartcarddTransaction *self,
                                                   SmartcarddDisposition disposition,
                                                   GCancellable *cancellable, GError **error);
SMARTCARDD_API void smartcardd_transaction_end_async(SmartcarddTransaction *self,
                                                     SmartcarddDisposition disposition,
                                                     GCancellable *cancellable,
                                                     GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API gboolean smartcardd_transaction_end_finish(SmartcarddTransaction *self,
                                                          GAsyncResult *result, GError **error);

G_END_DECLS
