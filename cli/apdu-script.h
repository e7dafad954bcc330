/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A script of commands to a card. The whole script is parsed before the first step runs: an error
 * in the tenth line leaves the card untouched, and the card is not held while the user types.
 *
 * In text form, each line is a step:
 *
 *     COMMAND [= STATUS...]   hexadecimal digits; the expected status words
 *     reset                   resets the card
 *     # comment               also at the end of another line
 *
 * Commands may contain a PIN: they are wiped when freed, and no error message contains one.
 */

#include "base/apdu.h"

typedef struct {
    char *where;      /* for errors, such as "line 3"; NULL for the only command of an argument */
    guint line;       /* 0 for a command from the arguments */
    GBytes *command;  /* NULL: reset the card */
    ScdExpect expect; /* without a pattern, every status word is expected */
} CtlApduStep;

/*
 * Parses one command from each argument. Returns an array of CtlApduStep. A command that is shorter
 * than the header of an APDU is refused, unless allow_short is set: it is most often a byte of one
 * that lacks quotes.
 */
GPtrArray *ctl_apdu_script_from_arguments(const char *const *arguments, gboolean allow_short,
                                          GError **error);

/* Parses a script in text form, and modifies the text. Fails if there is no step. */
GPtrArray *ctl_apdu_script_from_text(char *text, gboolean allow_short, GError **error);
