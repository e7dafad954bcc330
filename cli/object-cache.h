/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A copy of the service's readers and cards: filled from GetManagedObjects, kept up to date from
 * signals. Callers have checked the types of the arguments. Objects with other interfaces are
 * ignored.
 */

#include <glib.h>

#define CTL_INTERFACE_MANAGER "org.smartcardd1.Manager"
#define CTL_INTERFACE_READER "org.smartcardd1.Reader"
#define CTL_INTERFACE_CARD "org.smartcardd1.Card"
#define CTL_INTERFACE_SESSION "org.smartcardd1.Session"

typedef struct CtlObjectCache CtlObjectCache;

/* A reader and its card. The cache owns all fields; they are valid until its next change. */
typedef struct {
    const char *path;
    GVariant *properties;  /* a{sv} */
    const char *card_path; /* NULL when the reader is empty, and card too */
    GVariant *card;        /* a{sv} */
} CtlReaderView;

CtlObjectCache *ctl_object_cache_new(void);
void ctl_object_cache_free(CtlObjectCache *cache);

void ctl_object_cache_clear(CtlObjectCache *cache);

/* Replaces the content. objects: a{oa{sa{sv}}} */
void ctl_object_cache_fill(CtlObjectCache *cache, GVariant *objects);

/* interfaces: a{sa{sv}} */
void ctl_object_cache_add(CtlObjectCache *cache, const char *path, GVariant *interfaces);
void ctl_object_cache_remove(CtlObjectCache *cache, const char *path,
                             const char *const *interfaces);
void ctl_object_cache_change(CtlObjectCache *cache, const char *path, const char *interface,
                             GVariant *changed, const char *const *invalidated);

/* Returns FALSE when there is no reader with that path. */
gboolean ctl_object_cache_get_reader(CtlObjectCache *cache, const char *path, CtlReaderView *view);

/* The same with a card given by its path, which the reader's Card property need not name. */
gboolean ctl_object_cache_get_reader_with_card(CtlObjectCache *cache, const char *path,
                                               const char *card_path, CtlReaderView *view);

/* Returns an array of CtlReaderView, sorted by name. */
GArray *ctl_object_cache_readers(CtlObjectCache *cache);
gboolean ctl_object_cache_has_readers(const CtlObjectCache *cache);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlObjectCache, ctl_object_cache_free)

/*
 * Accessors for the properties of an object, an a{sv}. They return an empty value for a property
 * that is missing or has another type, as an older or newer service may have it. The a{sv} owns the
 * text.
 */
const char *ctl_property_text(GVariant *properties, const char *name);
gboolean ctl_property_flag(GVariant *properties, const char *name);
guint64 ctl_property_number(GVariant *properties, const char *name);
GBytes *ctl_property_bytes(GVariant *properties, const char *name);

/* The caller frees the container only. */
const char **ctl_property_list(GVariant *properties, const char *name);

/*
 * Returns the properties after a PropertiesChanged signal, in their old order; new ones come last.
 * Takes no reference.
 */
GVariant *ctl_property_merge(GVariant *properties, GVariant *changed,
                             const char *const *invalidated);
