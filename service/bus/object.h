/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A D-Bus object with one interface: its properties, signals and methods.
 *
 * The owner sets each property before the object is announced, and whenever its value changes;
 * scd_object_announce() emits one PropertiesChanged for all changes. Signals are sent at once, in
 * the order of the calls. A value is stored once, in the form in which it is sent.
 */

#include <gio/gio.h>

/* Handles one call: takes over the invocation, and replies to it exactly once, now or later. */
typedef void (*ScdMethodFunc)(gpointer owner, GVariant *arguments,
                              GDBusMethodInvocation *invocation);

typedef struct {
    const char *name;
    ScdMethodFunc func;
} ScdMethod;

typedef struct {
    const GDBusInterfaceInfo *info;
    const ScdMethod *methods; /* ends with an empty entry; NULL: no methods */
    /* Sets the properties that change without a signal, before they are read. May be NULL. */
    void (*refresh)(gpointer owner);
} ScdInterface;

typedef struct ScdObject ScdObject;

/*
 * owner: passed to the functions of the interface. client: the unique name of the only client that
 * may use the object and receives its signals; NULL: all clients. Fails if the path is in use.
 */
ScdObject *scd_object_new(GDBusConnection *bus, const char *path, const ScdInterface *interface,
                          gpointer owner, const char *client, GError **error);
void scd_object_free(ScdObject *object);

/*
 * No further call reaches the object; it can still emit signals. Must come before the signal that
 * the object is gone: GDBus answers a call that arrives between the two with UnknownMethod.
 */
void scd_object_withdraw(ScdObject *object);

/*
 * Returns a number for the path of a new object, greater than *last, which it updates. The first
 * one is the time since boot in microseconds: so a restarted service uses no number again, without
 * keeping one in a file.
 */
guint64 scd_object_next_number(guint64 *last);

/* Returns the number of a path that begins with the prefix; 0 for any other path. */
guint64 scd_object_number_of_path(const char *path, const char *prefix);

/*
 * Overwrites the byte arrays and strings of a call's arguments that may contain commands (ay, aay,
 * s, as): only this process has them, and nothing may read them afterwards.
 */
void scd_object_wipe_arguments(GVariant *arguments);

const char *scd_object_path(const ScdObject *object);
const char *scd_object_interface_name(const ScdObject *object);

/* Returns an a{sv} of all properties, each of which must have been set. */
GVariant *scd_object_dup_properties(const ScdObject *object);

/* name: a property of the interface. Sinks a floating value. */
void scd_object_set(ScdObject *object, const char *name, GVariant *value);

/* Returns the value of a string property; valid until it is set again. */
const char *scd_object_get_string(const ScdObject *object, const char *name);

/* Emits PropertiesChanged for the properties that have changed since the last time. */
void scd_object_announce(ScdObject *object);

/* arguments: a tuple; a floating one is sunk. */
void scd_object_emit(ScdObject *object, const char *signal, GVariant *arguments);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdObject, scd_object_free)
