/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * SIGINT and SIGTERM, with which a user stops a command. While they are watched, a signal handler
 * collects them. It does not matter which thread receives them: GLib has threads of its own, which
 * do not block signals. Signals that are ignored stay ignored.
 */

/*
 * Returns a file descriptor that is readable when a signal was collected. It stays open for the
 * next time. Watching cannot be nested.
 */
int ctl_stop_signal_watch(void);

/* Returns the next signal that was collected, or 0 if there is none. */
int ctl_stop_signal_read(void);

/* The signals do what they did before, and so do those that were not read: most often, they end the
 * process. */
void ctl_stop_signal_unwatch(void);

/* Ends the process by the signal, so that its parent can see what ended it. */
_Noreturn void ctl_stop_signal_end_process(int number);
