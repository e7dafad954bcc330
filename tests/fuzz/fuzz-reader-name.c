/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as the name of a reader, and as an alias. */

#include "base/reader-name.h"

#include <string.h>

#include "fuzz.h"

static void
check_parsed(const char *text)
{
    g_autoptr(ScdReaderName) name = scd_reader_name_parse(text);

    g_assert_true(name->base != NULL && name->interface != NULL && name->serial != NULL);
    if (!name->well_formed) {
        g_assert_cmpstr(name->base, ==, text);
        return;
    }
    g_assert_true(g_str_has_prefix(text, name->base));
}

static void
check_label(const char *text)
{
    g_autofree char *label = scd_reader_name_to_label(text);
    g_autofree char *path = g_strconcat("/", label, NULL);

    g_assert_true(g_variant_is_object_path(path));
    g_assert_cmpstr(label, !=, "");
    g_assert_null(strchr(label, '/'));
    g_assert_false(g_str_has_prefix(label, "usb_"));
}

static void
check_text(const char *name)
{
    g_autofree char *text = scd_reader_name_to_text(name);

    g_assert_true(scd_reader_name_is_text(text));
    if (scd_reader_name_is_text(name))
        g_assert_cmpstr(text, ==, name);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = scd_fuzz_dup_text(data, size);
    g_autoptr(GError) error = NULL;

    check_parsed(text);
    check_label(text);
    check_text(text);
    gboolean is_alias = scd_alias_check_name(text, &error);
    scd_fuzz_assert_result(is_alias, error);
    if (is_alias)
        g_assert_true(strlen(text) <= SCD_ALIAS_MAX_LENGTH && scd_reader_name_is_text(text));
    return 0;
}
