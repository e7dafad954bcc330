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
print_json(JsonBuilder *builder, ScdOutput *output)
{
    json_builder_end_object(builder);
    g_autofree char *text = scd_json_to_text(builder, FALSE);
    scd_output_line(output, text);
}

static void
print_parts_as_json(GBytes *response, const Parts *parts, ScdOutput *output)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autofree char *status = g_strdup_printf("%04X", parts->status);
    g_autofree char *meaning = scd_status_word_explain(parts->status, FALSE);

    json_builder_begin_object(builder);
    if (parts->line > 0)
        scd_json_add_number(builder, "line", parts->line);
    scd_json_add_bytes(builder, "response", response);
    scd_json_add_bytes(builder, "data", parts->data);
    scd_json_add_text(builder, "status", status);
    scd_json_add_text(builder, "meaning", meaning);
    print_json(builder, output);
}

/* "  6F 1A 84 ...  "o.."" */
static void
print_dump(GBytes *bytes, ScdOutput *output)
{
    gsize length = g_bytes_get_size(bytes);

    for (gsize at = 0; at < length; at += BYTES_IN_A_LINE) {
        g_autoptr(GBytes) part =
            g_bytes_new_from_bytes(bytes, at, MIN(BYTES_IN_A_LINE, length - at));
        g_autofree char *digits = scd_describe_bytes(part);
        g_autofree char *padded = scd_text_pad(digits, DIGITS_IN_A_LINE);
        g_autofree char *ascii = scd_describe_ascii(part);
        g_autofree char *text = g_strdup_printf("  %s  \"%s\"", padded, ascii);
        scd_output_line(output, text);
    }
}

static void
print_parts_on_screen(const Parts *parts, ScdOutput *output)
{
    g_autofree char *line = parts->line ? g_strdup_printf(_("line %u"), parts->line) : NULL;
    g_autofree char *meaning = scd_status_word_explain(parts->status, TRUE);
    g_autofree char *text =
        g_strdup_printf("%s%s%04X  %s", line ? line : "", line ? "  " : "", parts->status, meaning);

    scd_output_line(output, g_strchomp(text));
    print_dump(parts->data, output);
}

static void
print_hex(GBytes *bytes, ScdOutput *output)
{
    g_autofree char *hex = scd_describe_hex(bytes);
    scd_output_line(output, hex);
}

void
scd_response_print(GBytes *response, guint line, const ScdArguments *arguments, ScdOutput *output)
{
    Parts parts = {.line = line};
    gsize length;
    const guint8 *bytes = g_bytes_get_data(response, &length);

    if (arguments->raw || !(arguments->json || scd_output_is_terminal(output)) ||
        !scd_response_status(bytes, length, &parts.status)) {
        scd_response_print_plain(response, arguments, output);
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
print_plain_as_json(GBytes *response, ScdOutput *output)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    scd_json_add_bytes(builder, "response", response);
    print_json(builder, output);
}

void
scd_response_print_plain(GBytes *response, const ScdArguments *arguments, ScdOutput *output)
{
    if (arguments->raw)
        scd_output_bytes(output, response);
    else if (arguments->json)
        print_plain_as_json(response, output);
    else if (!scd_output_is_terminal(output))
        print_hex(response, output);
    else if (g_bytes_get_size(response) == 0)
        scd_output_line(output, _("no data"));
    else
        print_dump(response, output);
}
