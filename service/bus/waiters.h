/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Calls that wait: for a card to come, for a card to go, for a look at all
 * readers. Each is charged to its caller's user, and ends with its reply when
 * what it waits for is there, when its time is over, when the caller leaves the
 * bus, or when the service ends. Nothing polls: whoever makes it happen tells.
 *
 * A call waits from the moment it came, while the bus is still asked who calls:
 * no event is lost between.
 */

#include "base/config.h"
#include "bus/clients.h"
#include "pcsc/monitor.h"

typedef struct ScdAudit ScdAudit;
typedef struct ScdReader ScdReader;
typedef struct ScdReaders ScdReaders;
typedef struct ScdWaiters ScdWaiters;

ScdWaiters *scd_waiters_new(ScdClients *clients, ScdAudit *audit, const ScdConfig *config);

/* None is left. */
void scd_waiters_free(ScdWaiters *waiters);

/* Whom to ask for a look; before anybody waits for one. */
void scd_waiters_set_monitor(ScdWaiters *waiters, ScdMonitor *monitor);

/* The service ends. */
void scd_waiters_end_all(ScdWaiters *waiters);

/* The methods. The readers must outlive those who wait. */
void scd_waiters_wait_for_card(ScdWaiters *waiters, ScdReaders *readers, GVariant *arguments,
                               GDBusMethodInvocation *invocation);
void scd_waiters_wait_for_removal(ScdWaiters *waiters, ScdReaders *readers, GVariant *arguments,
                                  GDBusMethodInvocation *invocation);
void scd_waiters_wait_for_look(ScdWaiters *waiters, GDBusMethodInvocation *invocation);

/* What happened; it has been announced. */
void scd_waiters_card_inserted(ScdWaiters *waiters, ScdReader *reader);
void scd_waiters_reader_named(ScdWaiters *waiters, ScdReader *reader); /* differently */
void scd_waiters_card_removed(ScdWaiters *waiters, const char *card);
void scd_waiters_looked(ScdWaiters *waiters);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdWaiters, scd_waiters_free)
