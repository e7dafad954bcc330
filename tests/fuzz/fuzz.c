/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fuzz.h"

#include <string.h>

#include "base/usb-device.h"

char *
scd_fuzz_dup_text(const guint8 *data, gsize size)
{
    return g_strndup((const char *)data, size);
}

GString *
scd_fuzz_new_group(const char *group, const guint8 *data, gsize size)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text, "[%s]\n", group);
    return g_string_append_len(text, (const char *)data, (gssize)size);
}

void
scd_fuzz_assert_clean(const char *text)
{
    g_autofree char *again = scd_device_text_clean(text, strlen(text));

    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_cmpstr(again, ==, text);
}

void
scd_fuzz_assert_texts(char **texts)
{
    for (char **text = texts; *text != NULL; text++) {
        g_assert_true(g_utf8_validate(*text, -1, NULL));
        g_assert_cmpstr(*text, !=, "");
    }
}
