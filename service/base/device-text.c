/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/device-text.h"

#define REPLACEMENT 0xFFFD

static gboolean
is_harmless(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return FALSE;
    default:
        return TRUE;
    }
}

char *
scd_device_text_clean(const void *bytes, gsize length)
{
    g_autofree char *text = g_strndup(length > 0 ? bytes : "", length);
    g_autofree char *valid = g_utf8_make_valid(g_strstrip(text), -1);
    GString *clean = g_string_new(NULL);

    for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        g_string_append_unichar(clean, is_harmless(c) ? c : REPLACEMENT);
    }
    return g_string_free(clean, FALSE);
}
