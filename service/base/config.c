/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/config.h"

#include <stddef.h>

typedef struct {
    const char *group;
    const char *key;
    gsize offset;
    guint32 standard;
    guint32 least;
    guint32 most;
} Setting;

static const Setting settings[] = {
    {"Limits", "SessionsPerUser", offsetof(ScdConfig, sessions_per_user), 32, 1, 10000},
    {"Limits", "Sessions", offsetof(ScdConfig, sessions), 256, 1, 10000},
    {"Limits", "CallsPerSession", offsetof(ScdConfig, calls_per_session), 128, 1, 10000},
    {"Limits", "BytesPerSession", offsetof(ScdConfig, bytes_per_session), 4194304, 65544,
     1073741824},
    {"Limits", "WaitersPerUser", offsetof(ScdConfig, waiters_per_user), 64, 1, 10000},
    {"Limits", "Waiters", offsetof(ScdConfig, waiters), 512, 1, 10000},
    {"Transactions", "IdleLimitSec", offsetof(ScdConfig, idle_limit_s), 5, 1, 3600},
};

typedef struct {
    ScdConfig *config;
    char *group;  /* that the line belongs to; NULL before the first */
    guint number; /* of the line, from 1 */
    GPtrArray *warnings;
} Reader;

static guint32 *
value_of(ScdConfig *config, const Setting *setting)
{
    return &G_STRUCT_MEMBER(guint32, config, setting->offset);
}

void
scd_config_set_defaults(ScdConfig *config)
{
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++)
        *value_of(config, &settings[i]) = settings[i].standard;
}

static gboolean
is_known_group(const char *group)
{
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        if (g_str_equal(settings[i].group, group))
            return TRUE;
    }
    return FALSE;
}

static const Setting *
find_setting(const char *group, const char *key)
{
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        if (g_str_equal(settings[i].group, group) && g_str_equal(settings[i].key, key))
            return &settings[i];
    }
    return NULL;
}

static void G_GNUC_PRINTF(2, 3) warn(Reader *reader, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list arguments;

    va_start(arguments, format);
    what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_ptr_array_add(reader->warnings, g_strdup_printf("line %u: %s", reader->number, what));
}

static void
read_group(Reader *reader, const char *group)
{
    if (g_strcmp0(group, reader->group) == 0)
        return;
    if (!is_known_group(group))
        warn(reader, "unknown group [%s], passed over", group);
    g_free(reader->group);
    reader->group = g_strdup(group);
}

static void
read_setting(Reader *reader, const char *key, const char *value)
{
    const Setting *setting = find_setting(reader->group, key);
    guint64 number;

    if (setting == NULL) {
        if (is_known_group(reader->group))
            warn(reader, "unknown setting %s in [%s]", key, reader->group);
        return;
    }
    guint32 *target = value_of(reader->config, setting);
    if (g_ascii_string_to_unsigned(value, 10, setting->least, setting->most, &number, NULL))
        *target = (guint32)number;
    else
        warn(reader, "%s is a number from %u to %u: it stays %u", key, setting->least,
             setting->most, *target);
}

/* GKeyFile gives up a whole file for one odd line, so each comes to it alone, below its group. */
static void
read_line(Reader *reader, const char *line)
{
    g_autofree char *text = reader->group == NULL
                                ? g_strconcat(line, "\n", NULL)
                                : g_strdup_printf("[%s]\n%s\n", reader->group, line);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    gsize n_groups = 0;

    if (!g_key_file_load_from_data(file, text, (gsize)-1, G_KEY_FILE_KEEP_TRANSLATIONS, &error)) {
        warn(reader, "%s", error->message);
        return;
    }
    g_auto(GStrv) groups = g_key_file_get_groups(file, &n_groups);
    if (n_groups == 0)
        return;
    read_group(reader, groups[n_groups - 1]);

    g_auto(GStrv) keys = g_key_file_get_keys(file, reader->group, NULL, NULL);
    for (char **key = keys; *key != NULL; key++) {
        g_autofree char *value = g_key_file_get_value(file, reader->group, *key, NULL);

        read_setting(reader, *key, g_strstrip(value));
    }
}

char **
scd_config_read(ScdConfig *config, const char *text, gsize length)
{
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)length);
    g_auto(GStrv) lines = g_strsplit(valid, "\n", -1);
    Reader reader = {.config = config, .warnings = g_ptr_array_new()};

    for (char **line = lines; *line != NULL; line++) {
        reader.number++;
        read_line(&reader, *line);
    }
    g_free(reader.group);
    g_ptr_array_add(reader.warnings, NULL);
    return (char **)g_ptr_array_free(reader.warnings, FALSE);
}
