/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can happen, and how it is told. */

#include "mirror.h"

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

/* One line: "time", "event", then what is known of reader and card. */
char *scd_event_to_json(const ScdEvent *event, GDateTime *time);

/* One line of fields separated by tabs: time, event, reader, ATR, what it is. */
char *scd_event_to_fields(const ScdEvent *event, GDateTime *time);

/* For people; several lines where one has not enough columns. */
char *scd_event_to_screen(const ScdEvent *event, GDateTime *time, guint columns);
