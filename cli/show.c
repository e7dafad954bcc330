/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* smartcardctl show: all there is about one reader and its card. */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "client.h"
#include "command.h"
#include "sheet.h"

static int
run(const ScdArguments *arguments, ScdOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = scd_client_connect(&error);
    g_autoptr(ScdMirror) mirror = bus ? scd_client_load(bus, &error) : NULL;
    ScdReaderView reader;

    if (!mirror || !scd_client_look(bus, mirror, arguments->reader, &reader, &error))
        return scd_command_fail(error);
    scd_sheet_show(&reader, SCD_SHEET_ALL, arguments->json, output);
    return EXIT_SUCCESS;
}

const ScdCommand scd_command_show = {
    .name = "show",
    .argument = N_("[READER]"),
    .summary = N_("Show all there is about a reader and its card"),
    .description =
        N_("Also what is not known, and the card's ATR taken to pieces (ISO/IEC 7816-3).\n"
           "READER may be left out when there is only one.\n"
           "\n"
           "JSON is the same as that of 'status'."),
    .reader = SCD_READER_MAYBE,
    .run = run,
};
