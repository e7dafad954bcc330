/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Bytes that may hold a PIN: wiped when the last reference to them goes.
 */

#include <glib.h>

/* A copy. Wiping the original is the caller's duty. */
GBytes *scd_secret_new(gconstpointer data, gsize length);
