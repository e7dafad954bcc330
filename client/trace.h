/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Writes all commands and responses of this process to standard error, or to a file, if the
 * environment variable SMARTCARDD_TRACE is set: "1", or the path of the file. They contain PINs.
 */

#include <glib.h>

/* A part of a command. */
typedef struct {
    gconstpointer data;
    gsize length;
} SmartcarddPart;

/* Returns whether commands are written. Check this before the functions below are called. */
gboolean smartcardd_trace_is_on(void);

/*
 * session: its object path. what: the name of the operation. response: NULL if there is none.
 * failure: the message of an error, or NULL
 */
void smartcardd_trace_command(const char *session, const char *what, const SmartcarddPart *parts,
                              guint n_parts);
void smartcardd_trace_response(const char *session, GBytes *response, const char *failure);
