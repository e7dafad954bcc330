/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Watches the readers of the service over a connection of its own to the system bus. It starts the
 * service if it is not running, survives restarts of the service, and does nothing while no reader
 * or card changes. A service that stops later is not started: an administrator may have stopped it.
 * It is not thread-safe, and ends when its owner frees it.
 *
 * The service sends its signals in the order of the events. The watch reads all readers again after
 * each signal, and reports with them the signals since the last report: so that a card which was
 * swapped within a millisecond differs from a reader that was unplugged, and both from a service
 * that restarted.
 *
 * Only root and the user of the service can own its bus name; signals of all other processes are
 * ignored. An error of the service is reported, and the watch reads again until the service
 * answers.
 */

#include <systemd/sd-event.h>

#include "reader-list.h"

typedef struct {
    const LgnReaderList *list; /* NULL while the service or pcscd is away */
    const char *error;         /* for a log: the reason why list is NULL; else NULL */
    bool has_run;              /* the service is or was running, perhaps without pcscd */
    bool was_away;             /* the service or pcscd was away since the last report */
    bool is_around_sleep;      /* see lgn_watch_follow_sleep() */
    char *const *gone;         /* object paths of readers that were removed since the last report */
    size_t gone_count;
} LgnReport;

/* Runs inside lgn_watch_wait(), or in the event loop. It must not free the watch. */
typedef void (*LgnReportFunction)(const LgnReport *report, void *data);

typedef struct LgnWatch LgnWatch;

/* Connects to the system bus without blocking. Returns 0 or a negative errno. */
int lgn_watch_open(LgnWatch **watch, LgnReportFunction report, void *data);
void lgn_watch_free(LgnWatch *watch);

/*
 * Lets an event loop process the messages, which ends with EXIT_FAILURE when the connection is
 * lost. Returns 0 or a negative errno. lgn_watch_wait() must not be called then.
 */
int lgn_watch_attach(LgnWatch *watch, sd_event *event);

/*
 * Reads the readers also when the machine is about to sleep and when it has woken up: a card that
 * is pulled meanwhile may cause no signal. Readers may lose their power in suspend: for 10 s after
 * each of the two, reports say that readers may leave and come back. The clock stands in suspend.
 * Only systemd-logind is believed. Returns 0 or a negative errno.
 */
int lgn_watch_follow_sleep(LgnWatch *watch);

/* For other calls on the same connection. Owned by the watch. */
sd_bus *lgn_watch_bus(LgnWatch *watch);

/*
 * Processes one message, or blocks until there is one, for at most so many microseconds
 * (UINT64_MAX: without limit). Returns 0, or a negative errno: -ECANCELED if the descriptor
 * "interrupt" (-1: none) became readable, else the connection is lost.
 */
int lgn_watch_wait(LgnWatch *watch, uint64_t limit_us, int interrupt);

/* Both read the readers again, which causes a report; the first one starts the service. */
void lgn_watch_read(LgnWatch *watch);
void lgn_watch_read_if_running(LgnWatch *watch);

/* Returns whether the reader with that path was removed since the last report. */
bool lgn_report_has_gone(const LgnReport *report, const char *path);
