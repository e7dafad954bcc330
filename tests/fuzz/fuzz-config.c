/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as smartcardd.conf: each setting stays in its range, and warnings are valid text. */

#include "base/config.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    GString *text = scd_fuzz_new_group("Limits", data, size);
    ScdConfig config, again;

    scd_config_set_defaults(&config);
    g_auto(GStrv) warnings = scd_config_read(&config, text->str, text->len);
    scd_fuzz_assert_texts(warnings);

    const guint32 *values = (const guint32 *)&config;
    for (gsize i = 0; i < sizeof config / sizeof *values; i++)
        g_assert_cmpuint(values[i], >=, 1);
    again = config;
    g_auto(GStrv) same_warnings = scd_config_read(&again, text->str, text->len);
    g_assert_cmpmem(&again, sizeof again, &config, sizeof config);
    g_assert_cmpuint(g_strv_length(same_warnings), ==, g_strv_length(warnings));
    g_string_free(text, TRUE);
    return 0;
}
