/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/alias.h"

#include <string.h>

#include "base/device-text.h"
#include "base/error.h"
#include "base/reader-name.h"

static gboolean
is_letter(gunichar c)
{
    return g_unichar_isalnum(c) || g_unichar_ismark(c);
}

/* Of valid UTF-8. */
static gboolean
has_good_signs(const char *name)
{
    gunichar before = ' ';

    for (const char *at = name; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        gboolean is_sign = c == '-' || c == '_' || c == '.';

        if (!is_letter(c) && (at == name || !is_sign) && (c != ' ' || before == ' '))
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
        !has_good_signs(name)) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT,
                    "an alias is 1 to %d bytes of letters and digits, and after the first also "
                    "'-', '_', '.' and single spaces",
                    SCD_ALIAS_MAX_LENGTH);
        return FALSE;
    }
    if (scd_usb_port_parse(name, &port)) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT,
                    "%s is a USB port, which cannot be an alias", name);
        return FALSE;
    }
    if (is_like_reader_name(name)) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT,
                    "%s is like the name that pcscd gives to a reader, which cannot be an alias",
                    name);
        return FALSE;
    }
    return TRUE;
}

ScdAlias *
scd_alias_new_for_port(const char *name, const ScdUsbPath *path, guint slot)
{
    ScdAlias *alias = g_new0(ScdAlias, 1);

    alias->name = g_strdup(name);
    alias->port = path->port;
    alias->interface = path->interface;
    alias->slot = slot;
    return alias;
}

ScdAlias *
scd_alias_new_for_serial(const char *name, const char *serial, guint8 interface, guint slot)
{
    g_autofree char *clean = scd_device_text_clean(serial, strlen(serial));

    if (clean[0] == '\0')
        return NULL;
    ScdAlias *alias = g_new0(ScdAlias, 1);
    alias->name = g_strdup(name);
    alias->serial = g_steal_pointer(&clean);
    alias->interface = interface;
    alias->slot = slot;
    return alias;
}

ScdAlias *
scd_alias_copy(const ScdAlias *alias)
{
    ScdAlias *copy = g_memdup2(alias, sizeof *alias);

    copy->name = g_strdup(alias->name);
    copy->serial = g_strdup(alias->serial);
    return copy;
}

void
scd_alias_free(ScdAlias *alias)
{
    if (alias == NULL)
        return;
    g_free(alias->name);
    g_free(alias->serial);
    g_free(alias);
}

gboolean
scd_alias_is_bound_alike(const ScdAlias *a, const ScdAlias *b)
{
    return a->interface == b->interface && a->slot == b->slot &&
           g_strcmp0(a->serial, b->serial) == 0 && scd_usb_port_equal(&a->port, &b->port);
}

gboolean
scd_alias_names(const ScdAlias *alias, const ScdIdentity *reader)
{
    if (alias->interface != scd_identity_interface(reader) || alias->slot != reader->slot)
        return FALSE;
    if (alias->serial != NULL)
        return g_str_equal(alias->serial, reader->serial);
    return reader->has_usb_path && scd_usb_port_equal(&alias->port, &reader->usb_path.port);
}
