/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "card-filter.h"

#include <string.h>

#include "base/bytes.h"
#include "client.h"

static GBytes *
parse_bytes(const char *hex)
{
    gsize length;
    guint8 *bytes = scd_hex_to_bytes(hex, &length, NULL);

    return bytes ? g_bytes_new_take(bytes, length) : NULL;
}

static GBytes *
new_full_mask(gsize length)
{
    guint8 *bytes = g_malloc(length);

    memset(bytes, 0xFF, length);
    return g_bytes_new_take(bytes, length);
}

gboolean
ctl_card_filter_parse_atr(CtlCardFilter *filter, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 2);
    const char *atr = parts[0] ? parts[0] : "";

    filter->atr = parse_bytes(atr);
    if (!filter->atr || g_bytes_get_size(filter->atr) == 0)
        return FALSE;
    filter->mask = parts[1] ? parse_bytes(parts[1]) : new_full_mask(g_bytes_get_size(filter->atr));
    return filter->mask && g_bytes_get_size(filter->mask) == g_bytes_get_size(filter->atr);
}

void
ctl_card_filter_clear(CtlCardFilter *filter)
{
    g_clear_pointer(&filter->atr, g_bytes_unref);
    g_clear_pointer(&filter->mask, g_bytes_unref);
}

static gboolean
is_named_in(SmartcarddClient *client, const CtlReaderView *reader, const char *const *selectors)
{
    for (gsize i = 0; selectors[i]; i++) {
        if (ctl_client_is_named(client, reader->reader, selectors[i]))
            return TRUE;
    }
    return FALSE;
}

gboolean
ctl_card_filter_fits_reader(const CtlCardFilter *filter, SmartcarddClient *client,
                            const CtlReaderView *reader)
{
    return (!filter->readers || is_named_in(client, reader, filter->readers)) &&
           (!filter->others || !is_named_in(client, reader, filter->others));
}

static gboolean
fits_atr(const CtlCardFilter *filter, GBytes *atr)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(atr, &length);

    if (!filter->atr)
        return length > 0 || filter->mute;
    const guint8 *wanted = g_bytes_get_data(filter->atr, NULL);
    const guint8 *mask = g_bytes_get_data(filter->mask, NULL);
    if (length != g_bytes_get_size(filter->atr))
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        if ((bytes[i] ^ wanted[i]) & mask[i])
            return FALSE;
    }
    return TRUE;
}

gboolean
ctl_card_filter_fits_card(const CtlCardFilter *filter, SmartcarddClient *client,
                          const CtlReaderView *reader)
{
    if (!reader->card || !ctl_card_filter_fits_reader(filter, client, reader))
        return FALSE;
    if (filter->card_path && !g_str_equal(filter->card_path, reader->card_path))
        return FALSE;
    g_autoptr(GBytes) atr = ctl_property_bytes(reader->card, "Atr");
    return fits_atr(filter, atr);
}
