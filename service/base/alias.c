/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/alias.h"

#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/reader-name.h"
#include "base/usb-device.h"

#define GROUP "Aliases"
#define PORT "port"
#define SERIAL "serial"
#define INTERFACE "interface"
#define SLOT "slot"

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

static void
free_alias(gpointer data)
{
    scd_alias_free(data);
}

GPtrArray *
scd_alias_file_new(void)
{
    return g_ptr_array_new_with_free_func(free_alias);
}

/* Consumes a keyword and the number after it if the next word is the keyword. */
static gboolean
take_option(char ***words, const char *keyword, guint most, guint *number)
{
    guint64 value;

    if (g_strcmp0((*words)[0], keyword) != 0)
        return TRUE;
    if ((*words)[1] == NULL || !g_ascii_string_to_unsigned((*words)[1], 10, 0, most, &value, NULL))
        return FALSE;
    *number = (guint)value;
    *words += 2;
    return TRUE;
}

static ScdAlias *
parse_words(const char *name, char **words)
{
    gboolean is_port = g_str_equal(words[0], PORT);
    const char *bound_to = words[1];
    ScdUsbPath path = {0};
    guint interface = 0;
    guint slot = 0;

    if (bound_to == NULL || (!is_port && !g_str_equal(words[0], SERIAL)))
        return NULL;
    words += 2;
    if (!take_option(&words, INTERFACE, G_MAXUINT8, &interface) ||
        !take_option(&words, SLOT, G_MAXUINT32, &slot) || *words != NULL)
        return NULL;
    if (!is_port)
        return scd_alias_new_for_serial(name, bound_to, (guint8)interface, slot);
    if (!scd_usb_port_parse(bound_to, &path.port))
        return NULL;
    path.interface = (guint8)interface;
    return scd_alias_new_for_port(name, &path, slot);
}

static ScdAlias *
parse_alias(const char *name, const char *value)
{
    g_auto(GStrv) words = NULL;

    if (!g_shell_parse_argv(value, NULL, &words, NULL))
        return NULL;
    return parse_words(name, words);
}

static char *
check_unique(const GPtrArray *aliases, const ScdAlias *alias)
{
    for (guint i = 0; i < aliases->len; i++) {
        const ScdAlias *other = aliases->pdata[i];

        if (g_str_equal(alias->name, other->name))
            return g_strdup_printf("alias %s is there already", alias->name);
        if (scd_alias_is_bound_alike(alias, other))
            return g_strdup_printf("the reader of alias %s has one already: %s", alias->name,
                                   other->name);
    }
    return NULL;
}

static gboolean
is_alias_group(const char *group)
{
    return g_strcmp0(group, GROUP) == 0;
}

static char *
add_alias(gpointer data, const char *group, const char *key, const char *value)
{
    g_autoptr(ScdAlias) alias = NULL;
    g_autoptr(GError) error = NULL;
    char *refusal;

    if (!is_alias_group(group))
        return NULL;
    if (!scd_alias_check_name(key, &error))
        return g_strdup_printf("alias %s: %s", key, error->message);
    alias = parse_alias(key, value);
    if (alias == NULL)
        return g_strdup_printf("alias %s is bound to 'port PORT' or 'serial NUMBER', then "
                               "'interface NUMBER', then 'slot NUMBER', if any",
                               key);
    refusal = check_unique(data, alias);
    if (refusal == NULL)
        g_ptr_array_add(data, g_steal_pointer(&alias));
    return refusal;
}

char **
scd_alias_file_read_settings(GPtrArray *aliases, const char *text, gsize length)
{
    static const ScdKeyLinesReader reader = {.is_mine = is_alias_group, .value = add_alias};

    return scd_key_lines_read(text, length, &reader, aliases);
}

static gboolean
is_any_group(const char *group)
{
    return TRUE;
}

static char *
check_group(gpointer data, const char *group)
{
    return is_alias_group(group) ? NULL : g_strdup_printf("unknown group [%s]", group);
}

char **
scd_alias_file_read(GPtrArray *aliases, const char *text, gsize length)
{
    static const ScdKeyLinesReader reader = {is_any_group, check_group, add_alias};

    return scd_key_lines_read(text, length, &reader, aliases);
}

static void
print_alias(GString *text, const ScdAlias *alias)
{
    g_autofree char *bound_to =
        alias->serial != NULL ? g_shell_quote(alias->serial) : scd_usb_port_to_string(&alias->port);

    g_string_append_printf(text, "%s=%s %s", alias->name, alias->serial != NULL ? SERIAL : PORT,
                           bound_to);
    if (alias->interface != 0)
        g_string_append_printf(text, " " INTERFACE " %u", alias->interface);
    if (alias->slot != 0)
        g_string_append_printf(text, " " SLOT " %u", alias->slot);
    g_string_append_c(text, '\n');
}

char *
scd_alias_file_write(const GPtrArray *aliases)
{
    GString *text = g_string_new("[" GROUP "]\n");

    for (guint i = 0; i < aliases->len; i++)
        print_alias(text, aliases->pdata[i]);
    return g_string_free(text, FALSE);
}
