/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All that smartcardd has on the bus: made in the order in which one part
 * needs another, and freed the other way round.
 */

#include "base/card-list.h"
#include "base/config.h"
#include "bus/status-text.h"
#include "bus/tree.h"
#include "pcsc/monitor.h"

typedef struct ScdService ScdService;

/* All of it must live longer. */
typedef struct {
    const ScdCardList *card_list; /* what ATRs are known as, or NULL */
    const ScdConfig *config;
    const char *sysfs;    /* where /sys is */
    const char *settings; /* folder of files *.conf that may give aliases */
    const char *state;    /* folder for those that SetAlias() gives; NULL when there is none */
    void (*shown)(gpointer data);  /* what is on the bus now may be looked at */
    ScdStatusTextFunc status_text; /* what there is, in a line */
    gpointer data;
} ScdServiceOptions;

ScdService *scd_service_new(GDBusConnection *bus, const ScdServiceOptions *options, GError **error);
void scd_service_free(ScdService *service);

/* Whom to ask for a look at the readers; before any is shown. */
void scd_service_set_monitor(ScdService *service, ScdMonitor *monitor);

/*
 * Shows the readers and cards of a snapshot, once it is known which devices they are, or that pcscd
 * cannot be reached.
 */
void scd_service_apply_snapshot(ScdService *service, ScdSnapshot *snapshot);

/* pcscd was asked for all its readers. */
void scd_service_readers_enumerated(ScdService *service);

/* The look that the monitor was asked for is over. */
void scd_service_refreshed(ScdService *service);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdService, scd_service_free)
