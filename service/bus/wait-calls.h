/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Implements the methods that wait for an event: WaitForCard, WaitForRemoval and Refresh.
 *
 * Each waiting call is charged to its caller's user. It ends with a reply when its event occurs,
 * or as every pending call does. A call waits from its arrival on, while its caller is still
 * being identified: no event in between is lost. Nothing is polled.
 */

#include "base/config.h"
#include "bus/authorization.h"
#include "bus/options.h"
#include "bus/readers.h"
#include "pcsc/monitor.h"

typedef struct ScdWaitCalls ScdWaitCalls;

/* All of it must outlive the calls. */
typedef struct {
    ScdAuthorization *authorization;
    ScdAudit *audit;
    ScdReaders *readers;
    ScdMonitor *monitor; /* for Refresh */
    const ScdConfig *config;
    ScdCallRegistry *registry;
} ScdWaitCallsParts;

ScdWaitCalls *scd_wait_calls_new(const ScdWaitCallsParts *parts);

/* All calls must have ended. */
void scd_wait_calls_free(ScdWaitCalls *wait_calls);

/* Ends all calls with SCD_P_SHUTDOWN. */
void scd_wait_calls_end_all(ScdWaitCalls *wait_calls);

/* Implement the methods. They take over the invocation. */
void scd_wait_calls_wait_for_card(ScdWaitCalls *wait_calls, GVariant *arguments,
                                  GDBusMethodInvocation *invocation);
void scd_wait_calls_wait_for_removal(ScdWaitCalls *wait_calls, GVariant *arguments,
                                     GDBusMethodInvocation *invocation);
void scd_wait_calls_refresh(ScdWaitCalls *wait_calls, GVariant *arguments,
                            GDBusMethodInvocation *invocation);

/*
 * pcscd cannot be reached any more; to be called while its readers and cards are still there. Ends
 * the calls of WaitForRemoval with SCD_E_NO_SERVICE: the cards go, but were not removed.
 */
void scd_wait_calls_pcscd_lost(ScdWaitCalls *wait_calls, const char *trouble);

/* Returns whether the path is of a card that went with pcscd, and may not have been removed. */
gboolean scd_wait_calls_has_lost(const ScdWaitCalls *wait_calls, const char *card_path);

/* To be called after the signals of these events were emitted. */
void scd_wait_calls_card_inserted(ScdWaitCalls *wait_calls, ScdReader *reader);
void scd_wait_calls_card_removed(ScdWaitCalls *wait_calls, const char *card_path);
void scd_wait_calls_reader_renamed(ScdWaitCalls *wait_calls, ScdReader *reader);
void scd_wait_calls_refreshed(ScdWaitCalls *wait_calls);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdWaitCalls, scd_wait_calls_free)
