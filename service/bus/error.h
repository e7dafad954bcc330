/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The D-Bus names of the errors of base/error.h, and the errors of calls that use a reader, which
 * name the reader, the failure and the remedy.
 */

#include <gio/gio.h>

#include "base/error.h"

/* Registers the name of each error. Must be called once, before the first reply. */
void scd_error_register(void);

/* Returns the D-Bus name of an error of SCD_ERROR; static. */
const char *scd_error_dbus_name(const GError *error);

GError *scd_call_error_new(const char *reader, ScdErrorCode code);

/* where: a text before the failure. end: a text after the remedy. Both are empty for none. */
GError *scd_call_error_new_with(const char *reader, const char *where, ScdErrorCode code,
                                const char *end);

/* Returns the end of the message for a call that was given up, such as "not sent". */
const char *scd_call_error_sent_text(gboolean sent);

/*
 * A query for the holder of the card, for the message of SharingViolation. describe() is called on
 * the main thread, with data that outlives the call. It returns a text in parentheses with a space
 * before it; or NULL if the user may not know the holder, or if the holder is not a session of this
 * service.
 */
typedef struct {
    char *(*describe)(gpointer data, const char *reader, guint uid, guint64 except); /* or NULL */
    gpointer data;
    guint uid;      /* the caller's */
    guint64 except; /* the number of the caller's own session; 0: none */
} ScdHolderQuery;

/* Returns the end of the message of an error; NULL if code is another one or no holder is known. */
char *scd_holder_query_describe(const ScdHolderQuery *query, const char *reader, ScdErrorCode code);
