/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What there is, in a line: "2 readers, 1 card, 3 sessions", for systemctl
 * status. Told soon after it changed, once for all that changed meanwhile.
 */

#include "bus/readers.h"

typedef struct ScdHeadline ScdHeadline;

typedef void (*ScdHeadlineFunc)(const char *text, gpointer data);

/* Both must live longer. */
ScdHeadline *scd_headline_new(ScdReaders *readers, ScdSessions *sessions, ScdHeadlineFunc tell,
                              gpointer data);
void scd_headline_free(ScdHeadline *headline);

/* Readers, cards, or sessions may be others now. */
void scd_headline_changed(ScdHeadline *headline);

/* Why pcscd cannot be reached, which is told instead; NULL when it can. */
void scd_headline_set_trouble(ScdHeadline *headline, const char *trouble);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdHeadline, scd_headline_free)
