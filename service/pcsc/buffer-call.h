/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Calls of libpcsclite that fill a buffer. *length is the size of the buffer, and on return the
 * number of bytes in it: 0 after an error, and never more than the size. A longer answer, which
 * only a fault of the driver or of libpcsclite can cause, is SCARD_E_INSUFFICIENT_BUFFER.
 *
 * All return a PC/SC code, and block until pcscd answers.
 */

#include <glib.h>

/*
 * protocol: of the command, SCARD_PROTOCOL_…. answer_protocol: is set to that in the header of the
 * response, and keeps its value if the driver sets none; NULL if it is not needed.
 */
guint32 scd_pcsc_transmit(long card, guint32 protocol, gconstpointer command, gsize command_length,
                          guint32 *answer_protocol, guint8 *response, gsize *length);

guint32 scd_pcsc_control(long card, guint32 control_code, gconstpointer input, gsize input_length,
                         guint8 *output, gsize *length);

guint32 scd_pcsc_get_attribute(long card, guint32 id, guint8 *value, gsize *length);
