/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* smartcardctl transmit: commands to a card, from the command line or the standard input. */

#include <glib/gi18n.h>

#include "apdu-script.h"
#include "command.h"
#include "transcript.h"

static int
run(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;

    if (g_str_equal(arguments->operands[0], "-") && !arguments->operands[1])
        return ctl_transcript_run_file("-", arguments, output);
    g_autoptr(GPtrArray) steps = ctl_apdu_script_from_arguments(arguments->operands, &error);
    if (!steps)
        return ctl_command_complain_about_usage(error->message);
    return ctl_transcript_run(steps, arguments, output);
}

const CtlCommand ctl_command_transmit = {
    .name = "transmit",
    .argument = N_("READER APDU..."),
    .summary = N_("Send commands to the card and print its responses"),
    .description =
        N_("An APDU is a command in hexadecimal digits; spaces and colons may stand\n"
           "between bytes. Several are sent one after the other, and nothing of other\n"
           "programs between them, whatever status words the card answers with.\n"
           "\n"
           "With '-' for the APDU they are read from the standard input, in the form that\n"
           "'smartcardctl script --help' describes. Do so with a PIN: arguments can be\n"
           "seen by other users, and shells keep them.\n"
           "\n"
           "Each response is printed as it comes, in a line of hexadecimal digits, status\n"
           "word included; on a terminal with what that means. JSON is an object a line\n"
           "with 'response'; its parts 'data' and 'status'; and 'meaning', empty when\n"
           "ISO 7816-4 gives none. --raw writes the bytes of all responses.\n"
           "\n"
           "The exit status is 0 when each command was answered."),
    .reader = CTL_READER_ALWAYS,
    .min_operands = 1,
    .max_operands = G_MAXINT,
    .options = CTL_OPTION_FOLLOW | CTL_OPTION_RAW,
    .run = run,
};
