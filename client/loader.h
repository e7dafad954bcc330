/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads all objects and the properties of the manager in two calls that are pending together. */

#include <gio/gio.h>

typedef struct {
    char *owner;       /* the unique name of the service that replied */
    GVariant *objects; /* a{oa{sa{sv}}} */
    GVariant *manager; /* a{sv} */
} SmartcarddLoaded;

void smartcardd_loaded_free(SmartcarddLoaded *loaded);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmartcarddLoaded, smartcardd_loaded_free)

/* destination: the name of the service on the bus. A well-known one starts it. */
void smartcardd_load_async(GDBusConnection *connection, const char *destination,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
SmartcarddLoaded *smartcardd_load_finish(GAsyncResult *result, GError **error);
