/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "text.h"

static gboolean
is_printable(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);

    return g_unichar_isprint(c) && type != G_UNICODE_LINE_SEPARATOR &&
           type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

static void
append_escaped(GString *escaped, gunichar c)
{
    glong length;
    g_autofree gunichar2 *units = g_ucs4_to_utf16(&c, 1, NULL, &length, NULL);

    for (glong i = 0; units && i < length; i++)
        g_string_append_printf(escaped, "\\u%04x", units[i]);
}

char *
ctl_text_escape(const char *text, gboolean keep_newlines)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *escaped = g_string_sized_new(strlen(valid));

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (is_printable(c) || (c == '\n' && keep_newlines))
            g_string_append_unichar(escaped, c);
        else
            append_escaped(escaped, c);
    }
    return g_string_free(escaped, FALSE);
}

char *
ctl_text_join_fields(const char *first, ...)
{
    GString *line = g_string_new(NULL);
    va_list more;

    va_start(more, first);
    for (const char *field = first; field; field = va_arg(more, const char *))
        g_string_append_printf(line, "%s%s", line->len > 0 ? "\t" : "", *field ? field : "-");
    va_end(more);
    return g_string_free(line, FALSE);
}

static guint
get_char_width(gunichar c)
{
    return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
}

guint
ctl_text_width(const char *text)
{
    guint width = 0;

    for (const char *at = text; *at; at = g_utf8_next_char(at))
        width += get_char_width(g_utf8_get_char(at));
    return width;
}

char *
ctl_text_pad(const char *text, guint width)
{
    guint taken = ctl_text_width(text);

    return g_strdup_printf("%s%*s", text, taken < width ? (int)(width - taken) : 0, "");
}

char *
ctl_text_cut(const char *text, guint width)
{
    const char *end = text;
    guint taken = 0;

    while (*end && taken + get_char_width(g_utf8_get_char(end)) <= width) {
        taken += get_char_width(g_utf8_get_char(end));
        end = g_utf8_next_char(end);
    }
    return g_strndup(text, (gsize)(end - text));
}

char *
ctl_text_shorten(const char *text, guint width)
{
    static const char ellipsis[] = "...";

    if (ctl_text_width(text) <= width)
        return g_strdup(text);
    g_autofree char *start = ctl_text_cut(text, width - MIN(width, ctl_text_width(ellipsis)));
    return g_strconcat(start, ellipsis, NULL);
}

char *
ctl_text_from_argument(const char *argument)
{
    if (g_utf8_validate(argument, -1, NULL))
        return g_strdup(argument);
    return g_locale_to_utf8(argument, -1, NULL, NULL, NULL);
}
