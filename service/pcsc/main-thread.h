/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The one way from a thread back to the main thread. Calls are carried out in
 * the order in which they were made, never in the thread that makes them (as
 * g_main_context_invoke() would while the main loop is not running).
 */

#include <glib.h>

/* destroy, if given, frees the data after the call, or without one when the loop has ended. */
void scd_main_thread_invoke(GSourceFunc func, gpointer data, GDestroyNotify destroy);
