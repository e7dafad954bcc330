/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* smartcardctl script: commands to a card from a file, with the status words to go on with. */

#include <glib/gi18n.h>

#include "command.h"
#include "transcript.h"

static int
run(const CtlArguments *arguments, CtlOutput *output)
{
    return ctl_transcript_run_file(arguments->operands[0], arguments, output);
}

const CtlCommand ctl_command_script = {
    .name = "script",
    .argument = N_("[READER] FILE"),
    .summary = N_("Send the commands in a file to the card"),
    .description =
        N_("FILE is text, '-' is the standard input. READER may be left out when there is\n"
           "only one. A line of the file is one of these:\n"
           "\n"
           "  00A4040007A0000002471001 = 9000 61xx\n"
           "      A command in hexadecimal digits; spaces and colons may stand between\n"
           "      bytes. After '=' the status words to go on with, 'x' for any digit;\n"
           "      without them the script goes on whatever the card answers.\n"
           "  reset\n"
           "      The card is reset.\n"
           "  # text\n"
           "      A comment, behind the others too.\n"
           "\n"
           "The whole file is read before anything is sent, and no other program's\n"
           "commands come between. Output is as for 'transmit'; on a terminal and in JSON\n"
           "('line') with the number of the line.\n"
           "\n"
           "The exit status is 1 when the script stopped before its end."),
    .reader = CTL_READER_MAYBE,
    .min_operands = 1,
    .max_operands = 1,
    .options = CTL_OPTION_FOLLOW | CTL_OPTION_RAW,
    .run = run,
};
