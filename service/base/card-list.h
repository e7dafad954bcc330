/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What an ATR is known as, by the text of pcsc-tools' smartcard_list.txt.
 *
 * An entry of it is a line at column 0, a pattern for ATRs, and after that lines that begin with a
 * tab and name the card. Lines that begin with "#" are comments. A line longer than
 * SCD_CARD_LIST_MAX_LINE is neither an entry nor a name.
 *
 * Any text and any ATR will do. A list never changes once made: any thread may look things up.
 */

#include <glib.h>

#define SCD_CARD_LIST_MAX_LINE 1024 /* bytes; the longest in the list of 2023 has 276 */
#define SCD_CARD_LIST_MAX_NAMES 64  /* for one ATR; the most in the list of 2023 are 15 */

typedef struct _ScdCardList ScdCardList;

/* Makes an index of 8 or 12 bytes an entry; the text itself is referenced, not copied. */
ScdCardList *scd_card_list_new(GBytes *text);
void scd_card_list_free(ScdCardList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdCardList, scd_card_list_free)

/*
 * The names in all entries that match, in the order of the list, each once: valid UTF-8, without
 * white space at the ends, no more than SCD_CARD_LIST_MAX_NAMES. A line that begins with the
 * address of a web page is no name. No match is an empty vector.
 */
char **scd_card_list_lookup(const ScdCardList *list, const guint8 *atr, gsize length);
