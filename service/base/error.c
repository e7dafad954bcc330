/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"

#include <string.h>

static const struct {
    guint code;
    const char *text;
} texts[] = {
#define AS_ROW(name, number, dbus_name, text) {number, text},
    SCD_PCSC_ERROR_TABLE(AS_ROW) SCD_OWN_ERROR_TABLE(AS_ROW)
#undef AS_ROW
};

GQuark
scd_error_quark(void)
{
    return g_quark_from_static_string("scd-error-quark");
}

const char *
scd_error_text(guint code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        if (texts[i].code == code)
            return texts[i].text;
    return "unknown error";
}

#define QUOTED_MAX 128 /* bytes */

char *
scd_error_quote(const char *text)
{
    g_autofree char *start = g_strndup(text, QUOTED_MAX);
    g_autofree char *valid = g_utf8_make_valid(start, -1);

    for (char *byte = valid; *byte != '\0'; byte++)
        if (g_ascii_iscntrl(*byte))
            *byte = '?';
    return g_strconcat("'", valid, start[0] != '\0' && text[strlen(start)] != '\0' ? "…" : "", "'",
                       NULL);
}
