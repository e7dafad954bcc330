/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "installed-list.h"

#include <string.h>

#define PATH "/usr/share/pcsc/smartcard_list.txt"

GBytes *
installed_list_load(void)
{
    g_autoptr(GMappedFile) file = g_mapped_file_new(PATH, FALSE, NULL);

    if (file == NULL) {
        g_test_skip(PATH " is not installed");
        return NULL;
    }
    return g_mapped_file_get_bytes(file);
}

static gboolean
is_literal(const char *line)
{
    return line[0] != '\0' && strspn(line, "0123456789ABCDEF ") == strlen(line);
}

void
installed_list_foreach(GBytes *text, InstalledListFunc func, gpointer data)
{
    g_autofree char *copy = g_strndup(g_bytes_get_data(text, NULL), g_bytes_get_size(text));
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        if (!is_literal(*line))
            continue;

        g_auto(GStrv) digits = g_strsplit(*line, " ", -1);
        g_autoptr(GByteArray) atr = g_byte_array_new();
        for (char **byte = digits; *byte != NULL; byte++) {
            guint8 value = (guint8)g_ascii_strtoull(*byte, NULL, 16);
            g_byte_array_append(atr, &value, 1);
        }

        g_autoptr(GStrvBuilder) below = g_strv_builder_new();
        for (char **next = line + 1; *next != NULL && (*next)[0] == '\t'; next++)
            g_strv_builder_add(below, *next);
        g_auto(GStrv) lines_below = g_strv_builder_end(below);
        func(atr->data, atr->len, lines_below, data);
    }
}
