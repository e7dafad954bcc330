/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* smartcardctl show: all there is about one reader and its card. */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "client.h"
#include "command.h"
#include "format.h"

static int
run(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = ctl_client_connect(&error);
    g_autoptr(CtlObjectCache) cache = bus ? ctl_client_load(bus, &error) : NULL;
    CtlReaderView reader;

    if (!cache || !ctl_client_look(bus, cache, arguments->reader, &reader, &error))
        return ctl_command_fail(error);
    ctl_format_show(&reader, CTL_FORMAT_ALL, arguments->json, output);
    return EXIT_SUCCESS;
}

const CtlCommand ctl_command_show = {
    .name = "show",
    .argument = N_("[READER]"),
    .summary = N_("Show all there is about a reader and its card"),
    .description =
        N_("Also what is not known, and the card's ATR taken to pieces (ISO/IEC 7816-3).\n"
           "READER may be left out when there is only one.\n"
           "\n"
           "JSON is the same as that of 'status'."),
    .reader = CTL_READER_MAYBE,
    .run = run,
};
