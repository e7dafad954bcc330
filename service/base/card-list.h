/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An index of pcsc-tools' smartcard_list.txt, which has the names of cards by their ATRs.
 *
 * An entry of that text is a line at column 0, a pattern for ATRs, followed by lines that begin
 * with a tab and name the card. Lines that begin with "#" are comments. A line longer than
 * SCD_CARD_LIST_MAX_LINE is neither an entry nor a name.
 *
 * Any text and any ATR are accepted. A list is immutable: any thread may use it.
 */

#include <glib.h>

#define SCD_CARD_LIST_MAX_LINE 1024 /* bytes; the longest in the list of 2023 has 276 */
#define SCD_CARD_LIST_MAX_NAMES 64  /* for one ATR; the maximum in the list of 2023 is 15 */

typedef struct _ScdCardList ScdCardList;

/*
 * Allocates an index of 16 KiB, and 8 or 12 bytes an entry. References the text without copying it.
 */
ScdCardList *scd_card_list_new(GBytes *text);

/* The same with a file as the text, which must not be written to. References the file. */
ScdCardList *scd_card_list_new_from_file(GMappedFile *file);

/* Frees the memory that the pages of a file occupy. The next lookup reads those that it needs. */
void scd_card_list_release_pages(const ScdCardList *list);

void scd_card_list_free(ScdCardList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdCardList, scd_card_list_free)

/*
 * Returns the names in all matching entries, in the order of the list, each once: valid UTF-8,
 * without white space at the ends, at most SCD_CARD_LIST_MAX_NAMES. Lines that begin with the
 * address of a web page are skipped. The vector is empty if no entry matches; the caller frees it.
 */
char **scd_card_list_lookup(const ScdCardList *list, const guint8 *atr, gsize length);
