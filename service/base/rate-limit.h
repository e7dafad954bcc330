/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Fixed-window rate limit per subject, for the messages that a user can make the service write. All
 * subjects share the window, and its end resets all of them. The caller passes the time.
 */

#include <glib.h>

typedef struct ScdRateLimit ScdRateLimit;

typedef enum {
    SCD_RATE_LIMIT_LEFT,
    SCD_RATE_LIMIT_LAST, /* allowed, and the last one in this window */
    SCD_RATE_LIMIT_SPENT,
} ScdRateLimitState;

ScdRateLimit *scd_rate_limit_new(guint most, gint64 window_us);
void scd_rate_limit_free(ScdRateLimit *rate_limit);

/* Counts one more for the subject, such as a user. now_us must not be less than in the previous
 * call. */
ScdRateLimitState scd_rate_limit_spend(ScdRateLimit *rate_limit, const char *subject,
                                       gint64 now_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdRateLimit, scd_rate_limit_free)
