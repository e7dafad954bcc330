/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/key-lines.h"

typedef struct {
    const ScdKeyLinesReader *reader;
    gpointer data;
    char *group;  /* that the line belongs to; NULL before the first */
    guint number; /* of the line, from 1 */
    GPtrArray *warnings;
} Reading;

static void
take_warning(Reading *reading, char *warning)
{
    g_autofree char *what = warning;

    if (what != NULL)
        g_ptr_array_add(reading->warnings, g_strdup_printf("line %u: %s", reading->number, what));
}

static void
read_group(Reading *reading, const char *group)
{
    if (g_strcmp0(group, reading->group) == 0)
        return;
    if (reading->reader->group != NULL)
        take_warning(reading, reading->reader->group(reading->data, group));
    g_free(reading->group);
    reading->group = g_strdup(group);
}

/* GKeyFile gives up a whole file for one odd line, so each comes to it alone, below its group. */
static void
read_line(Reading *reading, const char *line)
{
    g_autofree char *text = reading->group == NULL
                                ? g_strconcat(line, "\n", NULL)
                                : g_strdup_printf("[%s]\n%s\n", reading->group, line);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    gsize n_groups = 0;

    if (!g_key_file_load_from_data(file, text, (gsize)-1, G_KEY_FILE_KEEP_TRANSLATIONS, &error)) {
        if (reading->reader->is_mine(reading->group))
            take_warning(reading, g_strdup(error->message));
        return;
    }
    g_auto(GStrv) groups = g_key_file_get_groups(file, &n_groups);
    if (n_groups == 0)
        return;
    read_group(reading, groups[n_groups - 1]);
    if (!reading->reader->is_mine(reading->group))
        return;

    g_auto(GStrv) keys = g_key_file_get_keys(file, reading->group, NULL, NULL);
    for (char **key = keys; *key != NULL; key++) {
        g_autofree char *value = g_key_file_get_value(file, reading->group, *key, NULL);

        g_strstrip(value);
        take_warning(reading, reading->reader->value(reading->data, reading->group, *key, value));
    }
}

char **
scd_key_lines_read(const char *text, gsize length, const ScdKeyLinesReader *reader, gpointer data)
{
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)length);
    g_auto(GStrv) lines = g_strsplit(valid, "\n", -1);
    Reading reading = {.reader = reader, .data = data, .warnings = g_ptr_array_new()};

    for (char **line = lines; *line != NULL; line++) {
        reading.number++;
        read_line(&reading, *line);
    }
    g_free(reading.group);
    g_ptr_array_add(reading.warnings, NULL);
    return (char **)g_ptr_array_free(reading.warnings, FALSE);
}
