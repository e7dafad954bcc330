/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/key-lines.h"

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
        add_warning(state, state->reader->group(state->data, group));
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
        if (state->reader->is_mine(state->group))
            add_warning(state, g_strdup(error->message));
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
