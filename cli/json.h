/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * JSON for scripts. The keys are the names of the D-Bus properties in lower
 * case with hyphens, in the order in which the service gives them ("UsbPath" is
 * "usb-path"), so that the contract in introspection/ documents them, and a
 * property that is new there is here as well. What differs:
 *
 * - bytes are a text of hexadecimal digits, upper case, without spaces, so
 *   "atr" is the D-Bus property AtrHex;
 * - a reader has "path", its object path, and its "card" is the card itself,
 *   with its "path", or null;
 * - so a card has neither "atr-hex" nor "reader".
 *
 * Keys and values are never translated. The text is UTF-8, and safe for a
 * terminal.
 */

#include <json-glib/json-glib.h>

#include "object-cache.h"

void ctl_json_add_text(JsonBuilder *builder, const char *key, const char *text);
void ctl_json_add_bytes(JsonBuilder *builder, const char *key, GBytes *bytes);
void ctl_json_add_number(JsonBuilder *builder, const char *key, gint64 number);

/* The members of a reader or a card, into the object that is open. */
void ctl_json_add_properties(JsonBuilder *builder, GVariant *properties);

/* One line, or several with indentation. */
char *ctl_json_to_text(JsonBuilder *builder, gboolean indented);

/* Of CtlReaderView; a path that is NULL is left out. */
void ctl_json_add_readers(JsonBuilder *builder, GArray *readers);

/* A document in a line: an object with this text alone. */
char *ctl_json_single(const char *key, const char *text);

/* Documents: a reader with its card, and an array of CtlReaderView. */
char *ctl_json_reader(const CtlReaderView *reader);
char *ctl_json_readers(GArray *readers);
