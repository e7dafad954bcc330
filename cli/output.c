/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "output.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static gboolean
is_printable(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);

    return g_unichar_isprint(c) && type != G_UNICODE_LINE_SEPARATOR &&
           type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

static void
append_escaped(GString *escaped, gunichar c)
{
    glong length;
    g_autofree gunichar2 *units = g_ucs4_to_utf16(&c, 1, NULL, &length, NULL);

    for (glong i = 0; units && i < length; i++)
        g_string_append_printf(escaped, "\\u%04x", units[i]);
}

char *
ctl_text_escape(const char *text, gboolean keep_newlines)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *escaped = g_string_sized_new(strlen(valid));

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (is_printable(c) || (c == '\n' && keep_newlines))
            g_string_append_unichar(escaped, c);
        else
            append_escaped(escaped, c);
    }
    return g_string_free(escaped, FALSE);
}

char *
ctl_text_join_fields(const char *first, ...)
{
    GString *line = g_string_new(NULL);
    va_list more;

    va_start(more, first);
    for (const char *field = first; field; field = va_arg(more, const char *))
        g_string_append_printf(line, "%s%s", line->len > 0 ? "\t" : "", *field ? field : "-");
    va_end(more);
    return g_string_free(line, FALSE);
}

static guint
get_char_width(gunichar c)
{
    return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
}

guint
ctl_text_width(const char *text)
{
    guint width = 0;

    for (const char *at = text; *at; at = g_utf8_next_char(at))
        width += get_char_width(g_utf8_get_char(at));
    return width;
}

char *
ctl_text_pad(const char *text, guint width)
{
    guint taken = ctl_text_width(text);

    return g_strdup_printf("%s%*s", text, taken < width ? (int)(width - taken) : 0, "");
}

char *
ctl_text_cut(const char *text, guint width)
{
    const char *end = text;
    guint taken = 0;

    while (*end && taken + get_char_width(g_utf8_get_char(end)) <= width) {
        taken += get_char_width(g_utf8_get_char(end));
        end = g_utf8_next_char(end);
    }
    return g_strndup(text, (gsize)(end - text));
}

char *
ctl_text_shorten(const char *text, guint width)
{
    static const char ellipsis[] = "...";

    if (ctl_text_width(text) <= width)
        return g_strdup(text);
    g_autofree char *start = ctl_text_cut(text, width - MIN(width, ctl_text_width(ellipsis)));
    return g_strconcat(start, ellipsis, NULL);
}

char *
ctl_text_from_argument(const char *argument)
{
    if (g_utf8_validate(argument, -1, NULL))
        return g_strdup(argument);
    return g_locale_to_utf8(argument, -1, NULL, NULL, NULL);
}

#define ERASE_LINE "\r\033[K"
#define USUAL_COLUMNS 80

struct CtlOutput {
    gboolean terminal;
    gboolean erasing; /* the terminal can erase a line */
    char *status;     /* NULL for none */
    int write_errno;  /* errno of the write that failed, else 0 */
};

CtlOutput *
ctl_output_new(void)
{
    const char *kind = g_getenv("TERM");
    CtlOutput *output = g_new0(CtlOutput, 1);

    output->terminal = isatty(STDOUT_FILENO);
    output->erasing = output->terminal && kind && *kind && !g_str_equal(kind, "dumb");
    /* Turns a closed pipe into an error of write(). */
    signal(SIGPIPE, SIG_IGN);
    return output;
}

void
ctl_output_free(CtlOutput *output)
{
    g_free(output->status);
    g_free(output);
}

gboolean
ctl_output_is_terminal(const CtlOutput *output)
{
    return output->terminal;
}

guint
ctl_output_columns(const CtlOutput *output)
{
    struct winsize size = {0};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return USUAL_COLUMNS;
    return size.ws_col;
}

static char *
convert_to_locale(const char *text)
{
    const char *charset;

    if (g_get_charset(&charset))
        return g_strdup(text);
    g_autofree char *target = g_strconcat(charset, "//TRANSLIT", NULL);
    char *converted = g_convert_with_fallback(text, -1, target, "UTF-8", "?", NULL, NULL, NULL);
    return converted ? converted : g_str_to_ascii(text, NULL);
}

/* The standard output may be non-blocking if another process set that. */
static void
wait_for_room(void)
{
    GPollFD room = {STDOUT_FILENO, G_IO_OUT, 0};
    g_poll(&room, 1, -1);
}

static void
write_bytes(CtlOutput *output, const char *rest, gsize length)
{
    while (length > 0 && !output->write_errno) {
        gssize written = write(STDOUT_FILENO, rest, length);
        if (written >= 0) {
            rest += written;
            length -= (gsize)written;
        } else if (errno == EAGAIN) {
            wait_for_room();
        } else if (errno != EINTR) {
            output->write_errno = errno;
        }
    }
}

static void
write_text(CtlOutput *output, const char *text)
{
    g_autofree char *converted = output->terminal ? convert_to_locale(text) : g_strdup(text);

    write_bytes(output, converted, strlen(converted));
}

/* Leaves out the last column, after which some terminals wrap, and room for "^C". */
static char *
fit_status(const CtlOutput *output)
{
    if (!output->status || !output->erasing)
        return g_strdup("");
    guint columns = ctl_output_columns(output);
    return ctl_text_cut(output->status, columns > 3 ? columns - 3 : 0);
}

void
ctl_output_line(CtlOutput *output, const char *line)
{
    g_autofree char *status = fit_status(output);
    g_autofree char *text = g_strconcat(*status ? ERASE_LINE : "", line, "\n", status, NULL);

    write_text(output, text);
}

void
ctl_output_bytes(CtlOutput *output, GBytes *bytes)
{
    gsize length;
    const char *data = g_bytes_get_data(bytes, &length);

    write_bytes(output, data, length);
}

void
ctl_output_note(CtlOutput *output, const char *note)
{
    if (output->terminal)
        ctl_output_line(output, note);
    else
        g_printerr("%s\n", note);
}

void
ctl_output_set_status(CtlOutput *output, const char *status)
{
    if (!output->terminal || g_strcmp0(status, output->status) == 0)
        return;
    g_free(output->status);
    output->status = g_strdup(status);

    if (output->erasing) {
        g_autofree char *fitting = fit_status(output);
        g_autofree char *text = g_strconcat(ERASE_LINE, fitting, NULL);
        write_text(output, text);
    } else if (status) {
        ctl_output_line(output, status);
    }
}

gboolean
ctl_output_is_asking(const CtlOutput *output)
{
    struct termios mode;

    return output->terminal && tcgetattr(STDOUT_FILENO, &mode) == 0 && !(mode.c_lflag & ECHO);
}

gboolean
ctl_output_is_open(const CtlOutput *output)
{
    return output->write_errno == 0;
}

int
ctl_output_finish(CtlOutput *output)
{
    ctl_output_set_status(output, NULL);
    if (close(STDOUT_FILENO) < 0 && !output->write_errno)
        output->write_errno = errno;
    if (!output->write_errno || output->write_errno == EPIPE)
        return EXIT_SUCCESS;

    g_autofree char *message =
        g_strdup_printf(_("cannot write: %s"), g_strerror(output->write_errno));
    ctl_output_print_error(message);
    return EXIT_FAILURE;
}

void
ctl_output_print_error(const char *message)
{
    g_autofree char *safe = ctl_text_escape(message, FALSE);
    g_printerr("smartcardctl: %s\n", safe);
}
