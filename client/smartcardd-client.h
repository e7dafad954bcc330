/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <smartcardd-card.h>
#include <smartcardd-reader.h>

G_BEGIN_DECLS

#define SMARTCARDD_TYPE_CLIENT (smartcardd_client_get_type())
SMARTCARDD_API
G_DECLARE_FINAL_TYPE(SmartcarddClient, smartcardd_client, SMARTCARDD, CLIENT, GObject)

SMARTCARDD_API SmartcarddClient *smartcardd_client_new(GCancellable *cancellable, GError **error);
SMARTCARDD_API SmartcarddClient *smartcardd_client_new_for_connection(GDBusConnection *connection,
                                                                      GCancellable *cancellable,
                                                                      GError **error);
SMARTCARDD_API void smartcardd_client_create_async(GCancellable *cancellable,
                                                   GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API SmartcarddClient *smartcardd_client_create_finish(GAsyncResult *result,
                                                                 GError **error);

SMARTCARDD_API GListModel *smartcardd_client_get_readers(SmartcarddClient *self);
SMARTCARDD_API GListModel *smartcardd_client_get_cards(SmartcarddClient *self);
SMARTCARDD_API gboolean smartcardd_client_is_running(SmartcarddClient *self);
SMARTCARDD_API gboolean smartcardd_client_is_available(SmartcarddClient *self);
SMARTCARDD_API const char *smartcardd_client_get_unavailable_reason(SmartcarddClient *self);
SMARTCARDD_API const char *smartcardd_client_get_version(SmartcarddClient *self);
SMARTCARDD_API const char *const *smartcardd_client_get_features(SmartcarddClient *self);
SMARTCARDD_API SmartcarddReader *smartcardd_client_find_reader(SmartcarddClient *self,
                                                               const char *selector);

SMARTCARDD_API SmartcarddCard *smartcardd_client_wait_for_card(SmartcarddClient *self,
                                                               const char *reader, gint timeout_ms,
                                                               GCancellable *cancellable,
                                                               GError **error);
SMARTCARDD_API void smartcardd_client_wait_for_card_async(SmartcarddClient *self,
                                                          const char *reader, gint timeout_ms,
                                                          GCancellable *cancellable,
                                                          GAsyncReadyCallback callback,
                                                          gpointer data);
SMARTCARDD_API SmartcarddCard *smartcardd_client_wait_for_card_finish(SmartcarddClient *self,
                                                                      GAsyncResult *result,
                                                                      GError **error);

SMARTCARDD_API GVariant *smartcardd_client_list_sessions(SmartcarddClient *self,
                                                         GCancellable *cancellable, GError **error);
SMARTCARDD_API void smartcardd_client_list_sessions_async(SmartcarddClient *self,
                                                          GCancellable *cancellable,
                                                          GAsyncReadyCallback callback,
                                                          gpointer data);
SMARTCARDD_API GVariant *smartcardd_client_list_sessions_finish(SmartcarddClient *self,
                                                                GAsyncResult *result,
                                                                GError **error);

SMARTCARDD_API GVariant *smartcardd_client_list_unserved_devices(SmartcarddClient *self,
                                                                 GCancellable *cancellable,
                                                                 GError **error);
SMARTCARDD_API void smartcardd_client_list_unserved_devices_async(SmartcarddClient *self,
                                                                  GCancellable *cancellable,
                                                                  GAsyncReadyCallback callback,
                                                                  gpointer data);
SMARTCARDD_API GVariant *smartcardd_client_list_unserved_devices_finish(SmartcarddClient *self,
                                                                        GAsyncResult *result,
                                                                        GError **error);

G_END_DECLS
