/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The readers and cards of the service, as it told them last: filled from
 * GetManagedObjects, kept up to date from its signals. Arguments come from the
 * bus with their types checked; what is about other objects is passed over.
 */

#include <glib.h>

typedef struct CtlObjectCache CtlObjectCache;

/* A reader and its card. Everything belongs to the cache, until its next change. */
typedef struct {
    const char *path;
    GVariant *properties;  /* a{sv} */
    const char *card_path; /* NULL when the reader is empty, and the next one too */
    GVariant *card;        /* a{sv} */
} CtlReaderView;

CtlObjectCache *ctl_object_cache_new(void);
void ctl_object_cache_free(CtlObjectCache *cache);

void ctl_object_cache_clear(CtlObjectCache *cache);

/* objects: a{oa{sa{sv}}}, all that there is. */
void ctl_object_cache_fill(CtlObjectCache *cache, GVariant *objects);

/* interfaces: a{sa{sv}} */
void ctl_object_cache_add(CtlObjectCache *cache, const char *path, GVariant *interfaces);
void ctl_object_cache_remove(CtlObjectCache *cache, const char *path,
                             const char *const *interfaces);
void ctl_object_cache_change(CtlObjectCache *cache, const char *path, const char *interface,
                             GVariant *changed, const char *const *invalidated);

/* FALSE when there is no reader at that path. */
gboolean ctl_object_cache_look(CtlObjectCache *cache, const char *path, CtlReaderView *view);

/* The same, for a card that the reader need not name, or no more. */
gboolean ctl_object_cache_look_with_card(CtlObjectCache *cache, const char *path,
                                         const char *card_path, CtlReaderView *view);

/* An array of CtlReaderView, by name. */
GArray *ctl_object_cache_readers(CtlObjectCache *cache);
gboolean ctl_object_cache_has_readers(const CtlObjectCache *cache);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlObjectCache, ctl_object_cache_free)
