/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * polkit, asked asynchronously: may this client do that, with this reader?
 *
 * Root may do everything, with polkit and without it, so it is not asked about
 * root. All others are refused while polkit cannot be asked; nothing is
 * remembered of that, and the next question may find it back. A question has an
 * answer after a minute at the latest, unless there is a dialog open about it:
 * polkit is asked without one first, which tells whether it takes one.
 * The questions of one user are put a few at a time, so that those who let
 * theirs hang do not use up what the bus lets us have open.
 */

#include "bus/action.h"
#include "bus/clients.h"

typedef struct ScdAuthority ScdAuthority;

/* What rules may look at, as details of the same names; "" when it is not known. */
typedef struct {
    const char *reader;   /* its PC/SC name */
    const char *usb_path; /* "usb-path" */
    const char *alias;
    const char *atr; /* in hex */
} ScdAuthorityDetails;

/*
 * error: set when nobody could say, and the verdict is therefore no:
 * SCD_NOT_AUTHORIZED when polkit cannot be asked, SCD_LIMIT_EXCEEDED when the
 * user has too many questions open, SCD_E_CANCELLED when nobody waits for the
 * answer any more.
 */
typedef void (*ScdAuthorityFunc)(ScdVerdict verdict, const GError *error, gpointer data);

/* What was allowed may not be allowed any more, and the other way round. */
typedef void (*ScdAuthorityChangedFunc)(gpointer data);

/* changed: may be NULL. */
ScdAuthority *scd_authority_new(ScdAuthorityChangedFunc changed, gpointer data);

/* Cancels what has no answer yet. */
void scd_authority_free(ScdAuthority *authority);

/*
 * Calls func exactly once, and before this returns when there is nothing to
 * ask. The question is cancelled when the client leaves or by the cancellable,
 * which may be NULL. interactive: polkit may ask the user at a dialog.
 */
void scd_authority_check(ScdAuthority *authority, ScdClient *client, ScdAction action,
                         const ScdAuthorityDetails *details, gboolean interactive,
                         GCancellable *cancellable, ScdAuthorityFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdAuthority, scd_authority_free)
