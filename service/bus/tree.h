/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * org.freedesktop.DBus.ObjectManager at the root: the objects that everybody
 * may see, and the signals that tell of their coming and going. Owns none of
 * them; whoever makes an object adds it, and removes it before freeing it.
 */

#include "bus/object.h"

#define SCD_ROOT_PATH "/org/smartcardd1"

typedef struct ScdTree ScdTree;

ScdTree *scd_tree_new(GDBusConnection *bus, GError **error);
void scd_tree_free(ScdTree *tree);

GDBusConnection *scd_tree_bus(const ScdTree *tree);

/* Announces it by InterfacesAdded. */
void scd_tree_add(ScdTree *tree, ScdObject *object);

/* Announces it by InterfacesRemoved. */
void scd_tree_remove(ScdTree *tree, ScdObject *object);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdTree, scd_tree_free)
