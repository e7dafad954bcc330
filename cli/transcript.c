/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "transcript.h"

#include <glib/gi18n.h>
#include <stdlib.h>

#include "apdu-script.h"
#include "input.h"
#include "response.h"
#include "session.h"
#include "status-word.h"

static gboolean
check_status(const CtlApduStep *step, GBytes *response, GError **error)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(response, &length);
    guint16 status = 0;

    if (scd_response_status(bytes, length, &status) && scd_expect_matches(&step->expect, status))
        return TRUE;
    g_autofree char *meaning = ctl_status_word_explain(status, TRUE);
    if (*meaning)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    _("stopped at status word %04X (%s), which is not expected"), status, meaning);
    else
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    _("stopped at status word %04X, which is not expected"), status);
    return FALSE;
}

static gboolean
take_step(CtlSession *session, const CtlApduStep *step, const CtlArguments *arguments,
          CtlOutput *output, GError **error)
{
    if (!step->command) {
        g_autofree char *protocol = ctl_session_reset(session, error);
        return protocol != NULL;
    }
    g_autoptr(GBytes) response =
        ctl_session_transmit(session, step->command, arguments->follow, error);
    if (!response)
        return FALSE;
    ctl_response_print(response, step->line, arguments, output);
    return check_status(step, response, error);
}

static void
complain(const CtlApduStep *step, const GError *error)
{
    g_autofree char *message =
        step->where ? g_strdup_printf("%s: %s", step->where, error->message) : NULL;
    ctl_output_complain(message ? message : error->message);
}

static gboolean
take_steps(CtlSession *session, GPtrArray *steps, const CtlArguments *arguments, CtlOutput *output)
{
    for (guint i = 0; i < steps->len; i++) {
        g_autoptr(GError) error = NULL;
        if (!take_step(session, steps->pdata[i], arguments, output, &error)) {
            complain(steps->pdata[i], error);
            return FALSE;
        }
    }
    return TRUE;
}

int
ctl_transcript_run(GPtrArray *steps, const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CtlReader) reader = ctl_reader_choose(arguments, output, &error);
    g_autoptr(CtlSession) session = reader ? ctl_session_begin(reader, &error) : NULL;

    if (!session)
        return ctl_command_fail(error);
    return take_steps(session, steps, arguments, output) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static GPtrArray *
read_steps(const char *name, CtlOutput *output, GError **error)
{
    g_autoptr(CtlInput) input = ctl_input_read(name, output, error);

    return input ? ctl_apdu_script_from_text(input->text, error) : NULL;
}

int
ctl_transcript_run_file(const char *name, const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) steps = read_steps(name, output, &error);

    if (!steps)
        return ctl_command_fail(error);
    return ctl_transcript_run(steps, arguments, output);
}
