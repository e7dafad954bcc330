/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/alias-name.h"

#include <string.h>

#include "base/error.h"
#include "base/reader-name.h"
#include "base/usb-path.h"

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
