/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* smartcardctl reset: a fresh start for the card, when no other program is in the middle of it. */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "command.h"
#include "json.h"
#include "session.h"
#include "text.h"

static void
print_protocol(const char *protocol, const CtlArguments *arguments, CtlOutput *output)
{
    g_autofree char *json = ctl_json_single("protocol", protocol);
    g_autofree char *safe = ctl_text_escape(protocol, FALSE);
    g_autofree char *text = g_strdup_printf(_("The card was reset. It speaks %s."), safe);
    ctl_output_line(output, arguments->json ? json : ctl_output_is_terminal(output) ? text : safe);
}

static int
run(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CtlReader) reader = ctl_reader_choose(arguments, output, &error);
    g_autoptr(CtlSession) session = reader ? ctl_session_begin(reader, &error) : NULL;
    g_autofree char *protocol = session ? ctl_session_reset(session, &error) : NULL;

    if (!protocol)
        return ctl_command_fail(error);
    print_protocol(protocol, arguments, output);
    return EXIT_SUCCESS;
}

const CtlCommand ctl_command_reset = {
    .name = "reset",
    .argument = N_("[READER]"),
    .summary = N_("Reset the card"),
    .description =
        N_("Waits until no other program is in the middle of something with the card. The\n"
           "card forgets what was selected, and each PIN. READER may be left out when\n"
           "there is only one.\n"
           "\n"
           "Prints the protocol that the card speaks then, such as 'T=1'; JSON is an\n"
           "object with 'protocol'."),
    .reader = CTL_READER_MAYBE,
    .run = run,
};
