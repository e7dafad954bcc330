/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What ISO/IEC 7816-4:2020, clause 5.6, says of a status word. */

#include <glib.h>

/* In the user's language, or in English; empty when the standard says nothing. */
char *ctl_status_word_explain(guint16 status, gboolean translated);
