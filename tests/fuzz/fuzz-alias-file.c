/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any text as a file of aliases: the aliases read are unchanged after they were written and read.
 */

#include "base/alias.h"

#include <string.h>

#include "fuzz.h"

static void
check_same(const ScdAlias *a, const ScdAlias *b)
{
    g_assert_cmpstr(a->name, ==, b->name);
    g_assert_true(scd_alias_is_bound_alike(a, b));
    g_assert_true(scd_alias_check_name(a->name, NULL));
    if (a->serial != NULL)
        scd_fuzz_assert_clean(a->serial);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GPtrArray) aliases = scd_alias_file_new();
    g_autoptr(GPtrArray) again = scd_alias_file_new();
    GString *text = scd_fuzz_new_group("Aliases", data, size);
    g_auto(GStrv) warnings = scd_alias_file_read(aliases, text->str, text->len);
    g_autofree char *written = scd_alias_file_write(aliases);
    g_auto(GStrv) more_warnings = scd_alias_file_read(again, written, strlen(written));

    scd_fuzz_assert_texts(warnings);
    g_assert_cmpstr(more_warnings[0], ==, NULL);
    g_assert_cmpuint(aliases->len, ==, again->len);
    for (guint i = 0; i < aliases->len; i++)
        check_same(aliases->pdata[i], again->pdata[i]);
    g_string_free(text, TRUE);
    return 0;
}
