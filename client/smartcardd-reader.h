/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <smartcardd-enums.h>

G_BEGIN_DECLS

#define SMARTCARDD_TYPE_READER (smartcardd_reader_get_type())
SMARTCARDD_API
G_DECLARE_FINAL_TYPE(SmartcarddReader, smartcardd_reader, SMARTCARDD, READER, GObject)

SMARTCARDD_API const char *smartcardd_reader_get_object_path(SmartcarddReader *self);
SMARTCARDD_API GVariant *smartcardd_reader_get_dictionary(SmartcarddReader *self);
SMARTCARDD_API SmartcarddCard *smartcardd_reader_get_card(SmartcarddReader *self);
SMARTCARDD_API gboolean smartcardd_reader_is_present(SmartcarddReader *self);
SMARTCARDD_API const char *smartcardd_reader_get_name(SmartcarddReader *self);
SMARTCARDD_API const char *smartcardd_reader_get_vendor(SmartcarddReader *self);
SMARTCARDD_API const char *smartcardd_reader_get_product(SmartcarddReader *self);
SMARTCARDD_API const char *smartcardd_reader_get_serial(SmartcarddReader *self);
SMARTCARDD_API const char *smartcardd_reader_get_alias(SmartcarddReader *self);
SMARTCARDD_API const char *smartcardd_reader_get_usb_path(SmartcarddReader *self);
SMARTCARDD_API gboolean smartcardd_reader_matches(SmartcarddReader *self, const char *selector);
SMARTCARDD_API const char *smartcardd_reader_get_seat(SmartcarddReader *self);
SMARTCARDD_API const char *const *smartcardd_reader_get_features(SmartcarddReader *self);
SMARTCARDD_API gboolean smartcardd_reader_has_feature(SmartcarddReader *self, const char *feature);
SMARTCARDD_API gboolean smartcardd_reader_is_mute(SmartcarddReader *self);
SMARTCARDD_API gboolean smartcardd_reader_is_in_use(SmartcarddReader *self);
SMARTCARDD_API gboolean smartcardd_reader_is_exclusive(SmartcarddReader *self);

SMARTCARDD_API SmartcarddSession *
smartcardd_reader_open_session(SmartcarddReader *self, SmartcarddShareMode share_mode,
                               SmartcarddProtocols protocols, gint timeout_ms,
                               GCancellable *cancellable, GError **error);
SMARTCARDD_API void smartcardd_reader_open_session_async(
    SmartcarddReader *self, SmartcarddShareMode share_mode, SmartcarddProtocols protocols,
    gint timeout_ms, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API SmartcarddSession *
smartcardd_reader_open_session_finish(SmartcarddReader *self, GAsyncResult *result, GError **error);

SMARTCARDD_API gboolean smartcardd_reader_refresh(SmartcarddReader *self, gint timeout_ms,
                                                  GCancellable *cancellable, GError **error);
SMARTCARDD_API void smartcardd_reader_refresh_async(SmartcarddReader *self, gint timeout_ms,
                                                    GCancellable *cancellable,
                                                    GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API gboolean smartcardd_reader_refresh_finish(SmartcarddReader *self,
                                                         GAsyncResult *result, GError **error);

SMARTCARDD_API GBytes *smartcardd_reader_control(SmartcarddReader *self, guint32 code,
                                                 GBytes *input, gint timeout_ms,
                                                 GCancellable *cancellable, GError **error);
SMARTCARDD_API void smartcardd_reader_control_async(SmartcarddReader *self, guint32 code,
                                                    GBytes *input, gint timeout_ms,
                                                    GCancellable *cancellable,
                                                    GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API GBytes *smartcardd_reader_control_finish(SmartcarddReader *self,
                                                        GAsyncResult *result, GError **error);

SMARTCARDD_API gboolean smartcardd_reader_set_alias(SmartcarddReader *self, const char *alias,
                                                    SmartcarddAliasBinding binding, gint timeout_ms,
                                                    GCancellable *cancellable, GError **error);
SMARTCARDD_API void smartcardd_reader_set_alias_async(SmartcarddReader *self, const char *alias,
                                                      SmartcarddAliasBinding binding,
                                                      gint timeout_ms, GCancellable *cancellable,
                                                      GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API gboolean smartcardd_reader_set_alias_finish(SmartcarddReader *self,
                                                           GAsyncResult *result, GError **error);

G_END_DECLS
