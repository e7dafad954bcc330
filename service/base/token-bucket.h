/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Token bucket: limits a rate, and allows a burst. A bucket is embedded in its subject, such as a
 * user, and refills by itself. The caller passes the time, in microseconds, and has a lock.
 */

#include <glib.h>

typedef struct {
    guint per_second;
    guint burst; /* tokens in a full bucket */
} ScdTokenRate;

/* All zero is a full bucket. */
typedef struct {
    gint64 full_us; /* when it is full again if no more tokens are taken */
} ScdTokenBucket;

/* Returns whether there is a token. */
gboolean scd_token_bucket_has(const ScdTokenBucket *bucket, const ScdTokenRate *rate,
                              gint64 now_us);

gboolean scd_token_bucket_is_full(const ScdTokenBucket *bucket, gint64 now_us);

/* Takes as many tokens as there are, at most this number. */
void scd_token_bucket_take(ScdTokenBucket *bucket, const ScdTokenRate *rate, guint count,
                           gint64 now_us);

/* Puts tokens back that were taken. */
void scd_token_bucket_give_back(ScdTokenBucket *bucket, const ScdTokenRate *rate, guint count);
