/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Calls an asynchronous function and blocks until it has ended. The operation runs in a main
 * context of its own, so that no other source of the program is dispatched.
 *
 *     smartcardd_wait_begin(&wait);
 *     smartcardd_…_async(…, smartcardd_wait_callback, &wait);
 *     … smartcardd_…_finish(…, smartcardd_wait_end(&wait), error);
 *     smartcardd_wait_clear(&wait);
 */

#include <gio/gio.h>

typedef struct {
    GMainContext *context;
    GAsyncResult *result;
} SmartcarddWait;

void smartcardd_wait_begin(SmartcarddWait *wait);
void smartcardd_wait_callback(GObject *source, GAsyncResult *result, gpointer wait);

/* Blocks until the callback was called. The result is valid until smartcardd_wait_clear(). */
GAsyncResult *smartcardd_wait_end(SmartcarddWait *wait);
void smartcardd_wait_clear(SmartcarddWait *wait);
