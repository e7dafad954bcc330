/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Prints a reader and its card for a person: the name, then a line with a label for each detail. */

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
