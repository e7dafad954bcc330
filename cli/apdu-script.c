/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apdu-script.h"

#include <glib/gi18n.h>
#include <string.h>

#include "base/error.h"
#include "input.h"

#define APDU_MIN 4 /* bytes: CLA, INS, P1 and P2 */

static void
free_step(gpointer data)
{
    CtlApduStep *step = data;

    g_free(step->where);
    g_clear_pointer(&step->command, g_bytes_unref);
    g_free(step);
}

static GPtrArray *
new_steps(void)
{
    return g_ptr_array_new_with_free_func(free_step);
}

static CtlApduStep *
add_step(GPtrArray *steps)
{
    CtlApduStep *step = g_new0(CtlApduStep, 1);

    g_ptr_array_add(steps, step);
    return step;
}

static gboolean
parse_command(CtlApduStep *step, const char *hex, gboolean allow_short, GError **error)
{
    step->command = ctl_input_parse_hex(hex, error);
    if (!step->command || !scd_command_check(g_bytes_get_size(step->command), error))
        return FALSE;
    if (allow_short || g_bytes_get_size(step->command) >= APDU_MIN)
        return TRUE;
    g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGS,
                        _("an APDU has at least 4 bytes; put quotes around one with spaces, or "
                          "use --raw-command"));
    return FALSE;
}

static void
prefix_step_error(const CtlApduStep *step, GError **error)
{
    if (step->where)
        g_prefix_error(error, "%s: ", step->where);
}

GPtrArray *
ctl_apdu_script_from_arguments(const char *const *arguments, gboolean allow_short, GError **error)
{
    g_autoptr(GPtrArray) steps = new_steps();

    for (guint i = 0; arguments[i]; i++) {
        CtlApduStep *step = add_step(steps);
        if (arguments[1])
            step->where = g_strdup_printf(_("command %u"), i + 1);
        if (!parse_command(step, arguments[i], allow_short, error)) {
            prefix_step_error(step, error);
            return NULL;
        }
    }
    return g_steal_pointer(&steps);
}

static gboolean
parse_patterns(CtlApduStep *step, const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    g_autoptr(GPtrArray) patterns = g_ptr_array_new();

    for (char **word = words; *word; word++) {
        if (**word)
            g_ptr_array_add(patterns, *word);
    }
    if (patterns->len == 0) {
        g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGS,
                            _("there is no status word after '='"));
        return FALSE;
    }
    g_ptr_array_add(patterns, NULL);
    return scd_expect_parse((const char *const *)patterns->pdata, &step->expect, error);
}

/* line: without its comment, with spaces for all white space. Modifies the line. */
static gboolean
parse_step_line(CtlApduStep *step, char *line, gboolean allow_short, GError **error)
{
    char *patterns = strchr(line, '=');

    if (patterns)
        *patterns++ = '\0';
    else if (g_str_equal(g_strchomp(line) + strspn(line, " "), "reset"))
        return TRUE;
    return parse_command(step, line, allow_short, error) &&
           (!patterns || parse_patterns(step, patterns, error));
}

GPtrArray *
ctl_apdu_script_from_text(char *text, gboolean allow_short, GError **error)
{
    g_autoptr(GPtrArray) steps = new_steps();
    guint number = 0;

    for (char *line = text, *rest; line; line = rest) {
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = '\0';
        number++;
        line[strcspn(line, "#")] = '\0';
        g_strdelimit(line, "\t\r", ' ');
        if (line[strspn(line, " ")] == '\0')
            continue;

        CtlApduStep *step = add_step(steps);
        step->line = number;
        step->where = g_strdup_printf(_("line %u"), number);
        if (!parse_step_line(step, line, allow_short, error)) {
            prefix_step_error(step, error);
            return NULL;
        }
    }
    if (steps->len > 0)
        return g_steal_pointer(&steps);
    g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGS, _("the script contains no commands"));
    return NULL;
}
