/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What there is, in a line: "2 readers, 1 card, 3 sessions", for systemctl
 * status. Told soon after it changed, once for all that changed meanwhile.
 */

#include "bus/readers.h"

typedef struct ScdStatusText ScdStatusText;

typedef void (*ScdStatusTextFunc)(const char *text, gpointer data);

/* Both must live longer. */
ScdStatusText *scd_status_text_new(ScdReaders *readers, ScdSessions *sessions,
                                   ScdStatusTextFunc tell, gpointer data);
void scd_status_text_free(ScdStatusText *status_text);

/* Readers, cards, or sessions may be others now. */
void scd_status_text_changed(ScdStatusText *status_text);

/* Why pcscd cannot be reached, which is told instead; NULL when it can. */
void scd_status_text_set_trouble(ScdStatusText *status_text, const char *trouble);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdStatusText, scd_status_text_free)
