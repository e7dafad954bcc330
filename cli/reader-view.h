/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A reader and its card, for the output formats, and accessors for their properties. */

#include <smartcardd-glib.h>

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
