/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which ATRs somebody waits for: those of one length that agree in the bits of
 * a mask. An empty filter, all zero, lets every ATR pass, that of a mute card
 * too, which has no bytes.
 */

#include "base/atr.h"

typedef struct {
    guint8 value[SCD_ATR_MAX_LENGTH]; /* only bits that are in the mask */
    guint8 mask[SCD_ATR_MAX_LENGTH];
    gsize length;
} ScdAtrFilter;

/*
 * Either array of bytes may be NULL when it was not given: without a mask all
 * bits count. FALSE with SCD_INVALID_ARGUMENT, and the filter as it was, when
 * the ATR has not 1 to SCD_ATR_MAX_LENGTH bytes, or the mask not as many.
 */
gboolean scd_atr_filter_set(ScdAtrFilter *filter, GVariant *atr, GVariant *mask, GError **error);

gboolean scd_atr_filter_passes(const ScdAtrFilter *filter, const guint8 *atr, gsize length);
