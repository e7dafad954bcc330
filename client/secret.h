/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bytes that are wiped when they are freed: commands and responses, which may contain PINs. */

#include <glib.h>

/* Returns a copy. */
GBytes *smartcardd_secret_new(gconstpointer data, gsize length);

/* Returns bytes to be filled by the caller, at *data. */
GBytes *smartcardd_secret_new_empty(gsize length, guint8 **data);
