/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "command.h"
#include "waiting.h"

/* Allocated at once, since reallocating would leave copies; unused pages take no memory. */
#define INPUT_MAX (32 * 1024 * 1024)

static gboolean
set_read_error(GError **error, const char *name, const char *reason)
{
    g_autofree char *shown = g_filename_display_name(name);

    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, _("cannot read '%s': %s"), shown, reason);
    return FALSE;
}

/* Fails with ETIME if the time limit expires. */
static gboolean
wait_for_input(int fd, CtlOutput *output, gint64 end)
{
    CtlWaiting waiting = {
        .output = isatty(fd) ? NULL : output,
        .status = _("Waiting for the input."),
        .delay_ms = CTL_WAITING_DELAY_MS,
        .end = end,
    };

    if (ctl_waiting_run_until_readable(&waiting, fd))
        return TRUE;
    errno = ETIME;
    return FALSE;
}

/* Reads to the end, or until the buffer is full. Sets errno on failure. */
static gboolean
read_all(int fd, CtlInput *input, CtlOutput *output, gint64 end)
{
    gssize n;

    do {
        if (!wait_for_input(fd, output, end))
            return FALSE;
        n = read(fd, input->text + input->length, INPUT_MAX - input->length);
        input->length += n > 0 ? (gsize)n : 0;
    } while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
    return n == 0;
}

static gboolean
read_in_time(int fd, const char *name, CtlInput *input, CtlOutput *output, gint64 *timeout_us,
             GError **error)
{
    gboolean is_limited = *timeout_us > 0 && !isatty(fd);
    gint64 end = is_limited ? ctl_waiting_get_end(*timeout_us) : CTL_WAITING_NO_LIMIT;

    if (!read_all(fd, input, output, end)) {
        if (errno != ETIME)
            return set_read_error(error, name, g_strerror(errno));
        g_set_error_literal(error, CTL_ERROR, CTL_STATUS_TIMEOUT,
                            _("the time ran out while waiting for the input"));
        return FALSE;
    }
    if (is_limited)
        *timeout_us = MAX(end - g_get_monotonic_time(), 1);
    return TRUE;
}

static gboolean
read_checked_text(int fd, const char *name, CtlInput *input, CtlOutput *output, gint64 *timeout_us,
                  GError **error)
{
    if (isatty(fd))
        ctl_output_note(output, _("Type the input, then press Ctrl-D. Press Ctrl-C to cancel."));
    if (!read_in_time(fd, name, input, output, timeout_us, error))
        return FALSE;
    if (input->length == INPUT_MAX)
        return set_read_error(error, name, _("the input is too long"));
    if (memchr(input->text, '\0', input->length))
        return set_read_error(error, name, _("the input is not text"));
    return TRUE;
}

/* A named pipe is opened without waiting for a program that writes to it. */
CtlInput *
ctl_input_read(const char *name, CtlOutput *output, gint64 *timeout_us, GError **error)
{
    gboolean is_standard = g_str_equal(name, "-");
    int fd = is_standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    g_autoptr(CtlInput) input = NULL;

    if (fd < 0) {
        set_read_error(error, name, g_strerror(errno));
        return NULL;
    }
    input = g_malloc0(sizeof(CtlInput) + INPUT_MAX + 1);
    gboolean read = read_checked_text(fd, name, input, output, timeout_us, error);
    if (!is_standard)
        close(fd);
    return read ? g_steal_pointer(&input) : NULL;
}

void
ctl_input_free(CtlInput *input)
{
    explicit_bzero(input->text, input->length);
    g_free(input);
}

GBytes *
ctl_input_parse_hex(const char *hex, GError **error)
{
    gsize length;
    g_autofree guint8 *bytes = scd_hex_to_bytes(hex, &length, error);

    if (!bytes)
        return NULL;
    GBytes *secret = scd_secret_new(bytes, length);
    explicit_bzero(bytes, length);
    return secret;
}
