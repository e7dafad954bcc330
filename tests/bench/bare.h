/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The minimal peer of a channel: a process with a thread that sleeps in ppoll() until a command or
 * an event from another thread arrives, sends the command to the card, and returns the answer. No
 * checks, no queue, no scheduling.
 */

/*
 * Starts the process for a reader of that PC/SC name; returns the client's end. The process ends
 * when it is closed.
 */
int bare_channel_open(const char *reader);
