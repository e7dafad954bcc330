/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Audit log: messages in the journal about the use of readers. Each has a message id, which
 * data/smartcardd.catalog explains, and the fields READER, USB_PATH, CLIENT_UID, CLIENT_PID,
 * CLIENT_UNIT and ACTION as far as they apply. No data of cards is logged.
 *
 * The unit of a client's process is queried from systemd once, for the first message about the
 * client, which is written after the reply, or after a short timeout. While a few queries have no
 * reply, messages about further clients are written without the unit. Messages are rate-limited for
 * each user, kind of event and reader, so that no user can flood the journal, or hide one event
 * behind others. A message with the field DROPPED has the number of those that were dropped, a
 * minute after the first, or when the service stops.
 */

#include "bus/clients.h"
#include "bus/reader.h"

typedef struct ScdAudit ScdAudit;

typedef enum {
    SCD_AUDIT_OPENED,  /* a session or a one-shot call has begun */
    SCD_AUDIT_REFUSED, /* polkit does not authorize a call */
    SCD_AUDIT_REVOKED, /* polkit does not authorize a session any more */
    SCD_AUDIT_LIMIT,   /* a limit was reached */
    SCD_AUDIT_TAKEN,   /* a transaction was ended after its idle limit */
} ScdAuditEvent;

ScdAudit *scd_audit_new(GDBusConnection *bus);

/* Cancels the queries: the main loop then writes the waiting messages, without the unit. */
void scd_audit_stop(ScdAudit *audit);

/* No message may be waiting. */
void scd_audit_free(ScdAudit *audit);

/*
 * reader: NULL if the event is not about one. detail: the polkit action for SCD_AUDIT_REFUSED,
 * the limit for SCD_AUDIT_LIMIT, otherwise NULL.
 */
void scd_audit_client(ScdAudit *audit, ScdAuditEvent event, ScdClient *client,
                      const ScdReader *reader, const char *detail);

/* trouble: why pcscd is not available; NULL: it is. Logged only if it differs from before. */
void scd_audit_pcscd(ScdAudit *audit, const char *trouble);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdAudit, scd_audit_free)
