/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "trace.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* -1 while there is no trace. */
static int
get_output(void)
{
    static gsize output;

    if (g_once_init_enter(&output)) {
        const char *value = g_getenv("SMARTCARDD_TRACE");
        int fd = -1;

        if (value && g_str_equal(value, "1"))
            fd = STDERR_FILENO;
        else if (value && *value && !g_str_equal(value, "0"))
            fd = open(value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0 && value && *value && !g_str_equal(value, "0"))
            g_warning("Cannot open the trace file of SMARTCARDD_TRACE, '%s'", value);
        g_once_init_leave(&output, (gsize)(fd + 2));
    }
    return (int)output - 2;
}

gboolean
smartcardd_trace_is_on(void)
{
    return get_output() >= 0;
}

static void
append_hex(GString *line, const guint8 *data, gsize length)
{
    for (gsize i = 0; i < length; i++)
        g_string_append_printf(line, "%02X", data[i]);
}

/* Each line is one write: lines of several threads do not mix. */
static void
write_line(GString *line)
{
    g_string_append_c(line, '\n');
    if (write(get_output(), line->str, line->len) < 0)
        g_debug("Cannot write the trace");
    explicit_bzero(line->str, line->len);
    g_string_free(line, TRUE);
}

static GString *
new_line(const char *session, const char *sign)
{
    gint64 now = g_get_real_time();
    GString *line = g_string_new(NULL);

    g_string_append_printf(line, "%" G_GINT64_FORMAT ".%06d %s %s ", now / G_USEC_PER_SEC,
                           (int)(now % G_USEC_PER_SEC), strrchr(session, '/') + 1, sign);
    return line;
}

void
smartcardd_trace_command(const char *session, const char *what, const SmartcarddPart *parts,
                         guint n_parts)
{
    GString *line = new_line(session, ">");

    g_string_append_printf(line, "%s ", what);
    for (guint i = 0; i < n_parts; i++)
        append_hex(line, parts[i].data, parts[i].length);
    write_line(line);
}

void
smartcardd_trace_response(const char *session, GBytes *response, const char *failure)
{
    GString *line = new_line(session, "<");

    if (failure)
        g_string_append(line, failure);
    if (response) {
        gsize length;
        const guint8 *data = g_bytes_get_data(response, &length);
        append_hex(line, data, length);
    }
    write_line(line);
}
