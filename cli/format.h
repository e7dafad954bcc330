/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Prints a reader and its card for a person: the name, then a line with a label for each detail.
 * Also prints the USB devices that look like readers, but are not available as readers, each with
 * the reason.
 */

#include <json-glib/json-glib.h>

#include "client.h"
#include "output.h"
#include "reader-view.h"

typedef enum {
    CTL_FORMAT_KNOWN,   /* known details only */
    CTL_FORMAT_VERBOSE, /* also each byte of the card's ATR with its meaning */
    CTL_FORMAT_ALL,     /* also unknown details, and the parts of the card's ATR */
} CtlFormatExtent;

void ctl_format_print(const CtlReaderView *reader, CtlFormatExtent extent, CtlOutput *output);

/* The same, or a JSON document, which always has all details. */
void ctl_format_show(const CtlReaderView *reader, CtlFormatExtent extent, gboolean json,
                     CtlOutput *output);

/*
 * Returns an array of a{sv}, as Manager.ListUnservedDevices has them; an empty one if the service
 * does not answer. The caller frees it.
 */
GPtrArray *ctl_unserved_load(const CtlRoute *route, SmartcarddClient *client);

/* Prints a note for each device. */
void ctl_unserved_print_notes(GPtrArray *devices, CtlOutput *output);

/* Prints a line for each device, without its name, which may contain a serial number. */
void ctl_unserved_print(GPtrArray *devices, CtlOutput *output);

/* Adds an array, likewise without names. */
void ctl_unserved_add_to_json(GPtrArray *devices, JsonBuilder *builder);
