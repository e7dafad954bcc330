/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * org.freedesktop.DBus.ObjectManager at the root: lists the objects that all clients can use, and
 * announces when they are added and removed. Does not own them: each owner adds its object after
 * making it, and removes it before freeing it. Below the root, calls on objects that do not exist
 * are answered here, too.
 */

#include "bus/object.h"

#define SCD_ROOT_PATH "/org/smartcardd1"

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

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdTree, scd_tree_free)

/*
 * Answers calls on objects that do not exist. Nothing is kept for an object that is gone: the
 * number in its path shows that there has been one.
 */
typedef struct ScdGoneObjects ScdGoneObjects;

/*
 * explain: returns the error for a call on this path. It and its data must outlive the result.
 * Fails if the paths are in use.
 */
ScdGoneObjects *scd_gone_objects_new(GDBusConnection *bus,
                                     GError *(*explain)(const char *path, gpointer data),
                                     gpointer data, GError **error);
void scd_gone_objects_free(ScdGoneObjects *gone);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdGoneObjects, scd_gone_objects_free)
