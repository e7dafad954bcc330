/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* smartcardctl control: a word with the reader's driver, whether there is a card or not. */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "command.h"
#include "input.h"
#include "reader.h"
#include "response.h"

static gboolean
parse_code(const char *text, guint32 *code)
{
    gboolean is_hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
    guint64 number;

    if (!g_ascii_string_to_unsigned(is_hex ? text + 2 : text, is_hex ? 16 : 10, 0, G_MAXUINT32,
                                    &number, NULL))
        return FALSE;
    *code = (guint32)number;
    return TRUE;
}

/* From the standard input, over as many lines as one likes. */
static GBytes *
read_data(CtlOutput *output, GError **error)
{
    g_autoptr(CtlInput) input = ctl_input_read("-", output, error);

    if (!input)
        return NULL;
    g_strdelimit(input->text, "\t\r\n", ' ');
    return ctl_input_parse_hex(input->text, error);
}

static int
run_with_data(guint32 code, GBytes *data, const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CtlReader) reader = ctl_reader_choose(arguments, output, &error);

    if (!reader)
        return ctl_command_fail(error);
    GVariant *bytes = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, data, TRUE);
    g_autoptr(GVariant) answer = ctl_reader_call_in_turn(
        reader, reader->path, CTL_INTERFACE_READER, "Control",
        g_variant_new("(u@ay@a{sv})", code, bytes, g_variant_new_parsed("@a{sv} {}")), "(ay)",
        &error);
    if (!answer)
        return ctl_command_fail(error);
    g_autoptr(GVariant) value = g_variant_get_child_value(answer, 0);
    g_autoptr(GBytes) response = g_variant_get_data_as_bytes(value);
    ctl_response_print_plain(response, arguments, output);
    return EXIT_SUCCESS;
}

static int
run(const CtlArguments *arguments, CtlOutput *output)
{
    const char *hex = arguments->operands[1] ? arguments->operands[1] : "";
    gboolean from_input = g_str_equal(hex, "-");
    guint32 code;
    g_autoptr(GError) error = NULL;

    if (!parse_code(arguments->operands[0], &code))
        return ctl_command_complain_about_usage(
            _("the control code is no number of 32 bits, decimal or with 0x"));
    g_autoptr(GBytes) data =
        from_input ? read_data(output, &error) : ctl_input_parse_hex(hex, &error);
    if (!data)
        return from_input ? ctl_command_fail(error)
                          : ctl_command_complain_about_usage(error->message);
    return run_with_data(code, data, arguments, output);
}

const CtlCommand ctl_command_control = {
    .name = "control",
    .argument = N_("READER CODE [HEX]"),
    .summary = N_("Send a control code to the reader's driver"),
    .description =
        N_("CODE is a control code as winscard.h makes it, decimal or with 0x:\n"
           "SCARD_CTL_CODE(3400), which asks for the features of PC/SC part 10, is\n"
           "0x42000D48. HEX is what the driver expects with it, in hexadecimal digits;\n"
           "'-' reads them from the standard input.\n"
           "\n"
           "Prints what the driver answers, as hexadecimal digits; JSON is an object with\n"
           "'response'. --raw writes the bytes."),
    .reader = CTL_READER_ALWAYS,
    .min_operands = 1,
    .max_operands = 2,
    .options = CTL_OPTION_RAW,
    .run = run,
};
