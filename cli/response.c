/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "response.h"

#include <glib/gi18n.h>

#include "base/apdu.h"
#include "json.h"
#include "output.h"
#include "reader-view.h"

typedef struct {
    guint16 value;
    guint16 mask; /* the bits to compare */
    const char *text;
    gboolean has_number; /* append the other bits as a number; 0 in a whole byte means 256 */
} StatusMeaning;

/* The first match counts: entries for a whole SW1 follow those for single values. */
static const StatusMeaning meanings[] = {
    {0x9000, 0xFFFF, N_("success"), FALSE},
    {0x6100, 0xFF00, N_("success, bytes that wait for GET RESPONSE"), TRUE},
    {0x6281, 0xFFFF, N_("warning: part of the data may be corrupted"), FALSE},
    {0x6282, 0xFFFF, N_("warning: end of the file or record before that many bytes"), FALSE},
    {0x6283, 0xFFFF, N_("warning: the file is deactivated"), FALSE},
    {0x6284, 0xFFFF, N_("warning: badly formed file control information"), FALSE},
    {0x6285, 0xFFFF, N_("warning: the file is terminated"), FALSE},
    {0x6286, 0xFFFF, N_("warning: no data from the sensor"), FALSE},
    {0x6287, 0xFFFF, N_("warning: a record is deactivated"), FALSE},
    {0x6200, 0xFF00, N_("warning, nothing was changed"), FALSE},
    {0x6381, 0xFFFF, N_("warning: the file is full now"), FALSE},
    {0x63C0, 0xFFF0, N_("warning, tries left or another counter"), TRUE},
    {0x6300, 0xFF00, N_("warning, something was changed"), FALSE},
    {0x6400, 0xFF00, N_("execution error, nothing was changed"), FALSE},
    {0x6581, 0xFFFF, N_("memory failure"), FALSE},
    {0x6500, 0xFF00, N_("execution error, something was changed"), FALSE},
    {0x6600, 0xFF00, N_("execution error that concerns security"), FALSE},
    {0x6700, 0xFF00, N_("wrong length"), FALSE},
    {0x6881, 0xFFFF, N_("logical channels are not supported"), FALSE},
    {0x6882, 0xFFFF, N_("secure messaging is not supported"), FALSE},
    {0x6883, 0xFFFF, N_("the last command of the chain was expected"), FALSE},
    {0x6884, 0xFFFF, N_("command chaining is not supported"), FALSE},
    {0x6800, 0xFF00, N_("a function of the class byte is not supported"), FALSE},
    {0x6981, 0xFFFF, N_("the command does not fit the file's structure"), FALSE},
    {0x6982, 0xFFFF, N_("not allowed in this security state (a PIN may be missing)"), FALSE},
    {0x6983, 0xFFFF, N_("the authentication method is blocked"), FALSE},
    {0x6984, 0xFFFF, N_("the reference data cannot be used"), FALSE},
    {0x6985, 0xFFFF, N_("the conditions of use are not met"), FALSE},
    {0x6986, 0xFFFF, N_("no file is selected"), FALSE},
    {0x6987, 0xFFFF, N_("secure messaging data is missing"), FALSE},
    {0x6988, 0xFFFF, N_("secure messaging data is wrong"), FALSE},
    {0x6900, 0xFF00, N_("the command is not allowed"), FALSE},
    {0x6A80, 0xFFFF, N_("wrong parameters in the data"), FALSE},
    {0x6A81, 0xFFFF, N_("the function is not supported"), FALSE},
    {0x6A82, 0xFFFF, N_("file or application not found"), FALSE},
    {0x6A83, 0xFFFF, N_("record not found"), FALSE},
    {0x6A84, 0xFFFF, N_("no room in the file"), FALSE},
    {0x6A85, 0xFFFF, N_("the length does not fit the structure of the data"), FALSE},
    {0x6A86, 0xFFFF, N_("wrong P1 or P2"), FALSE},
    {0x6A87, 0xFFFF, N_("the length does not fit P1 and P2"), FALSE},
    {0x6A88, 0xFFFF, N_("what the command refers to was not found"), FALSE},
    {0x6A89, 0xFFFF, N_("the file exists already"), FALSE},
    {0x6A8A, 0xFFFF, N_("the name of the application exists already"), FALSE},
    {0x6A00, 0xFF00, N_("wrong parameters"), FALSE},
    {0x6B00, 0xFF00, N_("wrong parameters P1 and P2"), FALSE},
    {0x6C00, 0xFF00, N_("wrong Le, the right one"), TRUE},
    {0x6D00, 0xFF00, N_("the instruction is not supported"), FALSE},
    {0x6E00, 0xFF00, N_("the class is not supported"), FALSE},
    {0x6F00, 0xFF00, N_("error without a diagnosis"), FALSE},
};

static const StatusMeaning *
find_status_meaning(guint16 status)
{
    for (gsize i = 0; i < G_N_ELEMENTS(meanings); i++) {
        if ((status & meanings[i].mask) == meanings[i].value)
            return &meanings[i];
    }
    return NULL;
}

char *
ctl_response_explain_status(guint16 status, gboolean translated)
{
    const StatusMeaning *meaning = find_status_meaning(status);

    if (!meaning)
        return g_strdup("");
    const char *text = translated ? _(meaning->text) : meaning->text;
    guint number = status & (guint16)~meaning->mask;
    if (number == 0 && meaning->mask == 0xFF00)
        number = 256;
    return meaning->has_number ? g_strdup_printf("%s: %u", text, number) : g_strdup(text);
}

#define BYTES_IN_A_LINE 16
#define DIGITS_IN_A_LINE (3 * BYTES_IN_A_LINE - 1)

typedef struct {
    GBytes *data; /* before the status word */
    guint16 status;
    guint line;
} ResponseParts;

static void
finish_json_line(JsonBuilder *builder, CtlOutput *output)
{
    json_builder_end_object(builder);
    g_autofree char *text = ctl_json_to_text(builder, FALSE);
    ctl_output_line(output, text);
}

static void
print_parts_as_json(GBytes *response, const ResponseParts *parts, CtlOutput *output)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autofree char *status = g_strdup_printf("%04X", parts->status);
    g_autofree char *meaning = ctl_response_explain_status(parts->status, FALSE);

    json_builder_begin_object(builder);
    if (parts->line > 0)
        ctl_json_add_number(builder, "line", parts->line);
    ctl_json_add_bytes(builder, "response", response);
    ctl_json_add_bytes(builder, "data", parts->data);
    ctl_json_add_text(builder, "status", status);
    ctl_json_add_text(builder, "meaning", meaning);
    finish_json_line(builder, output);
}

/* "  6F 1A 84 ...  "o.."" */
static void
print_hex_dump(GBytes *bytes, CtlOutput *output)
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
print_parts_for_terminal(const ResponseParts *parts, CtlOutput *output)
{
    g_autofree char *line = parts->line ? g_strdup_printf(_("line %u"), parts->line) : NULL;
    g_autofree char *meaning = ctl_response_explain_status(parts->status, TRUE);
    g_autofree char *text =
        g_strdup_printf("%s%s%04X  %s", line ? line : "", line ? "  " : "", parts->status, meaning);

    ctl_output_line(output, g_strchomp(text));
    print_hex_dump(parts->data, output);
}

static void
print_hex_digits(GBytes *bytes, CtlOutput *output)
{
    g_autofree char *hex = ctl_describe_hex(bytes);
    ctl_output_line(output, hex);
}

void
ctl_response_print(GBytes *response, guint line, const CtlArguments *arguments, CtlOutput *output)
{
    ResponseParts parts = {.line = line};
    gsize length;
    const guint8 *bytes = g_bytes_get_data(response, &length);

    if (arguments->raw || !(arguments->json || ctl_output_is_terminal(output)) ||
        !scd_response_status(bytes, length, &parts.status)) {
        ctl_response_print_plain(response, line, arguments, output);
        return;
    }
    g_autoptr(GBytes) data = g_bytes_new_from_bytes(response, 0, length - 2);
    parts.data = data;
    if (arguments->json)
        print_parts_as_json(response, &parts, output);
    else
        print_parts_for_terminal(&parts, output);
}

static void
print_plain_as_json(GBytes *response, guint line, CtlOutput *output)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    if (line > 0)
        ctl_json_add_number(builder, "line", line);
    ctl_json_add_bytes(builder, "response", response);
    finish_json_line(builder, output);
}

void
ctl_response_print_plain(GBytes *response, guint line, const CtlArguments *arguments,
                         CtlOutput *output)
{
    gboolean for_terminal = !arguments->raw && !arguments->json && ctl_output_is_terminal(output);
    g_autofree char *number = line > 0 ? g_strdup_printf(_("line %u"), line) : NULL;

    if (number && for_terminal)
        ctl_output_line(output, number);
    if (arguments->raw)
        ctl_output_bytes(output, response);
    else if (arguments->json)
        print_plain_as_json(response, line, output);
    else if (!for_terminal)
        print_hex_digits(response, output);
    else if (g_bytes_get_size(response) == 0)
        ctl_output_line(output, _("no data"));
    else
        print_hex_dump(response, output);
}
