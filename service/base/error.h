/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What can go wrong, as a GError domain: the PC/SC codes by their low byte and
 * a few errors of our own, out of the one table in introspection/.
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

/* The table's English text for an error; "unknown error" for a number that is not in it. */
const char *scd_error_text(guint code);
