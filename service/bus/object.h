/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One interface of one object on the bus.
 *
 * Whoever owns the object sets each of its properties before anybody is told
 * of it, and again what may have changed: what did change is announced as one
 * PropertiesChanged. Each is kept as it is sent, and no more than once. An object must be the same
 * to everybody: signals and property changes go out at once, in the order of the calls.
 */

#include <gio/gio.h>

/* Handles one call, and ends it with exactly one reply, now or later. */
typedef void (*ScdMethodFunc)(gpointer owner, GVariant *arguments,
                              GDBusMethodInvocation *invocation);

typedef struct {
    const char *name;
    ScdMethodFunc func;
} ScdMethod;

typedef struct {
    const GDBusInterfaceInfo *info;
    const ScdMethod *methods; /* ends with an empty one; NULL when there are none */
    /* Sets what changes without being announced, before it is read; or NULL. */
    void (*refresh)(gpointer owner);
} ScdInterface;

typedef struct ScdObject ScdObject;

/*
 * client: the unique name that alone may use the object, and alone gets its
 * signals; NULL for everybody. NULL with an error when the path is in use.
 */
ScdObject *scd_object_new(GDBusConnection *bus, const char *path, const ScdInterface *interface,
                          gpointer owner, const char *client, GError **error);
void scd_object_free(ScdObject *object);

const char *scd_object_path(const ScdObject *object);
const char *scd_object_interface_name(const ScdObject *object);

/* a{sv}, to be unreferenced. All properties have been set. */
GVariant *scd_object_dup_properties(const ScdObject *object);

/* A name of the interface; a floating value is taken over. */
void scd_object_set(ScdObject *object, const char *name, GVariant *value);

/* Of a property that is a string; valid until it is set again. */
const char *scd_object_get_string(const ScdObject *object, const char *name);

/* Tells what scd_object_set() changed since the last time. */
void scd_object_announce(ScdObject *object);

/* arguments: a tuple, a floating one is taken over. */
void scd_object_emit(ScdObject *object, const char *signal, GVariant *arguments);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdObject, scd_object_free)
