/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "response.h"

#include <glib/gi18n.h>

#include "base/apdu.h"
#include "describe.h"
#include "json.h"
#include "status-word.h"
#include "text.h"

#define BYTES_IN_A_LINE 16
#define DIGITS_IN_A_LINE (3 * BYTES_IN_A_LINE - 1)

typedef struct {
    GBytes *data; /* before the status word */
    guint16 status;
    guint line;
} Parts;

static void
print_json(JsonBuilder *builder, CtlOutput *output)
{
    json_builder_end_object(builder);
    g_autofree char *text = ctl_json_to_text(builder, FALSE);
    ctl_output_line(output, text);
}

static void
print_parts_as_json(GBytes *response, const Parts *parts, CtlOutput *output)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autofree char *status = g_strdup_printf("%04X", parts->status);
    g_autofree char *meaning = ctl_status_word_explain(parts->status, FALSE);

    json_builder_begin_object(builder);
    if (parts->line > 0)
        ctl_json_add_number(builder, "line", parts->line);
    ctl_json_add_bytes(builder, "response", response);
    ctl_json_add_bytes(builder, "data", parts->data);
    ctl_json_add_text(builder, "status", status);
    ctl_json_add_text(builder, "meaning", meaning);
    print_json(builder, output);
}

/* "  6F 1A 84 ...  "o.."" */
static void
print_dump(GBytes *bytes, CtlOutput *output)
{
    gsize length = g_bytes_get_size(bytes);

    for (gsize at = 0; at < length; at += BYTES_IN_A_LINE) {
        g_autoptr(GBytes) part =
            g_bytes_new_from_bytes(bytes, at, MIN(BYTES_IN_A_LINE, length - at));
        g_autofree char *digits = ctl_describe_bytes(part);
        g_autofree char *padded = ctl_text_pad(digits, DIGITS_IN_A_LINE);
        g_autofree char *ascii = ctl_describe_ascii(part);
        g_autofree char *text = g_strdup_printf("  %s  \"%s\"", padded, ascii);
        ctl_output_line(output, text);
    }
}

static void
print_parts_on_screen(const Parts *parts, CtlOutput *output)
{
    g_autofree char *line = parts->line ? g_strdup_printf(_("line %u"), parts->line) : NULL;
    g_autofree char *meaning = ctl_status_word_explain(parts->status, TRUE);
    g_autofree char *text =
        g_strdup_printf("%s%s%04X  %s", line ? line : "", line ? "  " : "", parts->status, meaning);

    ctl_output_line(output, g_strchomp(text));
    print_dump(parts->data, output);
}

static void
print_hex(GBytes *bytes, CtlOutput *output)
{
    g_autofree char *hex = ctl_describe_hex(bytes);
    ctl_output_line(output, hex);
}

void
ctl_response_print(GBytes *response, guint line, const CtlArguments *arguments, CtlOutput *output)
{
    Parts parts = {.line = line};
    gsize length;
    const guint8 *bytes = g_bytes_get_data(response, &length);

    if (arguments->raw || !(arguments->json || ctl_output_is_terminal(output)) ||
        !scd_response_status(bytes, length, &parts.status)) {
        ctl_response_print_plain(response, arguments, output);
        return;
    }
    g_autoptr(GBytes) data = g_bytes_new_from_bytes(response, 0, length - 2);
    parts.data = data;
    if (arguments->json)
        print_parts_as_json(response, &parts, output);
    else
        print_parts_on_screen(&parts, output);
}

static void
print_plain_as_json(GBytes *response, CtlOutput *output)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    ctl_json_add_bytes(builder, "response", response);
    print_json(builder, output);
}

void
ctl_response_print_plain(GBytes *response, const CtlArguments *arguments, CtlOutput *output)
{
    if (arguments->raw)
        ctl_output_bytes(output, response);
    else if (arguments->json)
        print_plain_as_json(response, output);
    else if (!ctl_output_is_terminal(output))
        print_hex(response, output);
    else if (g_bytes_get_size(response) == 0)
        ctl_output_line(output, _("no data"));
    else
        print_dump(response, output);
}
