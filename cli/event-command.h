/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Runs a shell command for each event, one after the other; events wait in a queue meanwhile. The
 * command has the event in its environment:
 *
 *   SMARTCARDCTL_EVENT   the event, such as card-inserted
 *   SMARTCARDCTL_READER  the name of the reader
 *   SMARTCARDCTL_PORT    its USB path
 *   SMARTCARDCTL_ALIAS   its alias
 *   SMARTCARDCTL_ATR     the ATR of the card in hexadecimal digits
 *   SMARTCARDCTL_CARD    the object path of the card
 *   SMARTCARDCTL_REASON  the reason for the event
 *
 * A variable that does not apply to the event is empty.
 */

#include "event.h"

typedef struct CtlEventCommands CtlEventCommands;

typedef struct {
    /* Called when a command starts (busy is TRUE), and when none is left to run. */
    void (*changed)(gboolean busy, gpointer data);

    /*
     * Called when SIGINT has ended a command. Ctrl-C sends it to the command and to this process,
     * which may receive it later. Commands in the queue are not run then.
     */
    void (*interrupted)(gpointer data);
} CtlEventCommandFunctions;

/* command and functions are not copied. */
CtlEventCommands *ctl_event_commands_new(const char *command,
                                         const CtlEventCommandFunctions *functions, gpointer data);

/* Does not wait for the command that is running. */
void ctl_event_commands_free(CtlEventCommands *commands);

void ctl_event_commands_add(CtlEventCommands *commands, const CtlEvent *event);

/* Drops the events whose command has not started. */
void ctl_event_commands_drop_queue(CtlEventCommands *commands);
gboolean ctl_event_commands_are_busy(const CtlEventCommands *commands);
