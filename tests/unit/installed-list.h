/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The installed card list of pcsc-tools, which has thousands of real ATRs. It is parsed here by
 * simple code that shares nothing with the code under test.
 */

#include <glib.h>

/* Returns NULL and marks the test as skipped if the list is not installed. */
GBytes *installed_list_load(void);

typedef void (*InstalledListFunc)(const guint8 *atr, gsize length, char **lines, gpointer data);

/* Calls func for each entry that is a literal ATR, with the unchanged lines below it. */
void installed_list_foreach(GBytes *text, InstalledListFunc func, gpointer data);
