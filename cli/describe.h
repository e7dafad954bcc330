/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Short texts about readers, cards and ATRs in the user's language. Text from a reader or a card is
 * escaped. All functions return new strings.
 */

#include "base/atr.h"
#include "reader-view.h"

typedef struct {
    const char *word; /* for scripts */
    const char *text; /* translated */
} CtlCardState;

/* Returns whether there is a card, and whether it answers. Both texts are static. */
CtlCardState ctl_describe_state(const CtlReaderView *reader);

/* The value of a text property of the reader. */
char *ctl_describe_text(const CtlReaderView *reader, const char *property);
char *ctl_describe_reader(const CtlReaderView *reader);

/*
 * The reader's USB path, with the slot if another of the readers has the same path: "1-3.1:1.0",
 * "1-3.1:1.0/1". Empty if it is not known. readers: all readers, of CtlReaderView.
 */
char *ctl_describe_usb_path(const CtlReaderView *reader, GArray *readers);

/*
 * The shortest form of the same, which names no other of the readers, and whether the reader is
 * built in: "1-3.1", "1-3.1/1", "1-6 (built in)".
 */
char *ctl_describe_port(const CtlReaderView *reader, GArray *readers);

/* The type of the card in one line, empty when there is no card. Fields are not translated. */
char *ctl_describe_card(const CtlReaderView *reader, gboolean translated);

/* The card's ATR, empty when there is no card. */
char *ctl_describe_atr(const CtlReaderView *reader, gboolean spaced);

/* The parts of a valid ATR; NULL for a part that it does not have. */

/* "direct" or "inverse", by ISO/IEC 7816-3 */
char *ctl_describe_atr_convention(const ScdAtr *atr);

/* "TA1 18, TD1 81", a line for each level */
char *ctl_describe_atr_interface_bytes(const ScdAtr *atr);

/* Whether the program can select a protocol, or which one the card has selected. */
char *ctl_describe_atr_mode(const ScdAtr *atr);

/* Whether the check byte TCK is correct. */
char *ctl_describe_atr_check(const ScdAtr *atr);

/* "3B6500", for scripts */
char *ctl_describe_hex(GBytes *bytes);

/* "3B 65 00" */
char *ctl_describe_bytes(GBytes *bytes);

/* The bytes as ASCII, with dots for those that do not print. */
char *ctl_describe_ascii(GBytes *bytes);
