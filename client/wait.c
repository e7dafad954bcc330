/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "wait.h"

void
smartcardd_wait_begin(SmartcarddWait *wait)
{
    *wait = (SmartcarddWait){.context = g_main_context_new()};
    g_main_context_push_thread_default(wait->context);
}

void
smartcardd_wait_callback(GObject *source, GAsyncResult *result, gpointer data)
{
    SmartcarddWait *wait = data;

    wait->result = g_object_ref(result);
}

GAsyncResult *
smartcardd_wait_end(SmartcarddWait *wait)
{
    while (!wait->result)
        g_main_context_iteration(wait->context, TRUE);
    return wait->result;
}

void
smartcardd_wait_clear(SmartcarddWait *wait)
{
    g_main_context_pop_thread_default(wait->context);
    g_clear_object(&wait->result);
    g_main_context_unref(wait->context);
}
