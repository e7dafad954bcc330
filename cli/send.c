/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "apdu-script.h"
#include "command.h"
#include "input.h"
#include "json.h"
#include "output.h"
#include "reader.h"
#include "response.h"

/*
 * smartcardctl transmit, script, reset, verify-pin, modify-pin and control: the commands that send
 * something to a card or a reader. Scripts run in one transaction, and each response is printed as
 * soon as it arrives. An error or an unexpected status word ends a script.
 */

static gboolean
check_status(const CtlApduStep *step, GBytes *response, GError **error)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(response, &length);
    guint16 status = 0;

    if (scd_response_status(bytes, length, &status) && scd_expect_matches(&step->expect, status))
        return TRUE;
    g_autofree char *meaning = ctl_response_explain_status(status, TRUE);
    if (*meaning)
        g_set_error(error, CTL_ERROR, CTL_STATUS_UNEXPECTED_ANSWER,
                    _("stopped at unexpected status word %04X (%s)"), status, meaning);
    else
        g_set_error(error, CTL_ERROR, CTL_STATUS_UNEXPECTED_ANSWER,
                    _("stopped at unexpected status word %04X"), status);
    return FALSE;
}

/* Sends the command of a step that is no reset. */
static GBytes *
send_command(CtlSession *session, const CtlApduStep *step, const CtlArguments *arguments,
             GError **error)
{
    switch (step->kind) {
    case CTL_STEP_CONTROL:
        return ctl_session_control(session, step->control_code, step->command, error);
    case CTL_STEP_VERIFY_PIN:
    case CTL_STEP_MODIFY_PIN:
        return ctl_session_enter_pin(session, step->kind == CTL_STEP_MODIFY_PIN, step->command,
                                     step->pin_format, error);
    default:
        return ctl_session_transmit(session, step->command, arguments->follow, error);
    }
}

static gboolean
run_step(CtlSession *session, const CtlApduStep *step, const CtlArguments *arguments,
         CtlOutput *output, GError **error)
{
    if (step->kind == CTL_STEP_RESET)
        return ctl_session_reset(session, FALSE, error);
    g_autoptr(GBytes) response = send_command(session, step, arguments, error);
    if (!response)
        return FALSE;
    if (step->kind == CTL_STEP_CONTROL) {
        ctl_response_print_plain(response, step->line, arguments, output);
        return TRUE;
    }
    ctl_response_print(response, step->line, arguments, output);
    return check_status(step, response, error);
}

static void
print_step_error(const CtlApduStep *step, const GError *error)
{
    g_autofree char *message =
        step->where ? g_strdup_printf("%s: %s", step->where, error->message) : NULL;
    ctl_output_print_error(message ? message : error->message);
}

/* Returns an exit status. */
static int
run_steps(CtlSession *session, GPtrArray *steps, const CtlArguments *arguments, CtlOutput *output)
{
    for (guint i = 0; i < steps->len; i++) {
        g_autoptr(GError) error = NULL;
        if (!run_step(session, steps->pdata[i], arguments, output, &error)) {
            print_step_error(steps->pdata[i], error);
            return ctl_exit_status_get(error);
        }
    }
    return EXIT_SUCCESS;
}

static CtlReader *
choose_reader_to_send(const CtlArguments *arguments, CtlOutput *output, GError **error)
{
    CtlReader *reader = ctl_reader_choose(arguments, output, error);

    if (reader)
        reader->sends = TRUE;
    return reader;
}

static int
send_steps(GPtrArray *steps, const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CtlReader) reader = choose_reader_to_send(arguments, output, &error);
    g_autoptr(CtlSession) session = reader ? ctl_session_begin(reader, &error) : NULL;

    if (!session)
        return ctl_command_print_error(error);
    return run_steps(session, steps, arguments, output);
}

/* Takes the time for the input from the time limit. */
static GPtrArray *
read_script(const char *name, CtlArguments *arguments, CtlOutput *output, GError **error)
{
    g_autoptr(CtlInput) input = ctl_input_read(name, output, &arguments->timeout_us, error);

    return input ? ctl_apdu_script_from_text(input->text, arguments->raw_command, error) : NULL;
}

static int
send_script(const char *name, const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    CtlArguments left = *arguments;
    g_autoptr(GPtrArray) steps = read_script(name, &left, output, &error);

    if (!steps)
        return ctl_command_print_error(error);
    return send_steps(steps, &left, output);
}

/* Commands from the arguments, or a script from the standard input. */
static int
run_transmit(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;

    if (g_str_equal(arguments->operands[0], "-") && !arguments->operands[1])
        return send_script("-", arguments, output);
    g_autoptr(GPtrArray) steps =
        ctl_apdu_script_from_arguments(arguments->operands, arguments->raw_command, &error);
    if (!steps)
        return ctl_command_print_usage_error(error->message);
    return send_steps(steps, arguments, output);
}

const CtlCommand ctl_command_transmit = {
    .name = "transmit",
    .argument = N_("READER APDU..."),
    .summary = N_("Send commands to the card and print its responses"),
    .description =
        N_("An APDU is a command in hexadecimal digits, with optional spaces and colons\n"
           "between bytes. Several are sent one after the other, whatever status words the\n"
           "card returns, and no commands of other programs come in between.\n"
           "\n"
           "With '-' instead of an APDU, commands are read from the standard input, in the\n"
           "format that 'smartcardctl script --help' describes. Use this for a PIN: other\n"
           "users can see arguments, and shells keep them.\n"
           "\n"
           "Each response is printed as soon as it arrives, as a line of hexadecimal digits\n"
           "with the status word; a terminal also shows its meaning. JSON is one object per\n"
           "line with 'response', its parts 'data' and 'status', and 'meaning', which is\n"
           "empty if ISO 7816-4 defines none. --raw writes the bytes of all responses.\n"
           "\n"
           "The exit status is 0 if the card answered every command."),
    .reader = CTL_READER_ALWAYS,
    .min_operands = 1,
    .max_operands = G_MAXINT,
    .options = CTL_OPTION_FOLLOW | CTL_OPTION_PROTOCOL | CTL_OPTION_RAW_COMMAND | CTL_OPTION_RAW |
               CTL_OPTION_TIMEOUT,
    .run = run_transmit,
};

static int
run_script(const CtlArguments *arguments, CtlOutput *output)
{
    return send_script(arguments->operands[0], arguments, output);
}

const CtlCommand ctl_command_script = {
    .name = "script",
    .argument = N_("[READER] FILE"),
    .summary = N_("Send the commands in a file to the card"),
    .description =
        N_("FILE is a text file; '-' is the standard input. READER may be left out when\n"
           "there is only one. Each line of the file is one of these:\n"
           "\n"
           "  00A4040007A0000002471001 = 9000 61xx\n"
           "      A command in hexadecimal digits, with optional spaces and colons between\n"
           "      bytes. After '=' come the expected status words, with 'x' for any digit:\n"
           "      the script stops at any other. Without '=', it continues after every\n"
           "      status word.\n"
           "  reset\n"
           "      Resets the card.\n"
           "  control CODE [HEX]\n"
           "  verify-pin APDU [KEY=VALUE...] [= 9000]\n"
           "  modify-pin APDU [KEY=VALUE...] [= 9000]\n"
           "      As the commands of these names.\n"
           "  # text\n"
           "      A comment, also at the end of another line.\n"
           "\n"
           "The whole file is read before anything is sent, and no commands of other\n"
           "programs come in between. The output is as for 'transmit'; a terminal and JSON\n"
           "('line') also show the number of the line.\n"
           "\n"
           "The exit status is 8 if the script stopped at an unexpected status word."),
    .reader = CTL_READER_MAYBE,
    .min_operands = 1,
    .max_operands = 1,
    .options = CTL_OPTION_FOLLOW | CTL_OPTION_PROTOCOL | CTL_OPTION_RAW_COMMAND | CTL_OPTION_RAW |
               CTL_OPTION_TIMEOUT,
    .run = run_script,
};

static int
run_pin_entry(CtlApduStepKind kind, const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) steps =
        ctl_apdu_script_from_pin_arguments(kind, arguments->operands, &error);

    if (!steps)
        return ctl_command_print_usage_error(error->message);
    return send_steps(steps, arguments, output);
}

static int
run_verify_pin(const CtlArguments *arguments, CtlOutput *output)
{
    return run_pin_entry(CTL_STEP_VERIFY_PIN, arguments, output);
}

const CtlCommand ctl_command_verify_pin = {
    .name = "verify-pin",
    .argument = N_("READER APDU [KEY=VALUE...]"),
    .summary = N_("Let the user enter a PIN at the reader's PIN pad"),
    .description =
        N_("The reader puts the PIN into the data of the APDU, in place of its padding, and\n"
           "sends it to the card; the PIN does not pass through this computer. An APDU is\n"
           "for example 00 20 00 80 08 FF FF FF FF FF FF FF FF.\n"
           "\n"
           "KEY=VALUE says how the reader asks for the PIN, with the keys of VerifyPin in\n"
           "org.smartcardd1(5), such as encoding=bcd, min-length=6 or messages=0,1.\n"
           "\n"
           "The output is as for 'transmit'. The exit status is 8 if the status word is not\n"
           "9000, as for a wrong PIN."),
    .reader = CTL_READER_ALWAYS,
    .min_operands = 1,
    .max_operands = G_MAXINT,
    .options = CTL_OPTION_RAW | CTL_OPTION_TIMEOUT,
    .run = run_verify_pin,
};

static int
run_modify_pin(const CtlArguments *arguments, CtlOutput *output)
{
    return run_pin_entry(CTL_STEP_MODIFY_PIN, arguments, output);
}

const CtlCommand ctl_command_modify_pin = {
    .name = "modify-pin",
    .argument = N_("READER APDU [KEY=VALUE...]"),
    .summary = N_("Let the user change a PIN at the reader's PIN pad"),
    .description =
        N_("As 'verify-pin', for the current and the new PIN. An APDU is for example\n"
           "00 24 00 80 10 and 16 bytes FF. KEY=VALUE has also the keys of ModifyPin, such\n"
           "as confirm-new=no."),
    .reader = CTL_READER_ALWAYS,
    .min_operands = 1,
    .max_operands = G_MAXINT,
    .options = CTL_OPTION_RAW | CTL_OPTION_TIMEOUT,
    .run = run_modify_pin,
};

static void
print_protocol(const char *protocol, const CtlArguments *arguments, CtlOutput *output)
{
    g_autofree char *json = ctl_json_single("protocol", protocol);
    g_autofree char *safe = ctl_text_escape(protocol, FALSE);
    g_autofree char *text = g_strdup_printf(_("The card was reset. Its protocol is %s."), safe);
    ctl_output_line(output, arguments->json ? json : ctl_output_is_terminal(output) ? text : safe);
}

static int
run_reset(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CtlReader) reader = choose_reader_to_send(arguments, output, &error);
    g_autoptr(CtlSession) session = reader ? ctl_session_begin(reader, &error) : NULL;

    if (!session || !ctl_session_reset(session, arguments->cold, &error))
        return ctl_command_print_error(error);
    print_protocol(ctl_session_get_protocol(session), arguments, output);
    return EXIT_SUCCESS;
}

const CtlCommand ctl_command_reset = {
    .name = "reset",
    .argument = N_("[READER]"),
    .summary = N_("Reset the card"),
    .description =
        N_("Waits until no other program is using the card in a transaction. After a reset\n"
           "nothing is selected on the card and no PIN is verified. READER may be left out\n"
           "when there is only one.\n"
           "\n"
           "Prints the protocol of the card after the reset, such as 'T=1'; JSON is an\n"
           "object with 'protocol'."),
    .reader = CTL_READER_MAYBE,
    .options = CTL_OPTION_COLD | CTL_OPTION_TIMEOUT,
    .run = run_reset,
};

/* Reads hexadecimal digits from the standard input; line breaks are ignored. */
static GBytes *
read_control_data(CtlOutput *output, gint64 *timeout_us, GError **error)
{
    g_autoptr(CtlInput) input = ctl_input_read("-", output, timeout_us, error);

    if (!input)
        return NULL;
    g_strdelimit(input->text, "\t\r\n", ' ');
    return ctl_input_parse_hex(input->text, error);
}

static int
send_control_code(guint32 code, GBytes *data, const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CtlReader) reader = choose_reader_to_send(arguments, output, &error);
    g_autoptr(GBytes) response = reader ? ctl_reader_control(reader, code, data, &error) : NULL;

    if (!response)
        return ctl_command_print_error(error);
    ctl_response_print_plain(response, 0, arguments, output);
    return EXIT_SUCCESS;
}

static int
run_control(const CtlArguments *arguments, CtlOutput *output)
{
    const char *hex = arguments->operands[1] ? arguments->operands[1] : "";
    gboolean from_input = g_str_equal(hex, "-");
    CtlArguments left = *arguments;
    guint32 code;
    g_autoptr(GError) error = NULL;

    if (!ctl_apdu_script_parse_code(arguments->operands[0], &code, &error))
        return ctl_command_print_usage_error(error->message);
    g_autoptr(GBytes) data = from_input ? read_control_data(output, &left.timeout_us, &error)
                                        : ctl_input_parse_hex(hex, &error);
    if (!data)
        return from_input ? ctl_command_print_error(error)
                          : ctl_command_print_usage_error(error->message);
    return send_control_code(code, data, &left, output);
}

const CtlCommand ctl_command_control = {
    .name = "control",
    .argument = N_("READER CODE [HEX]"),
    .summary = N_("Send a control code to the reader's driver"),
    .description =
        N_("CODE is a control code as winscard.h computes it, decimal or hexadecimal with\n"
           "0x: SCARD_CTL_CODE(3400), which queries the features of PC/SC part 10, is\n"
           "0x42000D48. HEX is the data for the driver in hexadecimal digits; '-' reads it\n"
           "from the standard input.\n"
           "\n"
           "Prints the response of the driver in hexadecimal digits; JSON is an object with\n"
           "'response'. --raw writes the bytes."),
    .reader = CTL_READER_ALWAYS,
    .min_operands = 1,
    .max_operands = 2,
    .options = CTL_OPTION_RAW | CTL_OPTION_TIMEOUT,
    .run = run_control,
};
