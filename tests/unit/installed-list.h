/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The card list of pcsc-tools, where it is installed: thousands of real ATRs. It is read here in
 * the plainest way, with nothing of the code under test.
 */

#include <glib.h>

/* NULL, and the test marked as skipped, where there is none. */
GBytes *installed_list_load(void);

typedef void (*InstalledListFunc)(const guint8 *atr, gsize length, char **lines, gpointer data);

/* Calls func for each entry that is just an ATR, with the lines below it as they stand there. */
void installed_list_foreach(GBytes *text, InstalledListFunc func, gpointer data);
