/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "redact.h"

#include <string.h>

#include "base/atr.h"
#include "base/bytes.h"
#include "base/reader-name.h"

#define HIDDEN "..."
#define SHORTEST_SERIAL 4 /* characters; other numbers contain shorter ones */

static const char *const left_out[] = {"Alias",  "Serial",   "HistoricalBytes",
                                       "AtrHex", "PcscName", NULL};

char *
ctl_redact_serial(const char *text, const char *serial)
{
    GString *hidden = g_string_new(text);

    if (serial && g_utf8_strlen(serial, -1) >= SHORTEST_SERIAL)
        g_string_replace(hidden, serial, HIDDEN, 0);
    return g_string_free(hidden, FALSE);
}

static char *
hide_in_name(const char *text, const char *serial)
{
    g_autoptr(ScdReaderName) name = scd_reader_name_parse(text);
    g_autofree char *in_parentheses = g_strdup_printf("(%s)", name->serial);
    GString *hidden = g_string_new(text);

    if (*name->serial)
        g_string_replace(hidden, in_parentheses, "(" HIDDEN ")", 0);
    g_autofree char *rest = g_string_free(hidden, FALSE);
    return ctl_redact_serial(rest, serial);
}

/* Hides an invalid ATR as a whole. */
static char *
hide_in_atr(GBytes *bytes)
{
    gsize length;
    const guint8 *data = g_bytes_get_data(bytes, &length);
    ScdAtr atr;
    gsize n_shown = scd_atr_parse(data, length, &atr, NULL) ? atr.historical_offset : 0;
    g_autofree char *shown = scd_hex_from_bytes(data, n_shown);
    GString *text = g_string_new(shown);

    for (gsize i = n_shown; i < length; i++)
        g_string_append(text, "..");
    return g_string_free(text, FALSE);
}

/* serial: of the reader. Returns NULL to keep the value. */
static char *
hide_value(GVariant *properties, const char *name, const char *serial)
{
    g_autoptr(GBytes) bytes = ctl_property_bytes(properties, name);
    const char *text = ctl_property_text(properties, name);

    if (g_str_equal(name, "Atr"))
        return hide_in_atr(bytes);
    if (g_str_equal(name, "Name"))
        return hide_in_name(text, serial);
    if (g_str_equal(name, "Vendor") || g_str_equal(name, "Product"))
        return ctl_redact_serial(text, serial);
    return NULL;
}

static GVariant *
redact_properties(GVariant *properties, const char *serial)
{
    g_auto(GVariantBuilder) reduced = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
    GVariantIter iter;
    const char *name;
    GVariant *value;

    g_variant_iter_init(&iter, properties);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        g_autofree char *hidden = hide_value(properties, name, serial);
        if (!g_strv_contains(left_out, name))
            g_variant_builder_add(&reduced, "{sv}", name,
                                  hidden ? g_variant_new_string(hidden) : value);
    }
    return g_variant_ref_sink(g_variant_builder_end(&reduced));
}

CtlReaderView
ctl_redact_reader(const CtlReaderView *reader)
{
    const char *serial = ctl_property_text(reader->properties, "Serial");

    return (CtlReaderView){
        .properties = redact_properties(reader->properties, serial),
        .card = reader->card ? redact_properties(reader->card, serial) : NULL,
    };
}

void
ctl_redact_clear_reader(CtlReaderView *reader)
{
    g_clear_pointer(&reader->properties, g_variant_unref);
    g_clear_pointer(&reader->card, g_variant_unref);
}
