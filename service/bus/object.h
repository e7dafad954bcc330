/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The objects on the bus, and the tree of them.
 *
 * An object has one interface: its properties, signals and methods.
 * The owner sets each property before the object is announced, and whenever its value changes;
 * scd_object_announce() emits one PropertiesChanged for all changes. Signals are sent in the order
 * of the calls, and at once unless they are held (scd_bus_hold()). A value is stored once, in the
 * form in which it is sent.
 */

#include <gio/gio.h>

#define SCD_ROOT_PATH "/org/smartcardd1"

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
 * Ends calls to the object; it can still emit signals. To be called before the signal that
 * announces the removal: if a call arrived between the two, GDBus would answer it with
 * UnknownMethod.
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

const char *scd_object_path(const ScdObject *object);

/* name: a property of the interface. Sinks a floating value. */
void scd_object_set(ScdObject *object, const char *name, GVariant *value);

/* Returns the value of a string property; valid until it is set again. */
const char *scd_object_get_string(const ScdObject *object, const char *name);

/* Emits PropertiesChanged for the properties that have changed since the last time. */
void scd_object_announce(ScdObject *object);

/* arguments: a tuple, or NULL; a floating one is sunk. */
void scd_object_emit(ScdObject *object, const char *signal, GVariant *arguments);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdObject, scd_object_free)

/*
 * org.freedesktop.DBus.ObjectManager at the root: lists the objects that all clients can use, and
 * announces when they are added and removed. Does not own them: each owner adds its object after
 * making it, and removes it before freeing it. Below the root, calls on objects that do not exist
 * are answered here, too.
 */
typedef struct ScdTree ScdTree;

/* Fails if the path is in use. */
ScdTree *scd_tree_new(GDBusConnection *bus, GError **error);

/* All objects must have been removed. */
void scd_tree_free(ScdTree *tree);

GDBusConnection *scd_tree_bus(const ScdTree *tree);

/* Emits InterfacesAdded. All properties must have been set. */
void scd_tree_add(ScdTree *tree, ScdObject *object);

/* Emits InterfacesRemoved. */
void scd_tree_remove(ScdTree *tree, ScdObject *object);

/* To be called when the service stops: from now on, scd_tree_remove() emits nothing. */
void scd_tree_stop_signals(ScdTree *tree);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdTree, scd_tree_free)

/*
 * Answers calls on objects that do not exist, with any interface, method and arguments; also those
 * that were on their way when their object was removed. Nothing is kept for an object that is
 * gone: the number in its path shows that there has been one.
 */
typedef struct ScdGoneObjects ScdGoneObjects;

/*
 * explain: returns the error for a call of the sender on this path. It and its data must outlive
 * the result.
 */
ScdGoneObjects *scd_gone_objects_new(GDBusConnection *bus,
                                     GError *(*explain)(const char *path, const char *sender,
                                                        gpointer data),
                                     gpointer data);
void scd_gone_objects_free(ScdGoneObjects *gone);
