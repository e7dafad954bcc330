/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One answer of SCardListReaders, checked: pcsc-lite 2.5 may answer with
 * garbage while readers are being added. Only sane names are in it, none twice.
 */

#include <glib.h>

typedef struct {
    GPtrArray *names; /* of char *, in pcscd's order */
    GHashTable *set;  /* the same names */
    gboolean sane;    /* nothing had to be left out */
} ScdReaderList;

/* Returns a PC/SC code; no readers is a success. Only for the thread that owns the watch list. */
guint32 scd_reader_list_ask(long context, ScdReaderList **list);
void scd_reader_list_free(ScdReaderList *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReaderList, scd_reader_list_free)
