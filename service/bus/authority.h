/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Asynchronous client of polkit: checks whether a client is authorized for an action.
 *
 * It calls polkit's D-Bus interface on the connection of the service. polkit's library would
 * open a second connection to the bus, which any program can send signals to, without the
 * gate in it (bus-stream.h).
 *
 * Root is authorized for every action, and polkit is not queried for it. While polkit is not
 * available, all other users are refused; that result is not cached, and the next check
 * has the bus start polkit again. A check ends after a minute at the latest, unless polkit has
 * opened a dialog for it: a first query without interaction shows whether one is needed.
 * Only a few queries of each user, and of all users, are sent at a time, so that those that hang
 * do not use up the calls that the bus allows the service to have pending. Some of these calls are
 * kept for rechecks.
 */

#include "bus/clients.h"

typedef struct ScdAuthority ScdAuthority;

typedef enum {
    SCD_VERDICT_NO,
    SCD_VERDICT_YES,
    SCD_VERDICT_CHALLENGE,     /* yes, but only after the user has authenticated */
    SCD_VERDICT_AUTHENTICATED, /* yes, because the user has authenticated */
} ScdVerdict;

/* The details that polkit rules can use. An empty string means unknown. */
typedef struct {
    const char *reader;   /* "reader": the PC/SC name */
    const char *usb_path; /* "usb-path" */
    const char *serial;   /* "serial": of the reader */
    const char *alias;    /* "alias" */
    const char *atr;      /* "atr", in hex */
} ScdAuthorityDetails;

/* Returns them as polkit receives them, a{ss}: a new reference that is not floating. */
GVariant *scd_authority_details_to_variant(const ScdAuthorityDetails *details);

typedef enum {
    SCD_AUTHORITY_NONE = 0,
    SCD_AUTHORITY_INTERACTIVE = 1 << 0, /* polkit may ask the user to authenticate */
    SCD_AUTHORITY_RECHECK = 1 << 1,     /* of a grant, which has at most one at a time */
} ScdAuthorityFlags;

/*
 * error: set if there is no answer, and the verdict is SCD_VERDICT_NO: SCD_NOT_AUTHORIZED
 * when polkit is not available, SCD_LIMITS_EXCEEDED when the user has too many checks
 * pending, SCD_E_CANCELLED when the check was cancelled or the client left, SCD_E_TIMEOUT when
 * polkit, or the bus, has no verdict on a recheck.
 */
typedef void (*ScdAuthorityFunc)(ScdVerdict verdict, const GError *error, gpointer data);

/* polkit's rules, or the users' sessions, have changed: results of former checks are out of date.
 */
typedef void (*ScdAuthorityChangedFunc)(gpointer data);

/* changed: may be NULL. */
ScdAuthority *scd_authority_new(GDBusConnection *bus, ScdAuthorityChangedFunc changed,
                                gpointer data);

/* Cancels the pending checks. */
void scd_authority_free(ScdAuthority *authority);

/*
 * Checks an action of data/org.smartcardd1.policy; action_id: a static string.
 *
 * Calls func exactly once, possibly before this returns. The check is cancelled when the
 * client leaves the bus, or by the cancellable, which may be NULL. A recheck is sent before the
 * user's other checks, and is not counted in their limit.
 */
void scd_authority_check(ScdAuthority *authority, ScdClient *client, const char *action_id,
                         const ScdAuthorityDetails *details, ScdAuthorityFlags flags,
                         GCancellable *cancellable, ScdAuthorityFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdAuthority, scd_authority_free)
