/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A reader and its card for people: its name, and below it a line with a label for each fact. */

#include "object-cache.h"
#include "output.h"

typedef enum {
    CTL_FORMAT_KNOWN, /* what there is to say */
    CTL_FORMAT_ALL,   /* also what is not known, and the card's ATR taken to pieces */
} CtlFormatExtent;

void ctl_format_print(const CtlReaderView *reader, CtlFormatExtent extent, CtlOutput *output);

/* The same, or the document in JSON, which has everything in any case. */
void ctl_format_show(const CtlReaderView *reader, CtlFormatExtent extent, gboolean json,
                     CtlOutput *output);
