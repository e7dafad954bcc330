/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a card's Answer To Reset, explained to a person. */

#include "atr-text.h"

#include <string.h>

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = ctl_atr_explain(data, size);

    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_cmpint(size == 0, ==, *text == '\0');
    for (const char *at = text; *at; at++)
        g_assert_false(g_ascii_iscntrl(*at) && *at != '\n');
    return 0;
}
