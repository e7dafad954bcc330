/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * JSON output. The keys are the names of the D-Bus properties in lower case with hyphens ("UsbPath"
 * is "usb-path"), in the order of the service, so that introspection/ documents them and new
 * properties appear without a change here. Differences:
 *
 * - bytes are a string of hexadecimal digits, upper case, without spaces, so "atr" is the D-Bus
 *   property AtrHex;
 * - a reader has "path", its object path, and "card" is an object with its own "path", or null;
 * - a card has neither "atr-hex" nor "reader".
 *
 * Keys and values are never translated. The text is UTF-8, and safe for a terminal.
 */

#include <json-glib/json-glib.h>

#include "reader-view.h"

void ctl_json_add_text(JsonBuilder *builder, const char *key, const char *text);
void ctl_json_add_bytes(JsonBuilder *builder, const char *key, GBytes *bytes);
void ctl_json_add_number(JsonBuilder *builder, const char *key, gint64 number);

/* Adds the members of a reader or a card to the open object. */
void ctl_json_add_properties(JsonBuilder *builder, GVariant *properties);

/* Returns the text of a complete document: one line, or several if it is indented. */
char *ctl_json_to_text(JsonBuilder *builder, gboolean indented);

/* Adds an array. readers: of CtlReaderView; a view without an object path gets no "path" */
void ctl_json_add_readers(JsonBuilder *builder, GArray *readers);

/* Returns a document in one line: an object with one string member. */
char *ctl_json_single(const char *key, const char *text);

/* Return documents: a reader with its card, and an array of readers. */
char *ctl_json_reader(const CtlReaderView *reader);
char *ctl_json_readers(GArray *readers);
