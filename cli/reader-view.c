/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader-view.h"

#include <glib/gi18n.h>
#include <string.h>

#include "base/bytes.h"
#include "base/usb-path.h"
#include "output.h"

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

CtlCardState
ctl_describe_state(const CtlReaderView *reader)
{
    if (!ctl_property_flag(reader->properties, "CardPresent"))
        return (CtlCardState){"empty", _("empty")};
    if (ctl_property_flag(reader->properties, "Mute"))
        return (CtlCardState){"mute", _("mute card")};
    return (CtlCardState){"card", _("card present")};
}

char *
ctl_describe_text(const CtlReaderView *reader, const char *property)
{
    return ctl_text_escape(ctl_property_text(reader->properties, property), FALSE);
}

char *
ctl_describe_reader(const CtlReaderView *reader)
{
    return ctl_describe_text(reader, "Name");
}

/* "1-3.1" for "1-3.1:1.0"; empty for another interface than the first, and for no path. */
static char *
get_usb_port(const char *usb_path)
{
    ScdUsbPath path;

    if (scd_usb_path_parse(usb_path, &path) && path.interface == 0)
        return scd_usb_port_to_string(&path.port);
    return g_strdup("");
}

/* A port is a prefix of the paths at it. slot: negative for any. */
static gboolean
is_at(const CtlReaderView *reader, const char *position, gint64 slot)
{
    const char *path = ctl_property_text(reader->properties, "UsbPath");
    gsize length = strlen(position);

    return g_str_has_prefix(path, position) && (path[length] == '\0' || path[length] == ':') &&
           (slot < 0 || (guint64)slot == ctl_property_number(reader->properties, "Slot"));
}

static gboolean
is_only_one_at(GArray *readers, const char *position, gint64 slot)
{
    guint count = 0;

    for (guint i = 0; i < readers->len; i++)
        count += is_at(&g_array_index(readers, CtlReaderView, i), position, slot) ? 1 : 0;
    return count == 1;
}

/* Returns the first of the positions that names one reader, with its slot if none does without. */
static char *
choose_position(const CtlReaderView *reader, GArray *readers, const char *const *positions,
                guint n_positions)
{
    gint64 slot = (gint64)ctl_property_number(reader->properties, "Slot");

    for (guint i = 0; i < n_positions; i++) {
        if (*positions[i] && is_only_one_at(readers, positions[i], -1))
            return ctl_text_escape(positions[i], FALSE);
    }
    for (guint i = 0; i < n_positions; i++) {
        g_autofree char *safe = ctl_text_escape(positions[i], FALSE);
        if (*positions[i] && is_only_one_at(readers, positions[i], slot))
            return g_strdup_printf("%s/%u", safe, (guint)slot);
    }
    return ctl_text_escape(positions[n_positions - 1], FALSE);
}

char *
ctl_describe_usb_path(const CtlReaderView *reader, GArray *readers)
{
    const char *path = ctl_property_text(reader->properties, "UsbPath");

    return choose_position(reader, readers, &path, 1);
}

char *
ctl_describe_port(const CtlReaderView *reader, GArray *readers)
{
    const char *path = ctl_property_text(reader->properties, "UsbPath");
    g_autofree char *short_form = get_usb_port(path);
    const char *const positions[] = {short_form, path};
    g_autofree char *port = choose_position(reader, readers, positions, G_N_ELEMENTS(positions));

    if (!ctl_property_flag(reader->properties, "BuiltIn"))
        return g_steal_pointer(&port);
    return *port ? g_strdup_printf(_("%s (built in)"), port) : g_strdup(_("built in"));
}

static char *
dup_text(const char *text, gboolean translated)
{
    return g_strdup(translated ? _(text) : text);
}

/* An ATR may have dozens of names: only the first one fits a line. */
static char *
describe_names(const char *const *names, gboolean translated)
{
    g_autofree char *name = ctl_text_escape(names[0], FALSE);
    guint more = g_strv_length((char **)names) - 1;

    if (more == 0)
        return g_steal_pointer(&name);
    g_autofree char *others =
        translated ? g_strdup_printf(ngettext("or %u other", "or %u others", more), more)
                   : g_strdup_printf(more == 1 ? "or %u other" : "or %u others", more);
    return g_strdup_printf("%s (%s)", name, others);
}

/* Describes a card without a name by its ATR. */
static char *
describe_unknown_card(GVariant *card, gboolean translated)
{
    g_autofree const char **protocols = ctl_property_list(card, "Protocols");
    g_autofree char *joined = g_strjoinv(", ", (char **)protocols);
    g_autofree char *offered = ctl_text_escape(joined, FALSE);

    if (!*protocols)
        return dup_text(N_("unknown card with an invalid ATR"), translated);
    if (ctl_property_flag(card, "Contactless"))
        return translated ? g_strdup_printf(_("unknown contactless card, %s"), offered)
                          : g_strdup_printf("unknown contactless card, %s", offered);
    return translated ? g_strdup_printf(_("unknown card, %s"), offered)
                      : g_strdup_printf("unknown card, %s", offered);
}

char *
ctl_describe_card(const CtlReaderView *reader, gboolean translated)
{
    if (!reader->card)
        return g_strdup("");

    g_autofree const char **names = ctl_property_list(reader->card, "Names");
    g_autoptr(GBytes) atr = ctl_property_bytes(reader->card, "Atr");
    if (*names)
        return describe_names(names, translated);
    if (g_bytes_get_size(atr) == 0)
        return dup_text(N_("the card does not answer"), translated);
    return describe_unknown_card(reader->card, translated);
}

char *
ctl_describe_bytes(GBytes *bytes)
{
    gsize length;
    const guint8 *byte = g_bytes_get_data(bytes, &length);
    GString *text = g_string_sized_new(3 * length);

    for (gsize i = 0; i < length; i++)
        g_string_append_printf(text, "%s%02X", i ? " " : "", byte[i]);
    return g_string_free(text, FALSE);
}

char *
ctl_describe_hex(GBytes *bytes)
{
    gsize length;
    const guint8 *byte = g_bytes_get_data(bytes, &length);

    return scd_hex_from_bytes(byte, length);
}

char *
ctl_describe_atr(const CtlReaderView *reader, gboolean spaced)
{
    if (!reader->card)
        return g_strdup("");

    g_autoptr(GBytes) atr = ctl_property_bytes(reader->card, "Atr");
    return spaced ? ctl_describe_bytes(atr) : ctl_describe_hex(atr);
}

char *
ctl_describe_ascii(GBytes *bytes)
{
    gsize length;
    const guint8 *byte = g_bytes_get_data(bytes, &length);
    GString *text = g_string_sized_new(length);

    for (gsize i = 0; i < length; i++)
        g_string_append_c(text, g_ascii_isprint(byte[i]) ? (char)byte[i] : '.');
    return g_string_free(text, FALSE);
}

char *
ctl_describe_atr_convention(const ScdAtr *atr)
{
    return g_strdup(atr->convention == SCD_ATR_CONVENTION_DIRECT ? _("direct") : _("inverse"));
}

static void
append_atr_level(GString *text, const ScdAtr *atr, guint number)
{
    const ScdAtrLevel *level = &atr->levels[number - 1];
    const char *separator = text->len > 0 ? "\n" : "";

    for (guint i = SCD_ATR_TA; i <= SCD_ATR_TD; i++) {
        if (!(level->present & 1 << i))
            continue;
        g_string_append_printf(text, "%sT%c%u %02X", separator, "ABCD"[i], number,
                               level -> value[i]);
        separator = ", ";
    }
}

char *
ctl_describe_atr_interface_bytes(const ScdAtr *atr)
{
    GString *text = g_string_new(NULL);

    for (guint number = 1; number <= atr->n_levels; number++)
        append_atr_level(text, atr, number);
    return g_string_free(text, text->len == 0);
}

char *
ctl_describe_atr_mode(const ScdAtr *atr)
{
    if (atr->specific_mode)
        return g_strdup_printf(_("specific: T=%u and no other protocol"), atr->specific_protocol);
    return g_strdup(_("negotiable: the protocol can be selected"));
}

char *
ctl_describe_atr_check(const ScdAtr *atr)
{
    switch (atr->check) {
    case SCD_ATR_CHECK_ABSENT:
        return g_strdup(_("not required"));
    case SCD_ATR_CHECK_OK:
        return g_strdup(_("correct"));
    case SCD_ATR_CHECK_WRONG:
        return g_strdup(_("wrong"));
    case SCD_ATR_CHECK_MISSING:
        return g_strdup(_("missing"));
    }
    g_assert_not_reached();
}
