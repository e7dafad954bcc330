/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A reader and its card, for the output formats: accessors for their properties, and short texts
 * about them.
 */

#include <smartcardd-glib.h>

#include "base/atr.h"

/* The objects of the client library own all fields; they are valid until their next change. */
typedef struct {
    const char *path;
    GVariant *properties;     /* a{sv} */
    const char *card_path;    /* NULL when the reader is empty, and card too */
    GVariant *card;           /* a{sv} */
    SmartcarddReader *reader; /* NULL if data was left out: see redact.h */
} CtlReaderView;

CtlReaderView ctl_reader_view_of(SmartcarddReader *reader);

/* The same with a card that may have left the reader. */
CtlReaderView ctl_reader_view_of_card(SmartcarddCard *card);

/* Returns an array of CtlReaderView, sorted by name. */
GArray *ctl_reader_view_list(SmartcarddClient *client);

/*
 * Accessors for the properties of an object, an a{sv}. They return an empty value for a property
 * that is missing or has another type, as an older or newer service may have it. The a{sv} owns the
 * text.
 */
const char *ctl_property_text(GVariant *properties, const char *name);
gboolean ctl_property_flag(GVariant *properties, const char *name);
guint64 ctl_property_number(GVariant *properties, const char *name);
GBytes *ctl_property_bytes(GVariant *properties, const char *name);

/* The caller frees the container only. */
const char **ctl_property_list(GVariant *properties, const char *name);

/*
 * The functions below return new strings: short texts about readers, cards and ATRs in the user's
 * language. Text from a reader or a card is escaped.
 */

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
