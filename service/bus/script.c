/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/script.h"

#include <string.h>

#include "base/bytes-list.h"
#include "base/error.h"
#include "base/hex.h"
#include "bus/call.h"
#include "bus/options.h"

static gboolean
read_options(ScdJob *job, GVariant *options, gboolean many, ScdOneShotOptions *one_shot,
             GError **error)
{
    g_autofree const char **expect = NULL;
    const char *protocol = NULL;
    const char *disposition = "leave";
    ScdOption known[] = {
        {"follow", "b", &job->follow},
        {NULL, NULL, NULL}, /* expect */
        {NULL, NULL, NULL}, /* protocol */
        {NULL, NULL, NULL}, /* disposition */
        {NULL, NULL, NULL},
    };
    guint n = 1;

    if (many)
        known[n++] = (ScdOption){"expect", "^a&s", &expect};
    if (one_shot) {
        known[n++] = (ScdOption){"protocol", "&s", &protocol};
        known[n++] = (ScdOption){"disposition", "&s", &disposition};
    }
    if (!scd_options_read(options, known, error))
        return FALSE;
    if (expect && !scd_expect_parse(expect, &job->expect, error))
        return FALSE;
    if (!one_shot)
        return TRUE;
    const char *protocols[] = {protocol, NULL};
    return scd_protocols_from_words(protocols, &one_shot->protocols, error) &&
           scd_disposition_from_word(disposition, &one_shot->disposition, error);
}

static gboolean
add_hex(ScdJob *job, GVariant *command, GError **error)
{
    gsize text_length, length;
    const char *text = g_variant_get_string(command, &text_length);
    g_autofree guint8 *bytes = scd_hex_to_bytes(text, &length, error);

    explicit_bzero((gpointer)text, text_length); /* as for bytes: scd_call_add_input() */
    if (!bytes)
        return FALSE;
    scd_bytes_list_add(&job->inputs, scd_secret_new(bytes, length));
    explicit_bzero(bytes, length);
    return TRUE;
}

static gboolean
add_command(ScdJob *job, GVariant *command, GError **error)
{
    if (!g_variant_is_of_type(command, G_VARIANT_TYPE_STRING))
        scd_call_add_input(job, command);
    else if (!add_hex(job, command, error))
        return FALSE;
    return scd_command_check(
        g_bytes_get_size(scd_bytes_list_get(&job->inputs, job->inputs.length - 1)), error);
}

static gboolean
add_commands(ScdJob *job, GVariant *commands, GError **error)
{
    gsize n = g_variant_n_children(commands);

    if (n == 0 || n > SCD_SCRIPT_MAX_COMMANDS ||
        g_variant_get_size(commands) > SCD_SCRIPT_MAX_BYTES) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT,
                    "A script has 1 to %d commands, of %d bytes in all at most",
                    SCD_SCRIPT_MAX_COMMANDS, SCD_SCRIPT_MAX_BYTES);
        return FALSE;
    }
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) command = g_variant_get_child_value(commands, i);
        if (!add_command(job, command, error)) {
            g_prefix_error(error, "Command %" G_GSIZE_FORMAT ": ", i + 1);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean
scd_script_read(ScdJob *job, GVariant *commands, GVariant *options, ScdOneShotOptions *one_shot,
                GError **error)
{
    gboolean many = g_variant_is_of_type(commands, G_VARIANT_TYPE("aay")) ||
                    g_variant_is_of_type(commands, G_VARIANT_TYPE_STRING_ARRAY);

    if (one_shot)
        *one_shot = (ScdOneShotOptions){SCD_PROTOCOL_ANY, SCD_DISPOSITION_LEAVE};
    if (options && !read_options(job, options, many, one_shot, error))
        return FALSE;
    return many ? add_commands(job, commands, error) : add_command(job, commands, error);
}
