/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What to do with a card, step by step. All steps are read before the first one
 * is taken: a mistake in the tenth does not leave nine done, and nobody waits
 * for the card while somebody types.
 *
 * As text, a step is a line:
 *
 *     COMMAND [= STATUS...]   hexadecimal digits; with it, status words to go on with
 *     reset                   the card is reset
 *     # comment               behind a step, too
 *
 * Commands may hold a PIN: they are wiped, and no error shows one.
 */

#include "base/apdu.h"

typedef struct {
    char *where;      /* for errors, "line 3"; NULL when it is the only one */
    guint line;       /* 0: an argument */
    GBytes *command;  /* NULL: reset the card */
    ScdExpect expect; /* no pattern: any status word will do */
} CtlApduStep;

/* Commands, one each; a vector that ends with NULL. Gives an array of CtlApduStep. */
GPtrArray *ctl_apdu_script_from_arguments(const char *const *arguments, GError **error);

/* That there is no step at all is an error. The text is written into. */
GPtrArray *ctl_apdu_script_from_text(char *text, GError **error);
