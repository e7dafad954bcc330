/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Calls from other threads to the main thread, tasks that run in a thread of their own and report
 * to the main thread, and time limits of other threads that the main thread reports.
 */

#include <glib.h>

/*
 * Calls func, unless it is NULL, in the main thread, from any thread. Calls run in the order in
 * which they were made, always from the main loop: g_main_context_invoke() would make them in the
 * calling thread while the main loop is not running. destroy, which may be NULL, frees the data
 * after the call, or without a call if the main loop has ended.
 */
void scd_main_thread_invoke(GSourceFunc func, gpointer data, GDestroyNotify destroy);

/*
 * A task runs a function in a thread that cannot be stopped, and then another one in the main
 * thread. The object that started the task may be freed first: it abandons the task, whose thread
 * runs to its end without reporting.
 */
typedef struct ScdThreadTask ScdThreadTask;

typedef struct {
    void (*run)(gpointer data);  /* in the thread */
    void (*done)(gpointer data); /* then in the main thread, unless the task was abandoned */
    GDestroyNotify free_data;    /* at last, in the main thread */
} ScdThreadTaskFuncs;

/*
 * Starts the thread, in the main thread. funcs is static. Takes the data, which run() uses alone
 * until it returns, except for members that only the main thread uses. The task is valid until
 * done() has returned. NULL if the system has no thread left: the data stays the caller's.
 */
ScdThreadTask *scd_thread_task_start(const char *name, const ScdThreadTaskFuncs *funcs,
                                     gpointer data);

/* Ensures, in the main thread, that done() is not called any more. */
void scd_thread_task_abandon(ScdThreadTask *task);

/*
 * A time limit for calls that cannot be cancelled. The thread that makes the call sets the deadline
 * and clears it; the main loop is notified only if the deadline passes. Setting and clearing take
 * no lock, send no message and cause no wake-up.
 */
typedef struct ScdDeadline ScdDeadline;

/* passed is called in the default main context. Returns NULL and sets errno if timerfd fails. */
ScdDeadline *scd_deadline_new(GSourceOnceFunc passed, gpointer data);
void scd_deadline_free(ScdDeadline *deadline);

/* From any thread. */
void scd_deadline_set(ScdDeadline *deadline, guint milliseconds);
void scd_deadline_clear(ScdDeadline *deadline);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdDeadline, scd_deadline_free)
