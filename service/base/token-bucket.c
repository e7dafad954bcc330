/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/token-bucket.h"

static gint64
time_to_fill(const ScdTokenRate *rate, guint count)
{
    return (gint64)count * G_USEC_PER_SEC / rate->per_second;
}

gboolean
scd_token_bucket_has(const ScdTokenBucket *bucket, const ScdTokenRate *rate, gint64 now_us)
{
    return bucket->full_us <= now_us + time_to_fill(rate, rate->burst) - time_to_fill(rate, 1);
}

gboolean
scd_token_bucket_is_full(const ScdTokenBucket *bucket, gint64 now_us)
{
    return bucket->full_us <= now_us;
}

void
scd_token_bucket_take(ScdTokenBucket *bucket, const ScdTokenRate *rate, guint count, gint64 now_us)
{
    gint64 full_us = MAX(bucket->full_us, now_us) + time_to_fill(rate, count);

    bucket->full_us = MIN(full_us, now_us + time_to_fill(rate, rate->burst));
}

void
scd_token_bucket_give_back(ScdTokenBucket *bucket, const ScdTokenRate *rate, guint count)
{
    bucket->full_us -= time_to_fill(rate, count);
}
