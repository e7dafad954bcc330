/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The least that the other end of a channel can be: a process with a thread that
 * sleeps in ppoll() for a command and for a word from another thread, sends the
 * command to the card, and sends back the answer. No checks, no queue, no turns.
 */

/* Starts it, for a reader of that PC/SC name; gives the client's end. It ends with that. */
int bare_channel_open(const char *reader);
