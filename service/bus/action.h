/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a call has to be allowed to do: the one table of members and polkit
 * actions. A member that is not in it asks nobody: it is free, or belongs to a
 * session, which was allowed when it was opened.
 */

#include <gio/gio.h>

typedef enum {
    SCD_ACTION_NONE,
    SCD_ACTION_CONNECT,
    SCD_ACTION_EXCLUSIVE,
    SCD_ACTION_CONTROL,
    SCD_ACTION_MANAGE,
} ScdAction;

/* What polkit says of it. */
typedef enum {
    SCD_VERDICT_NO,
    SCD_VERDICT_YES,
    SCD_VERDICT_CHALLENGE,     /* the user would have to authenticate */
    SCD_VERDICT_AUTHENTICATED, /* a yes because the user has done so */
} ScdVerdict;

/* Its name in data/org.smartcardd1.policy; NULL for SCD_ACTION_NONE. */
const char *scd_action_id(ScdAction action);

/* What a call needs. member: one of the table, "Reader.Connect"; arguments: those of the call. */
ScdAction scd_action_for_call(const char *member, GVariant *arguments);

/* The error to reply when the verdict is no or a challenge: which reader, which action, what to do.
 */
GError *scd_action_refusal(ScdAction action, ScdVerdict verdict, const char *reader);
