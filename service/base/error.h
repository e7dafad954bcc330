/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The GError domain of the service: PC/SC codes by their low byte, and errors of the service
 * itself. Both come from the table in introspection/.
 */

#include <glib.h>

#include "error-table.h"

typedef enum {
#define AS_CONSTANT(name, number, dbus_name, text) SCD_##name = number,
    SCD_PCSC_ERROR_TABLE(AS_CONSTANT) SCD_OWN_ERROR_TABLE(AS_CONSTANT)
#undef AS_CONSTANT
} ScdErrorCode;

#define SCD_ERROR (scd_error_quark())
GQuark scd_error_quark(void);

/*
 * Returns text that a caller has sent in the form in which a message may repeat it: in single
 * quotes, control characters replaced, and cut after 128 bytes. The caller frees it.
 */
char *scd_error_quote(const char *text);

/* Returns the English text of an error, "unknown error" if the table does not have the number. */
const char *scd_error_text(guint code);
