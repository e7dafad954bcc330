/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <smartcardd-enums.h>

G_BEGIN_DECLS

#define SMARTCARDD_TYPE_PIN_FORMAT (smartcardd_pin_format_get_type())
SMARTCARDD_API
G_DECLARE_FINAL_TYPE(SmartcarddPinFormat, smartcardd_pin_format, SMARTCARDD, PIN_FORMAT, GObject)

SMARTCARDD_API SmartcarddPinFormat *smartcardd_pin_format_new(SmartcarddPinEncoding encoding,
                                                              guint min_length, guint max_length);
SMARTCARDD_API SmartcarddPinFormat *smartcardd_pin_format_new_from_options(GVariant *options);

G_END_DECLS
