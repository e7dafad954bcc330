/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The readers and cards of the service: the objects, and the two lists of them. Used in the main
 * context of its client only.
 *
 * A card is in the lists, and in its reader, from the moment at which the reader names it until the
 * reader does not name it any more. So its reader, the list and the signals always agree.
 */

#include "bus.h"
#include "card.h"
#include "reader.h"

typedef enum {
    SMARTCARDD_READER_ADDED,
    SMARTCARDD_READER_REMOVED,
    SMARTCARDD_CARD_ADDED,
    SMARTCARDD_CARD_REMOVED,
} SmartcarddTreeEvent;

typedef void SmartcarddTreeFunc(SmartcarddTreeEvent event, gpointer object, gpointer data);

typedef struct SmartcarddTree SmartcarddTree;

/* func is called after each change of the lists. */
SmartcarddTree *smartcardd_tree_new(SmartcarddTreeFunc *func, gpointer data);
void smartcardd_tree_free(SmartcarddTree *tree);

GListModel *smartcardd_tree_readers(SmartcarddTree *tree);
GListModel *smartcardd_tree_cards(SmartcarddTree *tree);

/* Replaces the objects by those of a reply of GetManagedObjects, a{oa{sa{sv}}}. */
void smartcardd_tree_load(SmartcarddTree *tree, SmartcarddBus *bus, GVariant *objects);

/*
 * Apply signals of the service: InterfacesAdded, InterfacesRemoved and PropertiesChanged.
 * interfaces: a{sa{sv}}. changed: a{sv}. When a card is inserted or removed, the lists change
 * before the properties of the reader are notified.
 */
void smartcardd_tree_add(SmartcarddTree *tree, SmartcarddBus *bus, const char *path,
                         GVariant *interfaces);
void smartcardd_tree_remove(SmartcarddTree *tree, const char *path);
void smartcardd_tree_change(SmartcarddTree *tree, const char *path, GVariant *changed);

/* Removes all objects. */
void smartcardd_tree_clear(SmartcarddTree *tree);
