/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "property.h"

const char *
ctl_property_text(GVariant *properties, const char *name)
{
    const char *text = "";

    if (!g_variant_lookup(properties, name, "&s", &text))
        g_variant_lookup(properties, name, "&o", &text);
    return text;
}

gboolean
ctl_property_flag(GVariant *properties, const char *name)
{
    gboolean flag = FALSE;

    g_variant_lookup(properties, name, "b", &flag);
    return flag;
}

guint64
ctl_property_number(GVariant *properties, const char *name)
{
    g_autoptr(GVariant) value = g_variant_lookup_value(properties, name, NULL);

    if (!value)
        return 0;
    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_BYTE:
        return g_variant_get_byte(value);
    case G_VARIANT_CLASS_UINT16:
        return g_variant_get_uint16(value);
    case G_VARIANT_CLASS_UINT32:
        return g_variant_get_uint32(value);
    case G_VARIANT_CLASS_UINT64:
        return g_variant_get_uint64(value);
    default:
        return 0;
    }
}

GBytes *
ctl_property_bytes(GVariant *properties, const char *name)
{
    g_autoptr(GVariant) value = g_variant_lookup_value(properties, name, G_VARIANT_TYPE_BYTESTRING);

    return value ? g_variant_get_data_as_bytes(value) : g_bytes_new(NULL, 0);
}

const char **
ctl_property_list(GVariant *properties, const char *name)
{
    const char **list;

    return g_variant_lookup(properties, name, "^a&s", &list) ? list : g_new0(const char *, 1);
}

GVariant *
ctl_property_merge(GVariant *properties, GVariant *changed, const char *const *invalidated)
{
    g_auto(GVariantBuilder) merged = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
    GVariantIter iter;
    const char *name;
    GVariant *value;

    g_variant_iter_init(&iter, properties);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) other = g_variant_lookup_value(changed, name, NULL);
        if (!g_strv_contains(invalidated, name))
            g_variant_builder_add(&merged, "{sv}", name, other ? other : value);
    }
    g_variant_iter_init(&iter, changed);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) before = g_variant_lookup_value(properties, name, NULL);
        if (!before)
            g_variant_builder_add(&merged, "{sv}", name, value);
    }
    return g_variant_ref_sink(g_variant_builder_end(&merged));
}
