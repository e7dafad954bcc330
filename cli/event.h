/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can happen, and how it is told. */

#include "mirror.h"
#include "output.h"

typedef enum {
    SCD_EVENT_READER_PRESENT, /* was there already, likewise the next one */
    SCD_EVENT_CARD_PRESENT,
    SCD_EVENT_READER_CONNECTED,
    SCD_EVENT_READER_REMOVED,
    SCD_EVENT_CARD_INSERTED,
    SCD_EVENT_CARD_REMOVED,
    SCD_EVENT_CARD_MUTE, /* a card that answered does so no more */
    SCD_EVENT_PCSCD_GONE,
    SCD_EVENT_PCSCD_BACK,
    SCD_EVENT_SERVICE_GONE, /* nothing is known about readers and cards until it is back */
    SCD_EVENT_SERVICE_BACK,
    SCD_N_EVENTS,
} ScdEventKind;

typedef struct {
    ScdEventKind kind;
    ScdReaderView reader; /* empty where the event is of no reader */
    const char *reason;   /* of SCD_EVENT_PCSCD_GONE, else NULL */
} ScdEvent;

/*
 * As of now. JSON is a line: "time", "event", then what is known of reader and card. Into a pipe
 * goes a line of fields separated by tabs: time, event, reader, ATR, what it is. On a terminal it
 * is several lines where one has not enough columns.
 */
void scd_event_print(const ScdEvent *event, gboolean json, ScdOutput *output);
