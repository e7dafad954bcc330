/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One interface of one object on the bus.
 *
 * Its properties are one ready-made a{sv}, which answers Get, GetAll and
 * GetManagedObjects; whoever owns the object replaces it as a whole, and what
 * differs is announced. An object must be the same to everybody: signals and
 * property changes go out at once, in the order of the calls.
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
} ScdInterface;

typedef struct ScdObject ScdObject;

/* properties: a{sv}, a floating one is taken over. NULL with an error when the path is in use. */
ScdObject *scd_object_new(GDBusConnection *bus, const char *path, const ScdInterface *interface,
                          GVariant *properties, gpointer owner, GError **error);
void scd_object_free(ScdObject *object);

const char *scd_object_path(const ScdObject *object);
const char *scd_object_interface_name(const ScdObject *object);
GVariant *scd_object_properties(const ScdObject *object);

/*
 * Announces what differs by PropertiesChanged. The same names in the same order
 * as before; a floating a{sv} is taken over.
 */
void scd_object_set_properties(ScdObject *object, GVariant *properties);

/* arguments: a tuple, a floating one is taken over. */
void scd_object_emit(ScdObject *object, const char *signal, GVariant *arguments);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdObject, scd_object_free)
