/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What ISO/IEC 7816-4:2020, clause 5, says of a command, its response and the status word at the
 * end of that.
 *
 * Raw protocols and odd cards exist: any bytes may be sent and may come back, so nothing here
 * refuses bytes for what they say. They may hold a PIN: no error tells one of them, and whoever has
 * a copy of them wipes it.
 */

#include <glib.h>

#define SCD_COMMAND_MAX 65544  /* bytes: 4 of header, 3 of Lc, 65,535 of data, 2 of Le */
#define SCD_RESPONSE_MAX 65548 /* what libpcsclite takes at most; by the standard it is 65,538 */
#define SCD_FOLLOW_UP_MAX 261  /* 4 of header, Lc, 255 of data, Le */
#define SCD_EXPECT_MAX 32      /* patterns that one call may name */

/* Refuses what cannot be a command for its length; SCD_INVALID_ARGUMENT. */
gboolean scd_command_check(gsize length, GError **error);

/* The last two bytes of a response; FALSE when it has fewer. */
gboolean scd_response_status(const guint8 *response, gsize length, guint16 *status);

/*
 * What to send next, so that the whole response comes: GET RESPONSE after 61xx, and after 6Cxx the
 * same command with the Le that the card wants, unless it had that already or has no place for a
 * short Le. Gives its length, at most SCD_FOLLOW_UP_MAX; 0 when the response is all there is. next
 * may be the command itself.
 */
gsize scd_command_follow_up(const guint8 *command, gsize length, guint16 status, guint8 *next);

typedef struct {
    guint16 value;
    guint16 mask; /* the bits of a status word that count */
} ScdStatusPattern;

/* The status words after which a script goes on: all of them when there is no pattern. */
typedef struct {
    ScdStatusPattern patterns[SCD_EXPECT_MAX];
    guint n_patterns;
} ScdExpect;

/*
 * Reads patterns of four hexadecimal digits each, with an "x" for any digit: 9000, 61xx. The vector
 * ends with NULL; SCD_INVALID_ARGUMENT tells which pattern is wrong, counted from 1.
 */
gboolean scd_expect_parse(const char *const *texts, ScdExpect *expect, GError **error);
gboolean scd_expect_matches(const ScdExpect *expect, guint16 status);
