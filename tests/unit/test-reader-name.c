/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/reader-name.h"

#include <string.h>

typedef struct {
    const char *name;
    const char *base;
    const char *interface;
    const char *serial;
    guint index;
    guint slot;
} NameExample;

static const NameExample well_formed[] = {
    {"Gemplus GemPC Twin 00 00", "Gemplus GemPC Twin", "", "", 0, 0},
    {"Virtual PCD 00 01", "Virtual PCD", "", "", 0, 1},
    {"Broadcom Corp 5880 [Contacted SmartCard] (0123456789ABCD) 01 00", "Broadcom Corp 5880",
     "Contacted SmartCard", "0123456789ABCD", 1, 0},
    {"ACS ACR1281 [CCID] 0A 1F", "ACS ACR1281", "CCID", "", 0x0A, 0x1F},
    {"KOBIL KAAN (K123) FF FF", "KOBIL KAAN", "", "K123", 0xFF, 0xFF},
    {"Reader 100 DEADBEEF", "Reader", "", "", 0x100, 0xDEADBEEF},
    /* a base with brackets of its own */
    {"ACME (TM) [v2] Reader [CCID] (42) 00 00", "ACME (TM) [v2] Reader", "CCID", "42", 0, 0},
    {"ACME (TM) Reader 00 00", "ACME (TM) Reader", "", "", 0, 0},
    {"Reader (a (b) c) 00 00", "Reader", "", "a (b) c", 0, 0},
    {"Reader [a [b]] 00 00", "Reader", "a [b]", "", 0, 0},
    {"Reader(9) 00 00", "Reader(9)", "", "", 0, 0},
    {"Reader 9) 00 00", "Reader 9)", "", "", 0, 0},
    {"Reader (9 00 00", "Reader (9", "", "", 0, 0},
    {"Reader (9) [CCID] 00 00", "Reader (9)", "CCID", "", 0, 0},
    {"Reader () 00 00", "Reader", "", "", 0, 0},
    {"(9) 00 00", "(9)", "", "", 0, 0},
    {" (9) 00 00", " (9)", "", "", 0, 0},
    /* a base that ends like a number */
    {"Reader AB 00 01", "Reader AB", "", "", 0, 1},
    {"Reader X 00 01", "Reader X", "", "", 0, 1},
    {"R 00 01", "R", "", "", 0, 1},
};

static void
test_well_formed(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(well_formed); i++) {
        const NameExample *example = &well_formed[i];
        g_autofree char *copy = g_strdup(example->name);
        g_autoptr(ScdReaderName) name = scd_reader_name_parse(copy);

        g_test_message("%s", example->name);
        g_assert_true(name->well_formed);
        g_assert_cmpstr(name->base, ==, example->base);
        g_assert_cmpstr(name->interface, ==, example->interface);
        g_assert_cmpstr(name->serial, ==, example->serial);
        g_assert_cmpuint(name->index, ==, example->index);
        g_assert_cmpuint(name->slot, ==, example->slot);
    }
}

static const char *const others[] = {
    "",
    " ",
    "00",
    "00 00",
    " 00 00",
    "Reader",
    "Reader 00",
    "Reader 0 00",
    "Reader 00 0",
    "Reader00 00",
    "Reader 00  00",
    "Reader 00 00 ",
    "Reader 0a 00",
    "Reader 00 0g",
    "Reader 00 123456789",
    "Reader (9) [x]",
    ")",
    "]",
    "(",
};

static void
test_not_well_formed(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *copy = g_strdup(others[i]);
        g_autoptr(ScdReaderName) name = scd_reader_name_parse(copy);

        g_test_message("\"%s\"", others[i]);
        g_assert_false(name->well_formed);
        g_assert_cmpstr(name->base, ==, others[i]);
        g_assert_cmpstr(name->interface, ==, "");
        g_assert_cmpstr(name->serial, ==, "");
        g_assert_cmpuint(name->index + name->slot, ==, 0);
    }
}

static const struct {
    const char *name;
    const char *label;
} labels[] = {
    {"Gemplus GemPC Twin 00 00", "Gemplus_GemPC_Twin_00_00"},
    {"Yubico YubiKey OTP+FIDO+CCID 00 00", "Yubico_YubiKey_OTP__2bFIDO__2bCCID_00_00"},
    {"A (1) 00 00", "A___281__29_00_00"},
    {"A  B", "A___20B"},
    {"A   B", "A___20__20B"},
    {"A_B", "A__5fB"},
    {" ", "_"},
    {"_", "__5f"},
    {"", "__unnamed"},
    {"__unnamed", "__5f__5funnamed"},
    {"\xC3\xA9\x01", "__c3__a9__01"},
    {"usb 1 3", "__75sb_1_3"},
    {"usb", "usb"},
    {"usb1 3", "usb1_3"},
    {"usb_1_3", "__75sb__5f1__5f3"},
    {"usb-1", "__75sb__2d1"},
    {"USB 1 3", "USB_1_3"},
    {"my usb 1", "my_usb_1"},
    {"__75sb 1 3", "__5f__5f75sb_1_3"},
};

static void
test_labels(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(labels); i++) {
        g_autofree char *label = scd_reader_name_to_label(labels[i].name);

        g_assert_cmpstr(label, ==, labels[i].label);
    }
}

/* Decodes a label, by the rule in the header alone. */
static char *
name_from_label(const char *label)
{
    GString *name = g_string_new(NULL);

    if (strcmp(label, "__unnamed") == 0)
        return g_string_free(name, FALSE);
    for (const char *at = label; *at != '\0'; at++) {
        gboolean is_escape = at[0] == '_' && at[1] == '_' && g_ascii_isxdigit(at[2]);

        if (is_escape) {
            int byte = g_ascii_xdigit_value(at[2]) << 4 | g_ascii_xdigit_value(at[3]);
            g_string_append_c(name, (char)byte);
            at += 3;
        } else {
            g_string_append_c(name, *at == '_' ? ' ' : *at);
        }
    }
    return g_string_free(name, FALSE);
}

/*
 * Returns names of a few characters that are easily confused, some after "usb", and names of random
 * bytes.
 */
static char *
random_name(GRand *rand)
{
    static const char hard[] = "  __2050aAfF(";
    char name[SCD_READER_NAME_MAX_LENGTH + 1];
    const char *prefix = g_rand_boolean(rand) ? "usb" : "";
    gboolean is_hard = g_rand_int_range(rand, 0, 4) > 0;
    gsize length = (gsize)g_rand_int_range(rand, 0, is_hard ? 8 : sizeof name);

    for (gsize i = 0; i < length; i++)
        name[i] = is_hard ? hard[g_rand_int_range(rand, 0, sizeof hard - 1)]
                          : (char)g_rand_int_range(rand, 1, 256);
    g_autofree char *rest = g_strndup(name, length);
    return g_strconcat(prefix, rest, NULL);
}

static void
test_labels_are_unique(void)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    g_autoptr(GHashTable) names =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free); /* by label */

    for (guint round = 0; round < 100000; round++) {
        g_autofree char *name = random_name(rand);
        g_autofree char *label = scd_reader_name_to_label(name);
        g_autofree char *back = name_from_label(label);
        const char *same_label = g_hash_table_lookup(names, label);

        g_assert_cmpstr(back, ==, name);
        g_assert_cmpuint(strlen(label), >, 0);
        g_assert_false(g_str_has_prefix(label, "usb_"));
        g_assert_cmpuint(strspn(label, allowed), ==, strlen(label));
        if (same_label != NULL)
            g_assert_cmpstr(same_label, ==, name);
        g_hash_table_insert(names, g_steal_pointer(&label), g_steal_pointer(&name));
    }
}

/* Names that are composed of parts are split into these parts; any bytes are accepted. */
static void
test_random_names(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(6);

    for (guint round = 0; round < 20000; round++) {
        g_autofree char *base = random_name(rand);
        g_autofree char *any = scd_reader_name_to_label(base);
        g_autoptr(ScdReaderName) garbage = scd_reader_name_parse(base);
        guint index = g_rand_int(rand) >> g_rand_int_range(rand, 0, 32);
        guint slot = g_rand_int(rand) >> g_rand_int_range(rand, 0, 32);
        g_autofree char *whole =
            g_strdup_printf("%s [%u] (%u) %02X %02X", any, index, slot, index, slot);
        g_autoptr(ScdReaderName) name = scd_reader_name_parse(whole);
        g_autofree char *interface = g_strdup_printf("%u", index);
        g_autofree char *serial = g_strdup_printf("%u", slot);

        g_assert_nonnull(garbage->base);
        g_assert_true(name->well_formed);
        g_assert_cmpstr(name->base, ==, any);
        g_assert_cmpstr(name->interface, ==, interface);
        g_assert_cmpstr(name->serial, ==, serial);
        g_assert_cmpuint(name->index, ==, index);
        g_assert_cmpuint(name->slot, ==, slot);
    }
}

static void
test_text(void)
{
    static const struct {
        const char *name;
        const char *text;
    } names[] = {
        {"Gemplus GemPC Twin 00 00", "Gemplus GemPC Twin 00 00"},
        {" Lecteur \xC3\xA9tudiant ", " Lecteur \xC3\xA9tudiant "},
        {"", ""},
        {"cut \xC3", "cut \xEF\xBF\xBD"},
        {"bad \xFF\xFE 00 00", "bad \xEF\xBF\xBD\xEF\xBF\xBD 00 00"},
        {"bad\n00 00", "bad\xEF\xBF\xBD\x30\x30 00"},
        {"bad\x1B[31m", "bad\xEF\xBF\xBD[31m"},
        {"bad \x7F", "bad \xEF\xBF\xBD"},
        {"bad \xC2\x85", "bad \xEF\xBF\xBD"},       /* U+0085 */
        {"\xE2\x80\xAE left", "\xE2\x80\xAE left"}, /* U+202E is text */
    };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = scd_reader_name_to_text(names[i].name);
        g_assert_cmpstr(text, ==, names[i].text);
        g_assert_true(scd_reader_name_is_text(text));
        g_assert_true(scd_reader_name_is_text(names[i].name) == g_str_equal(names[i].name, text));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reader-name/well-formed", test_well_formed);
    g_test_add_func("/reader-name/not-well-formed", test_not_well_formed);
    g_test_add_func("/reader-name/labels", test_labels);
    g_test_add_func("/reader-name/labels-are-unique", test_labels_are_unique);
    g_test_add_func("/reader-name/random-names", test_random_names);
    g_test_add_func("/reader-name/text", test_text);
    return g_test_run();
}
