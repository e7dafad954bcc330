/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atr-text.h"

#include <glib/gi18n.h>
#include <string.h>

#define NAME_COLUMNS 4                    /* the longest are "TA10" and "TCK" */
#define CATEGORY_COMPACT_WITH_STATUS 0x00 /* the last three bytes are the status indicator */
#define CATEGORY_DIR_REFERENCE 0x10
#define CATEGORY_COMPACT 0x80
#define CATEGORY_RESERVED_LAST 0x8F
#define STATUS_LENGTH 3

void
ctl_atr_add_line(GString *text, const char *name, const guint8 *bytes, gsize length,
                 const char *meaning)
{
    g_string_append_printf(text, "%s%-*s  ", text->len > 0 ? "\n" : "", NAME_COLUMNS, name);
    for (gsize i = 0; i < length; i++)
        g_string_append_printf(text, "%s%02X", i > 0 ? " " : "", bytes[i]);
    g_string_append_printf(text, "%s  %s", length == 0 ? "  " : "", meaning);
}

static void
add_fact(GString *text, const char *fact)
{
    ctl_atr_add_line(text, "", NULL, 0, fact);
}

static void G_GNUC_PRINTF(2, 3) add_formatted_fact(GString *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *fact = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    add_fact(text, fact);
}

/* A row applies to a byte whose bits of the mask have this value. */
typedef struct {
    guint8 mask;
    guint8 value;
    const char *text;
} BitMeaning;

static void
add_bit_meanings(GString *text, const BitMeaning *rows, gsize n_rows, guint8 byte)
{
    for (gsize i = 0; i < n_rows; i++) {
        if ((byte & rows[i].mask) == rows[i].value)
            add_fact(text, _(rows[i].text));
    }
}

static void
explain_service_data(GString *text, const guint8 *value, gsize length)
{
    static const BitMeaning rows[] = {
        {0x80, 0x80, N_("applications are selected by full DF name")},
        {0x40, 0x40, N_("applications are selected by partial DF name")},
        {0x20, 0x20, N_("BER-TLV data objects are in EF.DIR")},
        {0x10, 0x10, N_("BER-TLV data objects are in EF.ATR")},
        {0x0E, 0x08, N_("EF.DIR and EF.ATR are read by READ BINARY")},
        {0x0E, 0x00, N_("EF.DIR and EF.ATR are read by READ RECORD")},
        {0x0E, 0x04, N_("EF.DIR and EF.ATR are read by GET DATA")},
        {0x01, 0x00, N_("the card has an MF")},
        {0x01, 0x01, N_("the card has no MF")},
    };

    if (length > 0)
        add_bit_meanings(text, rows, G_N_ELEMENTS(rows), value[0]);
}

static void
explain_selection_methods(GString *text, guint8 byte)
{
    static const BitMeaning rows[] = {
        {0x80, 0x80, N_("DFs are selected by full DF name")},
        {0x40, 0x40, N_("DFs are selected by partial DF name")},
        {0x20, 0x20, N_("DFs are selected by path")},
        {0x10, 0x10, N_("DFs are selected by file identifier")},
        {0x08, 0x08, N_("a DF is selected implicitly")},
        {0x04, 0x04, N_("short EF identifiers are supported")},
        {0x02, 0x02, N_("record numbers are supported")},
        {0x01, 0x01, N_("record identifiers are supported")},
    };

    add_bit_meanings(text, rows, G_N_ELEMENTS(rows), byte);
}

/* The lowest four bits are the exponent of the size of a data unit in half bytes. */
static void
explain_data_coding(GString *text, guint8 byte)
{
    static const BitMeaning rows[] = {
        {0x80, 0x80, N_("EFs of TLV structure are supported")},
        {0x60, 0x00, N_("write functions: write once")},
        {0x60, 0x20, N_("write functions: proprietary")},
        {0x60, 0x40, N_("write functions: OR")},
        {0x60, 0x60, N_("write functions: AND")},
        {0x10, 0x00, N_("FF cannot be the first byte of a BER-TLV tag")},
        {0x10, 0x10, N_("FF can be the first byte of a BER-TLV tag")},
    };

    add_bit_meanings(text, rows, G_N_ELEMENTS(rows), byte);
    if ((byte & 0x0F) == 0)
        add_fact(text, _("data unit: half a byte"));
    else
        add_formatted_fact(text, _("data unit, in bytes: %u"), 1u << ((byte & 0x0F) - 1));
}

static void
explain_command_support(GString *text, guint8 byte)
{
    static const BitMeaning rows[] = {
        {0x80, 0x80, N_("command chaining is supported")},
        {0x40, 0x40, N_("extended Lc and Le are supported")},
        {0x20, 0x20, N_("the limits of extended lengths are in EF.ATR")},
        {0x18, 0x00, N_("there are no other logical channels")},
        {0x10, 0x10, N_("the card assigns the numbers of logical channels")},
        {0x08, 0x08, N_("the terminal assigns the numbers of logical channels")},
    };
    guint highest = byte & 0x07;

    add_bit_meanings(text, rows, G_N_ELEMENTS(rows), byte);
    if ((byte & 0x18) == 0)
        return;
    if (highest == 7)
        add_fact(text, _("logical channels: 8 or more"));
    else
        add_formatted_fact(text, _("logical channels: %u"), highest + 1);
}

static void
explain_capabilities(GString *text, const guint8 *value, gsize length)
{
    static void (*const parts[])(GString *, guint8) = {
        explain_selection_methods, explain_data_coding, explain_command_support};

    for (gsize i = 0; i < MIN(length, G_N_ELEMENTS(parts)); i++)
        parts[i](text, value[i]);
}

static void
explain_life_cycle(GString *text, guint8 status)
{
    static const BitMeaning rows[] = {
        {0xFF, 0x00, N_("life cycle: no information")},
        {0xFF, 0x01, N_("life cycle: creation")},
        {0xFF, 0x03, N_("life cycle: initialization")},
        {0xFD, 0x05, N_("life cycle: operational, activated")},
        {0xFD, 0x04, N_("life cycle: operational, deactivated")},
        {0xFC, 0x0C, N_("life cycle: terminated")},
    };

    if (status > 0x0F)
        add_fact(text, _("life cycle: proprietary"));
    add_bit_meanings(text, rows, G_N_ELEMENTS(rows), status);
}

/* One byte is the life cycle, two are a status word, and three are both. */
static void
explain_status(GString *text, const guint8 *value, gsize length)
{
    if (length == 1 || length == 3)
        explain_life_cycle(text, value[0]);
    if (length == 2 || length == 3)
        add_formatted_fact(text, _("status word: %02X%02X"), value[length - 2], value[length - 1]);
}

static void
explain_as_text(GString *text, const guint8 *value, gsize length)
{
    g_autoptr(GString) ascii = g_string_sized_new(length);

    for (gsize i = 0; i < length; i++)
        g_string_append_c(ascii, g_ascii_isprint((char)value[i]) ? (char)value[i] : '.');
    if (length > 0)
        add_formatted_fact(text, "\"%s\"", ascii->str);
}

typedef void (*ValueExplainer)(GString *text, const guint8 *value, gsize length);

/* The upper half of the tag byte is the tag; the lower half is the length of the value. */
static const struct {
    guint8 tag;
    const char *name;
    ValueExplainer explain; /* NULL: the bytes are all there is to say */
} objects[] = {
    {0x1, N_("country code"), NULL},
    {0x2, N_("issuer identification number"), NULL},
    {0x3, N_("card service data"), explain_service_data},
    {0x4, N_("initial access data"), NULL},
    {0x5, N_("card issuer's data"), explain_as_text},
    {0x6, N_("pre-issuing data"), explain_as_text},
    {0x7, N_("card capabilities"), explain_capabilities},
    {0x8, N_("status indicator"), explain_status},
    {0xF, N_("application identifier"), NULL},
};

static void
explain_object(GString *text, const char *name, const guint8 *bytes, gsize length)
{
    guint8 tag = bytes[0] >> 4;

    for (gsize i = 0; i < G_N_ELEMENTS(objects); i++) {
        if (objects[i].tag != tag)
            continue;
        ctl_atr_add_line(text, name, bytes, length, _(objects[i].name));
        if (objects[i].explain)
            objects[i].explain(text, bytes + 1, length - 1);
        return;
    }
    ctl_atr_add_line(text, name, bytes, length, _("not defined by ISO/IEC 7816-4"));
}

/* first: the number of the first byte, from 1. An object with a cut value is the last one. */
static void
explain_objects(GString *text, const guint8 *bytes, gsize length, guint first)
{
    for (gsize at = 0; at < length;) {
        gsize size = 1 + (bytes[at] & 0x0F);
        g_autofree char *name = g_strdup_printf("T%u", first + (guint)at);

        if (size > length - at) {
            ctl_atr_add_line(text, name, bytes + at, length - at,
                             _("a data object that ends before its length"));
            return;
        }
        explain_object(text, name, bytes + at, size);
        at += size;
    }
}

/* The bytes before the standard of the card; four zeros follow its name. */
static const guint8 storage_card[] = {0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06};
#define STORAGE_CARD_LENGTH 15

static const char *
get_storage_standard(guint8 number)
{
    static const char *const names[] = {
        [0x01] = "ISO/IEC 14443 A, part 1",
        [0x02] = "ISO/IEC 14443 A, part 2",
        [0x03] = "ISO/IEC 14443 A, part 3",
        [0x05] = "ISO/IEC 14443 B, part 1",
        [0x06] = "ISO/IEC 14443 B, part 2",
        [0x07] = "ISO/IEC 14443 B, part 3",
        [0x09] = "ISO/IEC 15693, part 1",
        [0x0A] = "ISO/IEC 15693, part 2",
        [0x0B] = "ISO/IEC 15693, part 3",
        [0x0C] = "ISO/IEC 15693, part 4",
        [0x0D] = "ISO/IEC 7816-10, I2C",
        [0x0E] = "ISO/IEC 7816-10, extended I2C",
        [0x0F] = "ISO/IEC 7816-10, 2WBP",
        [0x10] = "ISO/IEC 7816-10, 3WBP",
        [0x11] = "FeliCa",
    };
    const char *name = number < G_N_ELEMENTS(names) ? names[number] : NULL;

    return name ? name : C_("standard", "not known");
}

static const char *
get_storage_card_name(guint number)
{
    static const struct {
        guint number;
        const char *name;
    } names[] = {
        {0x0001, "MIFARE Classic 1K"},
        {0x0002, "MIFARE Classic 4K"},
        {0x0003, "MIFARE Ultralight"},
        {0x0014, "ICODE SLI"},
        {0x0026, "MIFARE Mini"},
        {0x003A, "MIFARE Ultralight C"},
        {0x003B, "FeliCa"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i].number == number)
            return names[i].name;
    }
    return C_("card", "not known");
}

static void
explain_storage_card(GString *text, const guint8 *bytes)
{
    guint number = (guint)bytes[9] << 8 | bytes[10];
    g_autofree char *standard = g_strdup_printf(_("standard: %s"), get_storage_standard(bytes[8]));
    g_autofree char *card = g_strdup_printf(_("card: %s"), get_storage_card_name(number));

    ctl_atr_add_line(text, "T1", bytes, sizeof storage_card,
                     _("contactless storage card, by PC/SC part 3"));
    ctl_atr_add_line(text, "T9", bytes + 8, 1, standard);
    ctl_atr_add_line(text, "T10", bytes + 9, 2, card);
    ctl_atr_add_line(text, "T12", bytes + 11, 4, _("reserved"));
}

static void
explain_compact_with_status(GString *text, const guint8 *bytes, gsize length)
{
    gsize end = length - MIN(length - 1, STATUS_LENGTH);
    g_autofree char *name = g_strdup_printf("T%u", (guint)end + 1);

    ctl_atr_add_line(text, "T1", bytes, 1, _("data objects, then a status indicator"));
    explain_objects(text, bytes + 1, end - 1, 2);
    if (length - end < STATUS_LENGTH) {
        ctl_atr_add_line(text, name, bytes + end, length - end, _("missing: the status indicator"));
        return;
    }
    ctl_atr_add_line(text, name, bytes + end, STATUS_LENGTH, _("status indicator"));
    explain_status(text, bytes + end, STATUS_LENGTH);
}

void
ctl_atr_explain_historical_bytes(GString *text, const guint8 *bytes, gsize length)
{
    if (length == 0)
        return;
    if (length == STORAGE_CARD_LENGTH && memcmp(bytes, storage_card, sizeof storage_card) == 0) {
        explain_storage_card(text, bytes);
    } else if (bytes[0] == CATEGORY_COMPACT_WITH_STATUS) {
        explain_compact_with_status(text, bytes, length);
    } else if (bytes[0] == CATEGORY_COMPACT) {
        ctl_atr_add_line(text, "T1", bytes, 1, _("data objects"));
        explain_objects(text, bytes + 1, length - 1, 2);
    } else if (bytes[0] == CATEGORY_DIR_REFERENCE) {
        ctl_atr_add_line(text, "T1", bytes, length, _("reference to data in EF.DIR"));
    } else if (bytes[0] > CATEGORY_COMPACT && bytes[0] <= CATEGORY_RESERVED_LAST) {
        ctl_atr_add_line(text, "T1", bytes, length, _("reserved"));
    } else {
        ctl_atr_add_line(text, "T1", bytes, length, _("proprietary"));
        explain_as_text(text, bytes, length);
    }
}
