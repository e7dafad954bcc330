/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <smartcardd-enums.h>

G_BEGIN_DECLS

#define SMARTCARDD_TYPE_CARD (smartcardd_card_get_type())
SMARTCARDD_API
G_DECLARE_FINAL_TYPE(SmartcarddCard, smartcardd_card, SMARTCARDD, CARD, GObject)

SMARTCARDD_API const char *smartcardd_card_get_object_path(SmartcarddCard *self);
SMARTCARDD_API GVariant *smartcardd_card_get_dictionary(SmartcarddCard *self);
SMARTCARDD_API SmartcarddReader *smartcardd_card_get_reader(SmartcarddCard *self);
SMARTCARDD_API gboolean smartcardd_card_is_present(SmartcarddCard *self);
SMARTCARDD_API GBytes *smartcardd_card_get_atr(SmartcarddCard *self);
SMARTCARDD_API const char *smartcardd_card_get_atr_hex(SmartcarddCard *self);
SMARTCARDD_API const char *const *smartcardd_card_get_protocols(SmartcarddCard *self);
SMARTCARDD_API GBytes *smartcardd_card_get_historical_bytes(SmartcarddCard *self);
SMARTCARDD_API const char *const *smartcardd_card_get_names(SmartcarddCard *self);
SMARTCARDD_API gboolean smartcardd_card_is_contactless(SmartcarddCard *self);
SMARTCARDD_API gint smartcardd_card_get_interface_byte(SmartcarddCard *self, const char *name);
SMARTCARDD_API char **smartcardd_card_list_interface_bytes(SmartcarddCard *self);

SMARTCARDD_API SmartcarddSession *
smartcardd_card_open_session(SmartcarddCard *self, SmartcarddShareMode share_mode,
                             SmartcarddProtocols protocols, gint timeout_ms,
                             GCancellable *cancellable, GError **error);
SMARTCARDD_API void smartcardd_card_open_session_async(SmartcarddCard *self,
                                                       SmartcarddShareMode share_mode,
                                                       SmartcarddProtocols protocols,
                                                       gint timeout_ms, GCancellable *cancellable,
                                                       GAsyncReadyCallback callback, gpointer data);
SMARTCARDD_API SmartcarddSession *
smartcardd_card_open_session_finish(SmartcarddCard *self, GAsyncResult *result, GError **error);

G_END_DECLS
