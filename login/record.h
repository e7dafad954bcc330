/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The card with which a person logged in, remembered for the time of the session: a file in
 * /run/smartcardd-login/ with the name of the session (systemd-logind). The PAM module writes it as
 * root; the user's lock service reads it.
 */

#include <stdbool.h>

#include "reader-list.h"

#define LGN_RECORD_FOLDER "/run/smartcardd-login"

typedef struct {
    char *reader; /* object path of the reader */
    char *port;   /* USB port, for people; "" if the reader has none */
    char *atr;    /* in hexadecimal digits */
} LgnRecord;

/* Returns a record of the card in the reader; NULL when out of memory. */
LgnRecord *lgn_record_new(const LgnReader *reader);
void lgn_record_free(LgnRecord *record);

/* Returns whether the name can be that of a session: letters, digits, "-" and "_". */
bool lgn_record_is_session_name(const char *session);

/*
 * All three return 0, or a negative errno: -EINVAL for a name that no session can have, -EBADMSG
 * for a file that is not complete or does not belong to root. The file is replaced at once. label:
 * the name of the token, for people, which may be any text; NULL if it is not known.
 */
int lgn_record_save(const LgnRecord *record, const char *label, const char *session);
int lgn_record_load(LgnRecord **record, const char *session);
int lgn_record_remove(const char *session);
