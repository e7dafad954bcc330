/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether a call may be carried out: who calls, and what polkit says of that.
 */

#include "bus/authority.h"
#include "bus/reader.h"

/* All that it takes to decide that; all of it must live longer. */
struct ScdAdmission {
    ScdClients *clients;
    ScdAuthority *authority;
    ScdAudit *audit; /* hears of refusals */
};

/* What the table of actions says that the call needs. */
ScdAction scd_admission_action(GDBusMethodInvocation *invocation);

/*
 * client: a reference of its own; NULL with an error, for the caller to be told,
 * when it may not. authenticated: the user had to, at a dialog.
 */
typedef void (*ScdAdmissionFunc)(ScdClient *client, gboolean authenticated, const GError *error,
                                 gpointer data);

/*
 * Asks for what the table of actions says that the call needs, about the reader
 * as it is now. Calls func exactly once, maybe at once; with
 * SCD_E_CANCELLED when the cancellable was cancelled.
 */
void scd_admission_ask(const ScdAdmission *admission, GDBusMethodInvocation *invocation,
                       const ScdReader *reader, GCancellable *cancellable, ScdAdmissionFunc func,
                       gpointer data);
