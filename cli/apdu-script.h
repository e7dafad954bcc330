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
 *     control CODE [HEX]      sends a control code to the driver of the reader
 *     verify-pin COMMAND [KEY=VALUE...] [= STATUS...]
 *     modify-pin COMMAND [KEY=VALUE...] [= STATUS...]
 *                             lets the user enter a PIN at the reader
 *     # comment               also at the end of another line
 *
 * The keys are those of Session.VerifyPin and ModifyPin in org.smartcardd1(5). Lists are separated
 * by commas, truth values are yes and no.
 *
 * Commands may contain a PIN: they are wiped when freed, and no error message contains one.
 */

#include "base/apdu.h"

typedef enum {
    CTL_STEP_TRANSMIT,
    CTL_STEP_RESET,
    CTL_STEP_CONTROL,
    CTL_STEP_VERIFY_PIN,
    CTL_STEP_MODIFY_PIN,
} CtlApduStepKind;

typedef struct {
    CtlApduStepKind kind;
    char *where;     /* for errors, such as "line 3"; NULL for the only command of an argument */
    guint line;      /* 0 for a command from the arguments */
    GBytes *command; /* the data of a control code; NULL for a reset */
    guint32 control_code;
    GVariant *pin_format; /* a{sv} of a PIN entry, else NULL */
    ScdExpect expect;     /* without a pattern, every status word is expected */
} CtlApduStep;

/*
 * Parses one command from each argument. Returns an array of CtlApduStep. A command that is shorter
 * than the header of an APDU is refused, unless allow_short is set: it is most often a byte of one
 * that lacks quotes.
 */
GPtrArray *ctl_apdu_script_from_arguments(const char *const *arguments, gboolean allow_short,
                                          GError **error);

/*
 * Parses the arguments of a PIN entry, a command and KEY=VALUE words; the vector ends with NULL.
 * kind: CTL_STEP_VERIFY_PIN or CTL_STEP_MODIFY_PIN. Returns an array with one step, which expects
 * 9000.
 */
GPtrArray *ctl_apdu_script_from_pin_arguments(CtlApduStepKind kind, const char *const *arguments,
                                              GError **error);

/* Parses a control code, decimal or hexadecimal with 0x. */
gboolean ctl_apdu_script_parse_code(const char *text, guint32 *code, GError **error);

/* Parses a script in text form, and modifies the text. Fails if there is no step. */
GPtrArray *ctl_apdu_script_from_text(char *text, gboolean allow_short, GError **error);
