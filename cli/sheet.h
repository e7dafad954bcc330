/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A reader and its card for people: its name, and below it a line with a label for each fact. */

#include "mirror.h"
#include "output.h"

typedef enum {
    SCD_SHEET_KNOWN, /* what there is to say */
    SCD_SHEET_ALL,   /* also what is not known, and the card's ATR taken to pieces */
} ScdSheetExtent;

void scd_sheet_print(const ScdReaderView *reader, ScdSheetExtent extent, ScdOutput *output);

/* The same, or the document in JSON, which has everything in any case. */
void scd_sheet_show(const ScdReaderView *reader, ScdSheetExtent extent, gboolean json,
                    ScdOutput *output);
