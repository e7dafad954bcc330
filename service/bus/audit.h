/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who used what: messages for the administrator, with an identifier for which
 * data/smartcardd.catalog has an explanation, and the fields READER, USB_PATH,
 * CLIENT_UID, CLIENT_PID, CLIENT_UNIT and ACTION as far as they apply. Nothing
 * of what is said to a card is among them.
 *
 * systemd is asked for the unit of a process, and the message waits for its
 * answer, not for long. A user who makes us write many of them has the rest
 * left out until the minute is over, so that the journal stays of use.
 */

#include "bus/reader.h"

typedef enum {
    SCD_AUDIT_OPENED,  /* a session, or the like for one call */
    SCD_AUDIT_REFUSED, /* by polkit */
    SCD_AUDIT_REVOKED, /* a session, likewise */
    SCD_AUDIT_LIMIT,
    SCD_AUDIT_TAKEN, /* a transaction, after its idle limit */
} ScdAuditEvent;

ScdAudit *scd_audit_new(GDBusConnection *bus);

/* What waits for systemd's answer is written without it, by the main loop. */
void scd_audit_stop(ScdAudit *audit);
void scd_audit_free(ScdAudit *audit);

/*
 * reader: NULL when it is about none. detail: the polkit action for
 * SCD_AUDIT_REFUSED, which limit for SCD_AUDIT_LIMIT, else NULL.
 */
void scd_audit_client(ScdAudit *audit, ScdAuditEvent event, const ScdClient *client,
                      const ScdReader *reader, const char *detail);

/* trouble: why pcscd cannot be reached; NULL when it can be. What is known already is not told. */
void scd_audit_pcscd(ScdAudit *audit, const char *trouble);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdAudit, scd_audit_free)
