/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dialogue.h"

#include <glib/gi18n.h>
#include <stdlib.h>

#include "input.h"
#include "response.h"
#include "session.h"
#include "status-word.h"
#include "steps.h"

static gboolean
check_status(const ScdStep *step, GBytes *response, GError **error)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(response, &length);
    guint16 status = 0;

    if (scd_response_status(bytes, length, &status) && scd_expect_matches(&step->expect, status))
        return TRUE;
    g_autofree char *meaning = scd_status_word_explain(status, TRUE);
    if (*meaning)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    _("stopped at status word %04X (%s), which is not expected"), status, meaning);
    else
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    _("stopped at status word %04X, which is not expected"), status);
    return FALSE;
}

static gboolean
take_step(ScdSession *session, const ScdStep *step, const ScdArguments *arguments,
          ScdOutput *output, GError **error)
{
    if (!step->command) {
        g_autofree char *protocol = scd_session_reset(session, error);
        return protocol != NULL;
    }
    g_autoptr(GBytes) response =
        scd_session_transmit(session, step->command, arguments->follow, error);
    if (!response)
        return FALSE;
    scd_response_print(response, step->line, arguments, output);
    return check_status(step, response, error);
}

static void
complain(const ScdStep *step, const GError *error)
{
    g_autofree char *message =
        step->where ? g_strdup_printf("%s: %s", step->where, error->message) : NULL;
    scd_output_complain(message ? message : error->message);
}

static gboolean
take_steps(ScdSession *session, GPtrArray *steps, const ScdArguments *arguments, ScdOutput *output)
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
scd_dialogue_run(GPtrArray *steps, const ScdArguments *arguments, ScdOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ScdReader) reader = scd_reader_choose(arguments, output, &error);
    g_autoptr(ScdSession) session = reader ? scd_session_begin(reader, &error) : NULL;

    if (!session)
        return scd_command_fail(error);
    return take_steps(session, steps, arguments, output) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static GPtrArray *
read_steps(const char *name, ScdOutput *output, GError **error)
{
    g_autoptr(ScdInput) input = scd_input_read(name, output, error);

    return input ? scd_steps_from_text(input->text, error) : NULL;
}

int
scd_dialogue_run_file(const char *name, const ScdArguments *arguments, ScdOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) steps = read_steps(name, output, &error);

    if (!steps)
        return scd_command_fail(error);
    return scd_dialogue_run(steps, arguments, output);
}
