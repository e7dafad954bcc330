/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/alias.h"

#include <string.h>

#include "base/config.h"
#include "base/usb-device.h"

#define PORT "port"
#define SERIAL "serial"
#define INTERFACE "interface"
#define SLOT "slot"

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
scd_alias_new_for_rule(const ScdReaderRule *rule)
{
    ScdAlias *alias = g_new0(ScdAlias, 1);

    alias->name = g_strdup(rule->alias);
    alias->file = g_strdup(rule->alias_file);
    alias->rule = rule;
    return alias;
}

ScdAlias *
scd_alias_copy(const ScdAlias *alias)
{
    ScdAlias *copy = g_memdup2(alias, sizeof *alias);

    copy->name = g_strdup(alias->name);
    copy->file = g_strdup(alias->file);
    copy->serial = g_strdup(alias->serial);
    return copy;
}

void
scd_alias_free(ScdAlias *alias)
{
    if (alias == NULL)
        return;
    g_free(alias->name);
    g_free(alias->file);
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
    if (alias->rule != NULL)
        return scd_reader_rule_applies(alias->rule, reader);
    if (alias->interface != scd_identity_interface(reader) || alias->slot != reader->slot)
        return FALSE;
    if (alias->serial != NULL)
        return g_str_equal(alias->serial, reader->serial);
    return reader->has_usb_path && scd_usb_port_equal(&alias->port, &reader->usb_path.port);
}

gboolean
scd_alias_may_be_shared(const ScdAlias *alias)
{
    return alias->rule != NULL || alias->serial != NULL;
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

/* Returns a warning if an alias of the same file conflicts, and removes those of other files. */
static char *
check_unique(GPtrArray *aliases, const ScdAlias *alias)
{
    for (guint i = aliases->len; i-- > 0;) {
        const ScdAlias *other = aliases->pdata[i];
        gboolean is_same_name = g_str_equal(alias->name, other->name);

        if (!is_same_name && !scd_alias_is_bound_alike(alias, other))
            continue;
        if (g_strcmp0(alias->file, other->file) != 0)
            g_ptr_array_remove_index(aliases, i);
        else if (is_same_name)
            return g_strdup_printf("alias %s is there already", alias->name);
        else
            return g_strdup_printf("the reader of alias %s has one already: %s", alias->name,
                                   other->name);
    }
    return NULL;
}

char *
scd_alias_add_setting(GPtrArray *aliases, const char *file, const char *name, const char *value)
{
    g_autoptr(ScdAlias) alias = NULL;
    g_autoptr(GError) error = NULL;
    char *refusal;

    if (!scd_alias_check_name(name, &error))
        return g_strdup_printf("alias %s: %s", name, error->message);
    alias = parse_alias(name, value);
    if (alias == NULL)
        return g_strdup_printf("alias %s is bound to 'port PORT' or 'serial NUMBER', then "
                               "'interface NUMBER', then 'slot NUMBER', if any",
                               name);
    alias->file = g_strdup(file);
    refusal = check_unique(aliases, alias);
    if (refusal == NULL)
        g_ptr_array_add(aliases, g_steal_pointer(&alias));
    return refusal;
}

static gboolean
is_alias_group(const char *group)
{
    return g_strcmp0(group, SCD_ALIASES_GROUP) == 0;
}

static char *
add_own_alias(gpointer data, const char *group, const char *key, const char *value)
{
    return is_alias_group(group) ? scd_alias_add_setting(data, NULL, key, value) : NULL;
}

static gboolean
is_any_group(const char *group)
{
    return TRUE;
}

static char *
check_group(gpointer data, const char *group, guint line)
{
    return is_alias_group(group) ? NULL : g_strdup_printf("unknown group [%s]", group);
}

char **
scd_alias_file_read(GPtrArray *aliases, const char *text, gsize length)
{
    static const ScdKeyLinesReader reader = {is_any_group, check_group, add_own_alias, NULL};

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
    GString *text = g_string_new("[" SCD_ALIASES_GROUP "]\n");

    for (guint i = 0; i < aliases->len; i++)
        print_alias(text, aliases->pdata[i]);
    return g_string_free(text, FALSE);
}
