/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can happen, and how it is told. */

#include "object-cache.h"
#include "output.h"

typedef enum {
    CTL_EVENT_READER_PRESENT, /* was there already, likewise the next one */
    CTL_EVENT_CARD_PRESENT,
    CTL_EVENT_READER_CONNECTED,
    CTL_EVENT_READER_REMOVED,
    CTL_EVENT_CARD_INSERTED,
    CTL_EVENT_CARD_REMOVED,
    CTL_EVENT_CARD_MUTE, /* a card that answered does so no more */
    CTL_EVENT_PCSCD_GONE,
    CTL_EVENT_PCSCD_BACK,
    CTL_EVENT_SERVICE_GONE, /* nothing is known about readers and cards until it is back */
    CTL_EVENT_SERVICE_BACK,
    CTL_N_EVENTS,
} CtlEventKind;

typedef struct {
    CtlEventKind kind;
    CtlReaderView reader; /* empty where the event is of no reader */
    const char *reason;   /* of CTL_EVENT_PCSCD_GONE, else NULL */
} CtlEvent;

/*
 * As of now. JSON is a line: "time", "event", then what is known of reader and card. Into a pipe
 * goes a line of fields separated by tabs: time, event, reader, ATR, what it is. On a terminal it
 * is several lines where one has not enough columns.
 */
void ctl_event_print(const CtlEvent *event, gboolean json, CtlOutput *output);
