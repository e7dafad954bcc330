/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Method calls that need a thread, because they read files. There is one thread at a time: calls
 * that arrive while it runs share the next one.
 */

#include <gio/gio.h>

typedef struct ScdThreadCalls ScdThreadCalls;

typedef struct {
    const char *thread_name;
    gpointer (*run)(const char *input); /* in the thread; returns the result */
    GDestroyNotify free_result;
    /* In the main thread. Returns the reply, which may be floating, or NULL with the error. */
    GVariant *(*finish)(gpointer result, gpointer data, GError **error);
} ScdThreadCallsFuncs;

/* funcs: static. input: copied. data: for finish(). */
ScdThreadCalls *scd_thread_calls_new(const ScdThreadCallsFuncs *funcs, const char *input,
                                     gpointer data);

/* Ends pending calls with SCD_P_SHUTDOWN. */
void scd_thread_calls_free(ScdThreadCalls *calls);

/*
 * Takes a call and replies to it later; NULL runs the thread without a call. Without a thread that
 * is left, the call fails with SCD_LIMITS_EXCEEDED.
 */
void scd_thread_calls_add(ScdThreadCalls *calls, GDBusMethodInvocation *invocation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdThreadCalls, scd_thread_calls_free)
