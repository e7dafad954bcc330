/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as smartcardd.conf: each setting stays in its range, and warnings are valid text. */

#include "base/settings.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(ScdSettings) settings = scd_settings_new();
    const guint32 *values = (const guint32 *)&settings->config;

    scd_settings_add(settings, "file", (const char *)data, size);
    scd_settings_finish(settings);
    g_ptr_array_add(settings->warnings, NULL);
    scd_fuzz_assert_texts((char **)settings->warnings->pdata);
    for (gsize i = 0; i < sizeof settings->config / sizeof *values; i++)
        g_assert_cmpuint(values[i], >=, 1);
    for (guint i = 0; i < settings->aliases->len; i++) {
        const ScdAlias *alias = settings->aliases->pdata[i];

        g_assert_true(scd_alias_check_name(alias->name, NULL));
    }
    return 0;
}
