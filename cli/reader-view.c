/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader-view.h"

static CtlReaderView
view_reader_and_card(SmartcarddReader *reader, SmartcarddCard *card)
{
    return (CtlReaderView){
        .path = smartcardd_reader_get_object_path(reader),
        .properties = smartcardd_reader_get_dictionary(reader),
        .card_path = card ? smartcardd_card_get_object_path(card) : NULL,
        .card = card ? smartcardd_card_get_dictionary(card) : NULL,
        .reader = reader,
    };
}

CtlReaderView
ctl_reader_view_of(SmartcarddReader *reader)
{
    return view_reader_and_card(reader, smartcardd_reader_get_card(reader));
}

CtlReaderView
ctl_reader_view_of_card(SmartcarddCard *card)
{
    return view_reader_and_card(smartcardd_card_get_reader(card), card);
}

static int
compare_views_by_name(gconstpointer a, gconstpointer b)
{
    const CtlReaderView *one = a, *other = b;

    return g_strcmp0(ctl_property_text(one->properties, "Name"),
                     ctl_property_text(other->properties, "Name"));
}

GArray *
ctl_reader_view_list(SmartcarddClient *client)
{
    GListModel *readers = smartcardd_client_get_readers(client);
    GArray *views = g_array_new(FALSE, FALSE, sizeof(CtlReaderView));

    for (guint i = 0; i < g_list_model_get_n_items(readers); i++) {
        g_autoptr(SmartcarddReader) reader = g_list_model_get_item(readers, i);
        CtlReaderView view = ctl_reader_view_of(reader);
        g_array_append_val(views, view);
    }
    g_array_sort(views, compare_views_by_name);
    return views;
}

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
