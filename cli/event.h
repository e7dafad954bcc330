/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Events of readers, cards, pcscd and the service, and their output formats. */

#include "output.h"
#include "reader-view.h"

typedef enum {
    CTL_EVENT_READER_PRESENT, /* present at the start, like the next one */
    CTL_EVENT_CARD_PRESENT,
    CTL_EVENT_READER_CONNECTED,
    CTL_EVENT_READER_REMOVED,
    CTL_EVENT_CARD_INSERTED,
    CTL_EVENT_CARD_REMOVED,
    CTL_EVENT_CARD_MUTE, /* a card has stopped answering */
    CTL_EVENT_PCSCD_GONE,
    CTL_EVENT_PCSCD_BACK,
    CTL_EVENT_SERVICE_GONE, /* the state of readers and cards is unknown until it is back */
    CTL_EVENT_SERVICE_BACK,
    CTL_N_EVENTS,
} CtlEventKind;

typedef struct {
    CtlEventKind kind;
    CtlReaderView reader; /* all NULL for events without a reader */
    const char *reason;   /* of CTL_EVENT_PCSCD_GONE, else NULL */
} CtlEvent;

/* Returns the name of the event for scripts, such as "card-inserted". */
const char *ctl_event_get_word(CtlEventKind kind);

/* Returns whether the event is for an object that was present when the command started. */
gboolean ctl_event_is_of_start(CtlEventKind kind);

/*
 * Returns the reader of the event, without its card if the event is not about a card. All members
 * are NULL for an event without a reader. The event owns them.
 */
CtlReaderView ctl_event_get_reader(const CtlEvent *event);

/*
 * Prints the event with the current time. JSON is an object in one line: "time", "event", then the
 * reader and the card. In a pipe it is a line of fields separated by tabs: time, event, reader,
 * ATR, the type of the card or the reason, and the object path of the card. On a terminal it takes
 * several lines if the terminal is too narrow for one.
 */
void ctl_event_print(const CtlEvent *event, gboolean json, CtlOutput *output);
