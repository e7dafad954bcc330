/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Readers and cards in the user's words. What they say of themselves is escaped. */

#include "object-cache.h"

typedef struct {
    const char *word; /* for scripts */
    const char *text; /* translated, for people */
} CtlCardState;

/* Whether there is a card, and whether it answers. */
CtlCardState ctl_describe_state(const CtlReaderView *reader);

/* One of the reader's properties that are texts. */
char *ctl_describe_text(const CtlReaderView *reader, const char *property);

char *ctl_describe_reader(const CtlReaderView *reader);

/*
 * Where it is: its USB port, with the interface where that is not the first, and whether it is
 * built in. "1-3.1", "1-6 (built in)"; empty when not known.
 */
char *ctl_describe_port(const CtlReaderView *reader);

/* What the card is: one line, empty when there is none. */
char *ctl_describe_card(const CtlReaderView *reader);

/* The card's ATR, empty when there is none. */
char *ctl_describe_atr(const CtlReaderView *reader, gboolean spaced);

/* "3B6500", for scripts */
char *ctl_describe_hex(GBytes *bytes);

/* "3B 65 00" */
char *ctl_describe_bytes(GBytes *bytes);

/* The bytes as ASCII, with dots for what does not print. */
char *ctl_describe_ascii(GBytes *bytes);
