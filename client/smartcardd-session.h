/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <smartcardd-command.h>
#include <smartcardd-enums.h>
#include <smartcardd-pin-format.h>

G_BEGIN_DECLS

#define SMARTCARDD_TYPE_SESSION (smartcardd_session_get_type())
SMARTCARDD_API
G_DECLARE_FINAL_TYPE(SmartcarddSession, smartcardd_session, SMARTCARDD, SESSION, GObject)

SMARTCARDD_API const char *smartcardd_session_get_object_path(SmartcarddSession *self);
SMARTCARDD_API SmartcarddReader *smartcardd_session_get_reader(SmartcarddSession *self);
SMARTCARDD_API SmartcarddCard *smartcardd_session_get_card(SmartcarddSession *self);
SMARTCARDD_API SmartcarddShareMode smartcardd_session_get_share_mode(SmartcarddSession *self);
SMARTCARDD_API SmartcarddProtocols smartcardd_session_get_protocol(SmartcarddSession *self);
SMARTCARDD_API gboolean smartcardd_session_is_closed(SmartcarddSession *self);
SMARTCARDD_API gboolean smartcardd_session_has_channel(SmartcarddSession *self);

SMARTCARDD_API GBytes *smartcardd_session_transmit(SmartcarddSession *self, GBytes *command,
                                                   gint timeout_ms, GCancellable *cancellable,
                                                   GError **error);
SMARTCARDD_API void smartcardd_session_transmit_async(SmartcarddSession *self, GBytes *command,
                                                      gint timeout_ms, GCancellable *cancellable,
                                                      GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API GBytes *smartcardd_session_transmit_finish(SmartcarddSession *self,
                                                          GAsyncResult *result, GError **error);

SMARTCARDD_API GBytes *smartcardd_session_transmit_and_follow(SmartcarddSession *self,
                                                              GBytes *command, gint timeout_ms,
                                                              GCancellable *cancellable,
                                                              GError **error);
SMARTCARDD_API void smartcardd_session_transmit_and_follow_async(SmartcarddSession *self,
                                                                 GBytes *command, gint timeout_ms,
                                                                 GCancellable *cancellable,
                                                                 GAsyncReadyCallback callback,
                                                                 gpointer data);
SMARTCARDD_API GBytes *smartcardd_session_transmit_and_follow_finish(SmartcarddSession *self,
                                                                     GAsyncResult *result,
                                                                     GError **error);

SMARTCARDD_API GPtrArray *
smartcardd_session_transmit_many(SmartcarddSession *self, GPtrArray *commands,
                                 const char *const *expect, gint timeout_ms,
                                 GCancellable *cancellable, GError **error);
SMARTCARDD_API void smartcardd_session_transmit_many_async(
    SmartcarddSession *self, GPtrArray *commands, const char *const *expect, gint timeout_ms,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API GPtrArray *smartcardd_session_transmit_many_finish(SmartcarddSession *self,
                                                                  GAsyncResult *result,
                                                                  GError **error);

SMARTCARDD_API GBytes *smartcardd_session_send(SmartcarddSession *self, SmartcarddCommand *command,
                                               gint timeout_ms, GCancellable *cancellable,
                                               guint16 *status_word, GError **error);
SMARTCARDD_API void smartcardd_session_send_async(SmartcarddSession *self,
                                                  SmartcarddCommand *command, gint timeout_ms,
                                                  GCancellable *cancellable,
                                                  GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API GBytes *smartcardd_session_send_finish(SmartcarddSession *self, GAsyncResult *result,
                                                      guint16 *status_word, GError **error);

SMARTCARDD_API gboolean smartcardd_session_reconnect(SmartcarddSession *self,
                                                     SmartcarddShareMode share_mode,
                                                     SmartcarddProtocols protocols,
                                                     SmartcarddDisposition initialization,
                                                     gint timeout_ms, GCancellable *cancellable,
                                                     GError **error);
SMARTCARDD_API void smartcardd_session_reconnect_async(SmartcarddSession *self,
                                                       SmartcarddShareMode share_mode,
                                                       SmartcarddProtocols protocols,
                                                       SmartcarddDisposition initialization,
                                                       gint timeout_ms, GCancellable *cancellable,
                                                       GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API gboolean smartcardd_session_reconnect_finish(SmartcarddSession *self,
                                                            GAsyncResult *result, GError **error);

SMARTCARDD_API GBytes *smartcardd_session_control(SmartcarddSession *self, guint32 code,
                                                  GBytes *input, gint timeout_ms,
                                                  GCancellable *cancellable, GError **error);
SMARTCARDD_API void smartcardd_session_control_async(SmartcarddSession *self, guint32 code,
                                                     GBytes *input, gint timeout_ms,
                                                     GCancellable *cancellable,
                                                     GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API GBytes *smartcardd_session_control_finish(SmartcarddSession *self,
                                                         GAsyncResult *result, GError **error);

SMARTCARDD_API GBytes *smartcardd_session_get_attribute(SmartcarddSession *self, guint32 attribute,
                                                        gint timeout_ms, GCancellable *cancellable,
                                                        GError **error);
SMARTCARDD_API void smartcardd_session_get_attribute_async(SmartcarddSession *self,
                                                           guint32 attribute, gint timeout_ms,
                                                           GCancellable *cancellable,
                                                           GAsyncReadyCallback callback,
                                                           gpointer data);
SMARTCARDD_API GBytes *smartcardd_session_get_attribute_finish(SmartcarddSession *self,
                                                               GAsyncResult *result,
                                                               GError **error);

SMARTCARDD_API gboolean smartcardd_session_set_attribute(SmartcarddSession *self, guint32 attribute,
                                                         GBytes *value, gint timeout_ms,
                                                         GCancellable *cancellable, GError **error);
SMARTCARDD_API void
smartcardd_session_set_attribute_async(SmartcarddSession *self, guint32 attribute, GBytes *value,
                                       gint timeout_ms, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API gboolean smartcardd_session_set_attribute_finish(SmartcarddSession *self,
                                                                GAsyncResult *result,
                                                                GError **error);

SMARTCARDD_API gboolean smartcardd_session_verify_pin(SmartcarddSession *self,
                                                      SmartcarddCommand *command,
                                                      SmartcarddPinFormat *format, gint timeout_ms,
                                                      GCancellable *cancellable,
                                                      guint16 *status_word, GError **error);
SMARTCARDD_API void smartcardd_session_verify_pin_async(
    SmartcarddSession *self, SmartcarddCommand *command, SmartcarddPinFormat *format,
    gint timeout_ms, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API gboolean smartcardd_session_verify_pin_finish(SmartcarddSession *self,
                                                             GAsyncResult *result,
                                                             guint16 *status_word, GError **error);

SMARTCARDD_API gboolean smartcardd_session_modify_pin(SmartcarddSession *self,
                                                      SmartcarddCommand *command,
                                                      SmartcarddPinFormat *format, gint timeout_ms,
                                                      GCancellable *cancellable,
                                                      guint16 *status_word, GError **error);
SMARTCARDD_API void smartcardd_session_modify_pin_async(
    SmartcarddSession *self, SmartcarddCommand *command, SmartcarddPinFormat *format,
    gint timeout_ms, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API gboolean smartcardd_session_modify_pin_finish(SmartcarddSession *self,
                                                             GAsyncResult *result,
                                                             guint16 *status_word, GError **error);

SMARTCARDD_API GBytes *smartcardd_session_finish_pin_entry(SmartcarddSession *self,
                                                           GAsyncResult *result, GError **error);

SMARTCARDD_API gboolean smartcardd_session_close(SmartcarddSession *self,
                                                 SmartcarddDisposition disposition, gint timeout_ms,
                                                 GCancellable *cancellable, GError **error);
SMARTCARDD_API void smartcardd_session_close_async(SmartcarddSession *self,
                                                   SmartcarddDisposition disposition,
                                                   gint timeout_ms, GCancellable *cancellable,
                                                   GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API gboolean smartcardd_session_close_finish(SmartcarddSession *self,
                                                        GAsyncResult *result, GError **error);

G_END_DECLS
