/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"

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
