/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree.h"

struct SmartcarddTree {
    SmartcarddTreeFunc *func;
    gpointer data;
    GHashTable *readers; /* path → ReaderEntry */
    GHashTable *cards;   /* path → SmartcarddCard: all that the service has */
    GListStore *reader_list;
    GListStore *card_list;
};

typedef struct {
    SmartcarddReader *reader;
    SmartcarddCard *attached; /* NULL: none */
} ReaderEntry;

static void
free_entry(gpointer data)
{
    ReaderEntry *entry = data;

    g_clear_object(&entry->attached);
    g_object_unref(entry->reader);
    g_free(entry);
}

SmartcarddTree *
smartcardd_tree_new(SmartcarddTreeFunc *func, gpointer data)
{
    SmartcarddTree *tree = g_new0(SmartcarddTree, 1);

    tree->func = func;
    tree->data = data;
    tree->readers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_entry);
    tree->cards = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
    tree->reader_list = g_list_store_new(SMARTCARDD_TYPE_READER);
    tree->card_list = g_list_store_new(SMARTCARDD_TYPE_CARD);
    return tree;
}

void
smartcardd_tree_free(SmartcarddTree *tree)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, tree->readers);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        smartcardd_reader_set_card(((ReaderEntry *)value)->reader, NULL);
    g_hash_table_unref(tree->readers);
    g_hash_table_unref(tree->cards);
    g_object_unref(tree->reader_list);
    g_object_unref(tree->card_list);
    g_free(tree);
}

GListModel *
smartcardd_tree_readers(SmartcarddTree *tree)
{
    return G_LIST_MODEL(tree->reader_list);
}

GListModel *
smartcardd_tree_cards(SmartcarddTree *tree)
{
    return G_LIST_MODEL(tree->card_list);
}

static void
remove_from_list(GListStore *list, gpointer object)
{
    guint position;

    if (g_list_store_find(list, object, &position))
        g_list_store_remove(list, position);
}

static void
detach_card(SmartcarddTree *tree, ReaderEntry *entry)
{
    g_autoptr(SmartcarddCard) card = g_steal_pointer(&entry->attached);

    if (!card)
        return;
    smartcardd_reader_set_card(entry->reader, NULL);
    smartcardd_card_set_gone(card);
    remove_from_list(tree->card_list, card);
    tree->func(SMARTCARDD_CARD_REMOVED, card, tree->data);
}

/* Has the reader have the card that it names, if that is known already and in this reader. */
static void
attach_card(SmartcarddTree *tree, ReaderEntry *entry)
{
    SmartcarddCard *card =
        g_hash_table_lookup(tree->cards, smartcardd_reader_card_path(entry->reader));

    if (card && smartcardd_card_get_reader(card) != entry->reader)
        card = NULL;
    if (card == entry->attached)
        return;
    detach_card(tree, entry);
    if (!card)
        return;
    entry->attached = g_object_ref(card);
    smartcardd_reader_set_card(entry->reader, card);
    g_list_store_append(tree->card_list, card);
    tree->func(SMARTCARDD_CARD_ADDED, card, tree->data);
}

/* Returns the reader, which is not in the list yet if it is new. */
static ReaderEntry *
store_reader(SmartcarddTree *tree, SmartcarddBus *bus, const char *path, GVariant *properties)
{
    ReaderEntry *entry = g_hash_table_lookup(tree->readers, path);

    if (entry) {
        smartcardd_reader_update(entry->reader, properties);
    } else {
        entry = g_new0(ReaderEntry, 1);
        entry->reader = smartcardd_reader_new(bus, path, properties);
        g_hash_table_insert(tree->readers, g_strdup(path), entry);
    }
    return entry;
}

static void
list_reader(SmartcarddTree *tree, ReaderEntry *entry)
{
    if (g_list_store_find(tree->reader_list, entry->reader, NULL))
        return;
    g_list_store_append(tree->reader_list, entry->reader);
    tree->func(SMARTCARDD_READER_ADDED, entry->reader, tree->data);
}

/* Returns the entry of its reader, NULL if that is not known. */
static ReaderEntry *
store_card(SmartcarddTree *tree, SmartcarddBus *bus, const char *path, GVariant *properties)
{
    g_autoptr(GVariant) reader =
        g_variant_lookup_value(properties, "Reader", G_VARIANT_TYPE_OBJECT_PATH);
    ReaderEntry *entry =
        reader ? g_hash_table_lookup(tree->readers, g_variant_get_string(reader, NULL)) : NULL;
    if (entry && !g_hash_table_contains(tree->cards, path))
        g_hash_table_insert(tree->cards, g_strdup(path),
                            smartcardd_card_new(bus, path, entry->reader, properties));
    return entry;
}

void
smartcardd_tree_add(SmartcarddTree *tree, SmartcarddBus *bus, const char *path,
                    GVariant *interfaces)
{
    g_autoptr(GVariant) reader =
        g_variant_lookup_value(interfaces, SMARTCARDD_READER_INTERFACE, G_VARIANT_TYPE_VARDICT);
    g_autoptr(GVariant) card =
        g_variant_lookup_value(interfaces, SMARTCARDD_CARD_INTERFACE, G_VARIANT_TYPE_VARDICT);
    ReaderEntry *entry = NULL;

    if (reader) {
        entry = store_reader(tree, bus, path, reader);
        list_reader(tree, entry);
    } else if (card) {
        entry = store_card(tree, bus, path, card);
    }
    if (entry)
        attach_card(tree, entry);
}

void
smartcardd_tree_remove(SmartcarddTree *tree, const char *path)
{
    ReaderEntry *entry = g_hash_table_lookup(tree->readers, path);
    GHashTableIter iter;
    gpointer value;

    if (entry) {
        g_autoptr(SmartcarddReader) reader = g_object_ref(entry->reader);
        detach_card(tree, entry);
        smartcardd_reader_set_gone(reader);
        remove_from_list(tree->reader_list, reader);
        g_hash_table_remove(tree->readers, path);
        tree->func(SMARTCARDD_READER_REMOVED, reader, tree->data);
        return;
    }
    SmartcarddCard *card = g_hash_table_lookup(tree->cards, path);
    if (!card)
        return;
    g_hash_table_iter_init(&iter, tree->readers);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((ReaderEntry *)value)->attached == card)
            entry = value;
    g_hash_table_remove(tree->cards, path);
    if (entry)
        detach_card(tree, entry);
}

void
smartcardd_tree_change(SmartcarddTree *tree, const char *path, GVariant *changed)
{
    ReaderEntry *entry = g_hash_table_lookup(tree->readers, path);

    if (!entry)
        return;
    g_autoptr(SmartcarddReader) reader = g_object_ref(entry->reader);
    g_object_freeze_notify(G_OBJECT(reader));
    smartcardd_reader_update(reader, changed);
    attach_card(tree, entry);
    g_object_thaw_notify(G_OBJECT(reader));
}

void
smartcardd_tree_clear(SmartcarddTree *tree)
{
    guint count;

    while ((count = g_list_model_get_n_items(G_LIST_MODEL(tree->reader_list))) > 0) {
        g_autoptr(SmartcarddReader) reader =
            g_list_model_get_item(G_LIST_MODEL(tree->reader_list), count - 1);
        smartcardd_tree_remove(tree, smartcardd_reader_get_object_path(reader));
    }
    g_hash_table_remove_all(tree->cards);
}

/* Stores the objects of one interface, which are below a folder. Adds the entries of readers. */
static void
store_objects(SmartcarddTree *tree, SmartcarddBus *bus, GVariant *objects, const char *interface,
              const char *folder, GPtrArray *entries)
{
    gsize n_objects = g_variant_n_children(objects);

    for (gsize i = 0; i < n_objects; i++) {
        g_autoptr(GVariant) object = g_variant_get_child_value(objects, i);
        g_autoptr(GVariant) key = g_variant_get_child_value(object, 0);
        g_autoptr(GVariant) interfaces = g_variant_get_child_value(object, 1);
        const char *path = g_variant_get_string(key, NULL);
        g_autoptr(GVariant) properties =
            g_str_has_prefix(path, folder)
                ? g_variant_lookup_value(interfaces, interface, G_VARIANT_TYPE_VARDICT)
                : NULL;
        if (properties && entries)
            g_ptr_array_add(entries, store_reader(tree, bus, path, properties));
        else if (properties)
            store_card(tree, bus, path, properties);
    }
}

void
smartcardd_tree_load(SmartcarddTree *tree, SmartcarddBus *bus, GVariant *objects)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new();

    smartcardd_tree_clear(tree);
    store_objects(tree, bus, objects, SMARTCARDD_READER_INTERFACE, SMARTCARDD_ROOT_PATH "/readers/",
                  entries);
    store_objects(tree, bus, objects, SMARTCARDD_CARD_INTERFACE, SMARTCARDD_ROOT_PATH "/cards/",
                  NULL);
    for (guint i = 0; i < entries->len; i++) {
        list_reader(tree, g_ptr_array_index(entries, i));
        attach_card(tree, g_ptr_array_index(entries, i));
    }
}
