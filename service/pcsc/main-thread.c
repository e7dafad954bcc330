/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/main-thread.h"

void
scd_main_thread_invoke(GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
    g_autoptr(GSource) source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, func, data, destroy);
    g_source_attach(source, NULL);
}
