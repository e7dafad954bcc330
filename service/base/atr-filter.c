/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/atr-filter.h"

#include "base/error.h"

static gboolean
refuse(const char *why, GError **error)
{
    g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGUMENT, why);
    return FALSE;
}

gboolean
scd_atr_filter_set(ScdAtrFilter *filter, GVariant *atr, GVariant *mask, GError **error)
{
    gsize length = 0, mask_length = 0;
    const guint8 *bytes = atr ? g_variant_get_fixed_array(atr, &length, 1) : NULL;
    const guint8 *mask_bytes = mask ? g_variant_get_fixed_array(mask, &mask_length, 1) : NULL;

    if (!atr && mask)
        return refuse("option \"atr-mask\" says which bits of the option \"atr\" count: give both",
                      error);
    if (!atr)
        return TRUE;
    if (length < 1 || length > SCD_ATR_MAX_LENGTH)
        return refuse("option \"atr\" is an ATR of 1 to 33 bytes", error);
    if (mask && mask_length != length)
        return refuse("option \"atr-mask\" has as many bytes as the option \"atr\"", error);

    filter->length = length;
    for (gsize i = 0; i < length; i++) {
        filter->mask[i] = mask ? mask_bytes[i] : 0xFF;
        filter->value[i] = bytes[i] & filter->mask[i];
    }
    return TRUE;
}

gboolean
scd_atr_filter_passes(const ScdAtrFilter *filter, const guint8 *atr, gsize length)
{
    if (filter->length == 0)
        return TRUE;
    if (filter->length != length)
        return FALSE;
    for (gsize i = 0; i < length; i++)
        if ((atr[i] & filter->mask[i]) != filter->value[i])
            return FALSE;
    return TRUE;
}
