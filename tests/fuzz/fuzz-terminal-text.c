/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text from a device, for a terminal; and as the argument that selects cards by their ATR. */

#include <string.h>

#include "fuzz.h"
#include "output.h"
#include "watch-run.h"

static void
check_escaped(const char *text)
{
    g_autofree char *escaped = ctl_text_escape(text, FALSE);
    g_autofree char *lines = ctl_text_escape(text, TRUE);
    g_autofree char *again = ctl_text_escape(escaped, FALSE);

    g_assert_true(g_utf8_validate(escaped, -1, NULL) && g_utf8_validate(lines, -1, NULL));
    g_assert_cmpstr(again, ==, escaped);
    for (const char *at = escaped; *at != '\0'; at = g_utf8_next_char(at))
        g_assert_false(g_unichar_iscntrl(g_utf8_get_char(at)));
}

static void
check_width(const char *text, guint width)
{
    g_autofree char *cut = ctl_text_cut(text, width);
    g_autofree char *shortened = ctl_text_shorten(text, width);
    g_autofree char *padded = ctl_text_pad(text, width);

    g_assert_true(g_str_has_prefix(text, cut));
    g_assert_cmpuint(ctl_text_width(cut), <=, width);
    g_assert_cmpuint(ctl_text_width(shortened), <=, MAX(width, 3));
    g_assert_cmpuint(ctl_text_width(padded), ==, MAX(width, ctl_text_width(text)));
    g_assert_true(g_str_has_prefix(padded, text));
    g_assert_true(g_utf8_validate(shortened, -1, NULL));
}

static void
check_filter(const char *text)
{
    g_auto(CtlCardFilter) filter = {0};

    if (!ctl_card_filter_parse_atr(&filter, text))
        return;
    g_assert_cmpuint(g_bytes_get_size(filter.atr), >=, 1);
    g_assert_cmpuint(g_bytes_get_size(filter.atr), ==, g_bytes_get_size(filter.mask));
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    ScdFuzzInput input = {data, size};
    guint width = scd_fuzz_take_byte(&input);
    g_autofree char *text = scd_fuzz_dup_text(input.data, input.size);
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *argument = ctl_text_from_argument(text);

    check_escaped(text);
    check_width(valid, width);
    check_filter(text);
    g_assert_true(argument == NULL || g_utf8_validate(argument, -1, NULL));
    return 0;
}
