/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The line of text that systemctl status shows, such as "2 readers, 1 card, 3 sessions". It is
 * sent to systemd shortly after a change, once for all changes until then.
 */

#include "bus/readers.h"
#include "bus/session.h"

typedef struct ScdStatusText ScdStatusText;

/* Both must outlive it. */
ScdStatusText *scd_status_text_new(ScdReaders *readers, ScdSessions *sessions);
void scd_status_text_free(ScdStatusText *status_text);

/* The number of readers, cards or sessions may have changed. */
void scd_status_text_changed(ScdStatusText *status_text);

/* trouble: why pcscd is not available, which replaces the text; NULL: it is available. */
void scd_status_text_set_trouble(ScdStatusText *status_text, const char *trouble);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdStatusText, scd_status_text_free)
