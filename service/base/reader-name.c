/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/reader-name.h"

#include <string.h>

#include "base/error.h"
#include "base/usb-path.h"

#define EMPTY_LABEL "__unnamed" /* not an escape: "u" is not a hexadecimal digit */
#define REPLACEMENT 0xFFFD

static gboolean
is_upper_xdigit(char c)
{
    return g_ascii_isxdigit(c) && !g_ascii_islower(c);
}

/*
 * Removes " RR", two to eight upper-case digits and the space before them, from the end of the
 * first *length bytes of name. At least one byte must be left before it.
 */
static gboolean
take_number(const char *name, gsize *length, guint *number)
{
    gsize start = *length;
    guint value = 0;

    while (start > 0 && is_upper_xdigit(name[start - 1]))
        start--;
    gsize n_digits = *length - start;
    if (n_digits < 2 || n_digits > 8 || start < 2 || name[start - 1] != ' ')
        return FALSE;

    for (gsize i = start; i < *length; i++)
        value = value << 4 | (guint)g_ascii_xdigit_value(name[i]);
    *number = value;
    *length = start - 1;
    return TRUE;
}

/*
 * Removes a group such as " (SERIAL)", which may contain pairs of its brackets, from the end in the
 * same way. If there is none, it removes nothing and returns the empty string.
 */
static char *
take_group(const char *name, gsize *length, char open, char close)
{
    gsize start = *length;
    gsize depth = 0;

    if (name[start - 1] != close)
        return g_strdup("");
    do {
        start--;
        if (name[start] == close)
            depth++;
        else if (name[start] == open)
            depth--;
    } while (depth > 0 && start > 0);
    if (start < 2 || name[start - 1] != ' ')
        return g_strdup("");

    char *group = g_strndup(name + start + 1, *length - start - 2);
    *length = start - 1;
    return group;
}

ScdReaderName *
scd_reader_name_parse(const char *name)
{
    ScdReaderName *parsed = g_new0(ScdReaderName, 1);
    gsize length = strlen(name);
    guint index = 0;
    guint slot = 0;

    if (!take_number(name, &length, &slot) || !take_number(name, &length, &index)) {
        parsed->base = g_strdup(name);
        parsed->interface = g_strdup("");
        parsed->serial = g_strdup("");
        return parsed;
    }
    parsed->slot = slot;
    parsed->index = index;
    parsed->serial = take_group(name, &length, '(', ')');
    parsed->interface = take_group(name, &length, '[', ']');
    parsed->base = g_strndup(name, length);
    parsed->well_formed = TRUE;
    return parsed;
}

void
scd_reader_name_free(ScdReaderName *name)
{
    if (name == NULL)
        return;
    g_free(name->base);
    g_free(name->interface);
    g_free(name->serial);
    g_free(name);
}

/* The label of any byte that is neither a letter nor a digit begins with an underscore. */
static gboolean
is_like_usb_label(const char *name)
{
    return g_str_has_prefix(name, "usb") && name[3] != '\0' && !g_ascii_isalnum(name[3]);
}

/*
 * The encoding is reversible, so different names have different labels: an escape ends in a digit
 * and the second of two spaces is escaped, hence underscores come in runs of one (a space), two (an
 * escape) or three (a space, then an escape).
 */
char *
scd_reader_name_to_label(const char *name)
{
    GString *label = g_string_new(name[0] == '\0' ? EMPTY_LABEL : "");

    for (const char *at = name; *at != '\0'; at++) {
        gboolean after_space = at > name && at[-1] == ' ';
        gboolean is_reserved = at == name && is_like_usb_label(name);

        if (g_ascii_isalnum(*at) && !is_reserved)
            g_string_append_c(label, *at);
        else if (*at == ' ' && !after_space)
            g_string_append_c(label, '_');
        else
            g_string_append_printf(label, "__%02x", (guchar)*at);
    }
    return g_string_free(label, FALSE);
}

gboolean
scd_reader_name_is_text(const char *name)
{
    g_autofree char *text = scd_reader_name_to_text(name);
    return g_str_equal(text, name);
}

char *
scd_reader_name_to_text(const char *name)
{
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    GString *text = g_string_new(NULL);

    for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        g_string_append_unichar(text, g_unichar_iscntrl(c) ? REPLACEMENT : c);
    }
    return g_string_free(text, FALSE);
}

static gboolean
is_letter(gunichar c)
{
    return g_unichar_isalnum(c) || g_unichar_ismark(c);
}

/* name: valid UTF-8. */
static gboolean
has_valid_characters(const char *name)
{
    gunichar before = ' ';

    for (const char *at = name; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        gboolean is_punctuation = c == '-' || c == '_' || c == '.';

        if (!is_letter(c) && (at == name || !is_punctuation) && (c != ' ' || before == ' '))
            return FALSE;
        before = c;
    }
    return before != ' ';
}

static gboolean
is_like_reader_name(const char *name)
{
    g_autoptr(ScdReaderName) parsed = scd_reader_name_parse(name);

    return parsed->well_formed;
}

gboolean
scd_alias_check_name(const char *name, GError **error)
{
    gsize length = strnlen(name, SCD_ALIAS_MAX_LENGTH + 1);
    ScdUsbPort port;

    if (length > SCD_ALIAS_MAX_LENGTH || !g_utf8_validate(name, (gssize)length, NULL) ||
        !has_valid_characters(name)) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    "an alias is 1 to %d bytes of letters and digits, and after the first also "
                    "'-', '_', '.' and single spaces",
                    SCD_ALIAS_MAX_LENGTH);
        return FALSE;
    }
    if (scd_usb_port_parse(name, &port)) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    "%s is a USB port, which cannot be an alias", name);
        return FALSE;
    }
    if (is_like_reader_name(name)) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    "%s is like the name that pcscd gives to a reader, which cannot be an alias",
                    name);
        return FALSE;
    }
    return TRUE;
}
