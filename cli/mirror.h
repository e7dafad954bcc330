/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The readers and cards of the service, as it told them last: filled from
 * GetManagedObjects, kept up to date from its signals. Arguments come from the
 * bus with their types checked; what is about other objects is passed over.
 */

#include <glib.h>

typedef struct ScdMirror ScdMirror;

/* A reader and its card. Everything belongs to the mirror, until its next change. */
typedef struct {
    const char *path;
    GVariant *properties;  /* a{sv} */
    const char *card_path; /* NULL when the reader is empty, and the next one too */
    GVariant *card;        /* a{sv} */
} ScdReaderView;

ScdMirror *scd_mirror_new(void);
void scd_mirror_free(ScdMirror *mirror);

void scd_mirror_clear(ScdMirror *mirror);

/* objects: a{oa{sa{sv}}}, all that there is. */
void scd_mirror_fill(ScdMirror *mirror, GVariant *objects);

/* interfaces: a{sa{sv}} */
void scd_mirror_add(ScdMirror *mirror, const char *path, GVariant *interfaces);
void scd_mirror_remove(ScdMirror *mirror, const char *path, const char *const *interfaces);
void scd_mirror_change(ScdMirror *mirror, const char *path, const char *interface,
                       GVariant *changed, const char *const *invalidated);

/* FALSE when there is no reader at that path. */
gboolean scd_mirror_look(ScdMirror *mirror, const char *path, ScdReaderView *view);

/* The same, for a card that the reader need not name, or no more. */
gboolean scd_mirror_look_with_card(ScdMirror *mirror, const char *path, const char *card_path,
                                   ScdReaderView *view);

/* An array of ScdReaderView, by name. */
GArray *scd_mirror_readers(ScdMirror *mirror);
gboolean scd_mirror_has_readers(const ScdMirror *mirror);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdMirror, scd_mirror_free)
