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
} ScdSetting;

static const ScdSetting settings[] = {
    {"Limits", "SessionsPerUser", offsetof(ScdConfig, sessions_per_user), 128, 1, 10000},
    {"Limits", "Sessions", offsetof(ScdConfig, sessions), 256, 1, 10000},
    {"Limits", "CallsPerSession", offsetof(ScdConfig, calls_per_session), 128, 1, 10000},
    {"Limits", "BytesPerSession", offsetof(ScdConfig, bytes_per_session), 4194304, 65544,
     1073741824},
    {"Limits", "WaitersPerUser", offsetof(ScdConfig, waiters_per_user), 64, 1, 10000},
    {"Limits", "Waiters", offsetof(ScdConfig, wait_calls), 512, 1, 10000},
    {"Limits", "WaitLimitSec", offsetof(ScdConfig, wait_limit_s), 20, 1, 3600},
    {"Limits", "MemoryPerUser", offsetof(ScdConfig, memory_per_user), 50331648, 1048576,
     1073741824},
    {"Limits", "Memory", offsetof(ScdConfig, memory), 201326592, 1048576, 1073741824},
    {"Transactions", "IdleLimitSec", offsetof(ScdConfig, idle_limit_s), 5, 1, 3600},
    {"Transactions", "TotalLimitSec", offsetof(ScdConfig, total_limit_s), 60, 1, 86400},
};

static guint32 *
locate_value(ScdConfig *config, const ScdSetting *setting)
{
    return &G_STRUCT_MEMBER(guint32, config, setting->offset);
}

void
scd_config_set_defaults(ScdConfig *config)
{
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++)
        *locate_value(config, &settings[i]) = settings[i].standard;
}

gboolean
scd_config_has_group(const char *group)
{
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        if (g_str_equal(settings[i].group, group))
            return TRUE;
    }
    return FALSE;
}

static const ScdSetting *
find_setting(const char *group, const char *key)
{
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        if (g_str_equal(settings[i].group, group) && g_str_equal(settings[i].key, key))
            return &settings[i];
    }
    return NULL;
}

char *
scd_config_set(ScdConfig *config, const char *group, const char *key, const char *value)
{
    const ScdSetting *setting = find_setting(group, key);
    guint64 number;

    if (setting == NULL)
        return g_strdup_printf("unknown setting %s in [%s]", key, group);

    guint32 *target = locate_value(config, setting);
    if (!g_ascii_string_to_unsigned(value, 10, setting->least, setting->most, &number, NULL))
        return g_strdup_printf("%s must be a number from %u to %u: keeping %u", key, setting->least,
                               setting->most, *target);
    *target = (guint32)number;
    return NULL;
}

typedef struct {
    const ScdKeyLinesReader *reader;
    gpointer data;
    char *group;  /* of the line; NULL before the first */
    guint number; /* of the line, from 1 */
    GPtrArray *warnings;
} ScdKeyLinesState;

static void
add_warning(ScdKeyLinesState *state, char *warning)
{
    g_autofree char *owned = warning;

    if (owned != NULL)
        g_ptr_array_add(state->warnings, g_strdup_printf("line %u: %s", state->number, owned));
}

static void
begin_group(ScdKeyLinesState *state, const char *group)
{
    if (g_strcmp0(group, state->group) == 0)
        return;
    if (state->reader->group != NULL)
        add_warning(state, state->reader->group(state->data, group, state->number));
    g_free(state->group);
    state->group = g_strdup(group);
}

/*
 * GKeyFile refuses a whole file for one invalid line, so each line is parsed alone below its group.
 */
static void
read_line(ScdKeyLinesState *state, const char *line)
{
    g_autofree char *text = state->group == NULL
                                ? g_strconcat(line, "\n", NULL)
                                : g_strdup_printf("[%s]\n%s\n", state->group, line);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    gsize n_groups = 0;

    if (!g_key_file_load_from_data(file, text, (gsize)-1, G_KEY_FILE_KEEP_TRANSLATIONS, &error)) {
        if (state->reader->is_mine(state->group)) {
            add_warning(state,
                        g_strdup_printf("%s: write Key=Value below a [Group]", error->message));
            if (state->reader->fault != NULL)
                state->reader->fault(state->data, state->group);
        }
        return;
    }
    g_auto(GStrv) groups = g_key_file_get_groups(file, &n_groups);
    if (n_groups == 0)
        return;
    begin_group(state, groups[n_groups - 1]);
    if (!state->reader->is_mine(state->group))
        return;

    g_auto(GStrv) keys = g_key_file_get_keys(file, state->group, NULL, NULL);
    for (char **key = keys; *key != NULL; key++) {
        g_autofree char *value = g_key_file_get_value(file, state->group, *key, NULL);

        g_strstrip(value);
        add_warning(state, state->reader->value(state->data, state->group, *key, value));
    }
}

char **
scd_key_lines_read(const char *text, gsize length, const ScdKeyLinesReader *reader, gpointer data)
{
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)length);
    g_auto(GStrv) lines = g_strsplit(valid, "\n", -1);
    ScdKeyLinesState state = {.reader = reader, .data = data, .warnings = g_ptr_array_new()};

    for (char **line = lines; *line != NULL; line++) {
        state.number++;
        read_line(&state, *line);
    }
    g_free(state.group);
    g_ptr_array_add(state.warnings, NULL);
    return (char **)g_ptr_array_free(state.warnings, FALSE);
}
