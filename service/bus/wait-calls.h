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
typedef struct ScdWaitCalls ScdWaitCalls;

ScdWaitCalls *scd_wait_calls_new(ScdClients *clients, ScdAudit *audit, const ScdConfig *config);

/* None is left. */
void scd_wait_calls_free(ScdWaitCalls *wait_calls);

/* Whom to ask for a look; before anybody waits for one. */
void scd_wait_calls_set_monitor(ScdWaitCalls *wait_calls, ScdMonitor *monitor);

/* The service ends. */
void scd_wait_calls_end_all(ScdWaitCalls *wait_calls);

/* The methods. The readers must outlive those who wait. */
void scd_wait_calls_wait_for_card(ScdWaitCalls *wait_calls, ScdReaders *readers,
                                  GVariant *arguments, GDBusMethodInvocation *invocation);
void scd_wait_calls_wait_for_removal(ScdWaitCalls *wait_calls, ScdReaders *readers,
                                     GVariant *arguments, GDBusMethodInvocation *invocation);
void scd_wait_calls_wait_for_refresh(ScdWaitCalls *wait_calls, GDBusMethodInvocation *invocation);

/* What happened; it has been announced. */
void scd_wait_calls_card_inserted(ScdWaitCalls *wait_calls, ScdReader *reader);
void scd_wait_calls_reader_renamed(ScdWaitCalls *wait_calls, ScdReader *reader); /* differently */
void scd_wait_calls_card_removed(ScdWaitCalls *wait_calls, const char *card);
void scd_wait_calls_refreshed(ScdWaitCalls *wait_calls);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdWaitCalls, scd_wait_calls_free)
