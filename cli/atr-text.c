/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atr-text.h"

#include <glib/gi18n.h>

char *
ctl_atr_text_convention(const ScdAtr *atr)
{
    return g_strdup(atr->convention == SCD_ATR_CONVENTION_DIRECT ? _("direct") : _("inverse"));
}

static void
append_level(GString *text, const ScdAtr *atr, guint number)
{
    const ScdAtrLevel *level = &atr->levels[number - 1];
    const char *separator = text->len > 0 ? "\n" : "";

    for (guint i = SCD_ATR_TA; i <= SCD_ATR_TD; i++) {
        if (!(level->present & 1 << i))
            continue;
        g_string_append_printf(text, "%sT%c%u %02X", separator, "ABCD"[i], number,
                               level -> value[i]);
        separator = ", ";
    }
}

char *
ctl_atr_text_interface_bytes(const ScdAtr *atr)
{
    GString *text = g_string_new(NULL);

    for (guint number = 1; number <= atr->n_levels; number++)
        append_level(text, atr, number);
    return g_string_free(text, text->len == 0);
}

char *
ctl_atr_text_mode(const ScdAtr *atr)
{
    if (atr->specific_mode)
        return g_strdup_printf(_("specific: T=%u and no other protocol"), atr->specific_protocol);
    return g_strdup(_("negotiable: a protocol can be chosen"));
}

char *
ctl_atr_text_check(const ScdAtr *atr)
{
    switch (atr->check) {
    case SCD_ATR_CHECK_ABSENT:
        return g_strdup(_("none is due"));
    case SCD_ATR_CHECK_OK:
        return g_strdup(_("right"));
    case SCD_ATR_CHECK_WRONG:
        return g_strdup(_("wrong"));
    case SCD_ATR_CHECK_MISSING:
        return g_strdup(_("missing"));
    }
    g_assert_not_reached();
}
