/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/alias-file.h"

#include "base/key-lines.h"

#define GROUP "Aliases"
#define PORT "port"
#define SERIAL "serial"
#define INTERFACE "interface"
#define SLOT "slot"

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

/* Takes a keyword and the number after it, when the keyword stands there at all. */
static gboolean
take_number(char ***words, const char *keyword, guint most, guint *number)
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
    if (!take_number(&words, INTERFACE, G_MAXUINT8, &interface) ||
        !take_number(&words, SLOT, G_MAXUINT32, &slot) || *words != NULL)
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
is_ours(const char *group)
{
    return g_strcmp0(group, GROUP) == 0;
}

static char *
read_alias(gpointer data, const char *group, const char *key, const char *value)
{
    g_autoptr(ScdAlias) alias = NULL;
    g_autoptr(GError) error = NULL;
    char *refusal;

    if (!is_ours(group))
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
    static const ScdKeyLinesReader reader = {.is_mine = is_ours, .value = read_alias};

    return scd_key_lines_read(text, length, &reader, aliases);
}

static gboolean
is_any(const char *group)
{
    return TRUE;
}

static char *
read_group(gpointer data, const char *group)
{
    return is_ours(group) ? NULL : g_strdup_printf("unknown group [%s]", group);
}

char **
scd_alias_file_read(GPtrArray *aliases, const char *text, gsize length)
{
    static const ScdKeyLinesReader reader = {is_any, read_group, read_alias};

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
