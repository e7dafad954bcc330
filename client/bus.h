/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A connection to the bus, the calls to the service on it, and the sessions that were opened by it.
 * All functions may be called in any thread, and none blocks.
 */

#include <gio/gio.h>

#define SMARTCARDD_SERVICE_NAME "org.smartcardd1"
#define SMARTCARDD_ROOT_PATH "/org/smartcardd1"
#define SMARTCARDD_MANAGER_INTERFACE "org.smartcardd1.Manager"
#define SMARTCARDD_READER_INTERFACE "org.smartcardd1.Reader"
#define SMARTCARDD_CARD_INTERFACE "org.smartcardd1.Card"
#define SMARTCARDD_SESSION_INTERFACE "org.smartcardd1.Session"

typedef struct SmartcarddBus SmartcarddBus;

/* Takes a reference to the connection. */
SmartcarddBus *smartcardd_bus_new(GDBusConnection *connection);
SmartcarddBus *smartcardd_bus_ref(SmartcarddBus *bus);
void smartcardd_bus_unref(SmartcarddBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmartcarddBus, smartcardd_bus_unref)

GDBusConnection *smartcardd_bus_connection(SmartcarddBus *bus);

/* Sets whether channels can be used: the service must have the same version of their packets. */
void smartcardd_bus_set_channels(SmartcarddBus *bus, gboolean has_channels);
gboolean smartcardd_bus_has_channels(SmartcarddBus *bus);

/* Whether polkit may ask the user for a password. TRUE at first. */
void smartcardd_bus_set_interaction(SmartcarddBus *bus, gboolean allowed);

/* What the service can do, as its property Features says; bits. */
typedef enum {
    SMARTCARDD_FEATURE_CARD_USE = 1 << 0,
    SMARTCARDD_FEATURE_FIND_CAUSE = 1 << 1,
    SMARTCARDD_FEATURE_PIN_ENTRY = 1 << 2,
} SmartcarddFeatures;

void smartcardd_bus_set_features(SmartcarddBus *bus, const char *const *names);
gboolean smartcardd_bus_has_feature(SmartcarddBus *bus, SmartcarddFeatures feature);

/* A method call. Its last argument is the dictionary of options, which the function adds. */
typedef struct {
    const char *path;
    const char *interface;
    const char *method;
    GVariant *arguments; /* a tuple, without the options; NULL for none. May be floating */
    GVariant *options;   /* a{sv}, or NULL for none but those of the call. May be floating */
    gint timeout_ms;     /* as in the public functions */
    gboolean is_plain;   /* the method has no arguments, not even options */
} SmartcarddCall;

/*
 * Calls a method. A cancellation makes the service end the call: its error, which says whether the
 * card has received a command, is the result.
 */
void smartcardd_bus_call_async(SmartcarddBus *bus, const SmartcarddCall *call,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer data);

/* Returns the tuple of results. fds: NULL, or set to the descriptors. */
GVariant *smartcardd_bus_call_finish(GAsyncResult *result, GUnixFDList **fds, GError **error);

/*
 * A GAsyncReadyCallback for calls whose results are not needed. task: a GTask, which it ends with
 * TRUE or the error of the call, and unrefs
 */
void smartcardd_bus_end_task(GObject *source, GAsyncResult *result, gpointer task);

/* Likewise for a call whose result is bytes: ends the task with a copy of them. */
void smartcardd_bus_end_task_with_bytes(GObject *source, GAsyncResult *result, gpointer task);

/* Sends a call without options whose reply does not matter. */
void smartcardd_bus_send(SmartcarddBus *bus, const char *path, const char *interface,
                         const char *method, GVariant *arguments);

/* Called for the signals of a session. */
typedef struct {
    void (*closed)(GObject *session, const char *reason);
    void (*other)(GObject *session, const char *name, GVariant *arguments);
} SmartcarddSessionSignals;

/*
 * Registers functions for the signals of the session at the path. They are called in the thread
 * that calls smartcardd_bus_session_closed() or smartcardd_bus_session_signal(). Holds no reference
 * to the session. signals: must be static. Returns FALSE if the session was closed before.
 */
gboolean smartcardd_bus_add_session(SmartcarddBus *bus, const char *path, GObject *session,
                                    const SmartcarddSessionSignals *signals);
void smartcardd_bus_remove_session(SmartcarddBus *bus, const char *path);
void smartcardd_bus_session_closed(SmartcarddBus *bus, const char *path, const char *reason);
void smartcardd_bus_session_signal(SmartcarddBus *bus, const char *path, const char *name,
                                   GVariant *arguments);
void smartcardd_bus_close_sessions(SmartcarddBus *bus, const char *reason);
