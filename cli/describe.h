/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Readers and cards in the user's words. What they say of themselves is escaped. */

#include "mirror.h"

typedef struct {
    const char *word; /* for scripts */
    const char *text; /* translated, for people */
} ScdCardState;

/* Whether there is a card, and whether it answers. */
ScdCardState scd_describe_state(const ScdReaderView *reader);

/* One of the reader's properties that are texts. */
char *scd_describe_text(const ScdReaderView *reader, const char *property);

char *scd_describe_reader(const ScdReaderView *reader);

/*
 * Where it is: its USB port, with the interface where that is not the first, and whether it is
 * built in. "1-3.1", "1-6 (built in)"; empty when not known.
 */
char *scd_describe_port(const ScdReaderView *reader);

/* What the card is: one line, empty when there is none. */
char *scd_describe_card(const ScdReaderView *reader);

/* The card's ATR, empty when there is none. */
char *scd_describe_atr(const ScdReaderView *reader, gboolean spaced);

/* "3B6500", for scripts */
char *scd_describe_hex(GBytes *bytes);

/* "3B 65 00" */
char *scd_describe_bytes(GBytes *bytes);

/* The bytes as ASCII, with dots for what does not print. */
char *scd_describe_ascii(GBytes *bytes);
