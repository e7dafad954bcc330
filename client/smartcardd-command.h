/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <smartcardd-enums.h>

G_BEGIN_DECLS

#define SMARTCARDD_TYPE_COMMAND (smartcardd_command_get_type())
SMARTCARDD_API
G_DECLARE_FINAL_TYPE(SmartcarddCommand, smartcardd_command, SMARTCARDD, COMMAND, GObject)

/**
 * SMARTCARDD_NO_RESPONSE_DATA:
 *
 * The expected length of a command whose response has no data.
 */
#define SMARTCARDD_NO_RESPONSE_DATA (-1)

/**
 * SMARTCARDD_ALL_RESPONSE_DATA:
 *
 * The expected length of a command that asks for all data there is.
 */
#define SMARTCARDD_ALL_RESPONSE_DATA 0

SMARTCARDD_API SmartcarddCommand *smartcardd_command_new(guint8 instruction_class,
                                                         guint8 instruction, guint8 p1, guint8 p2,
                                                         GBytes *data, gint expected_length);
SMARTCARDD_API SmartcarddCommand *smartcardd_command_new_from_bytes(GBytes *apdu, GError **error);
SMARTCARDD_API SmartcarddCommand *smartcardd_command_new_from_hex(const char *apdu, GError **error);
SMARTCARDD_API guint8 smartcardd_command_get_instruction_class(SmartcarddCommand *self);
SMARTCARDD_API guint8 smartcardd_command_get_instruction(SmartcarddCommand *self);
SMARTCARDD_API guint8 smartcardd_command_get_p1(SmartcarddCommand *self);
SMARTCARDD_API guint8 smartcardd_command_get_p2(SmartcarddCommand *self);
SMARTCARDD_API GBytes *smartcardd_command_get_data(SmartcarddCommand *self);
SMARTCARDD_API gint smartcardd_command_get_expected_length(SmartcarddCommand *self);
SMARTCARDD_API GBytes *smartcardd_command_to_bytes(SmartcarddCommand *self);
SMARTCARDD_API char *smartcardd_command_describe_status(guint16 status_word);

G_END_DECLS
