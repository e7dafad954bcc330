/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* smartcardctl status: what there is to say of one reader, or of all. */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "client.h"
#include "command.h"
#include "json.h"
#include "sheet.h"

static gboolean
show_one(GDBusConnection *bus, ScdMirror *mirror, const ScdArguments *arguments, ScdOutput *output,
         GError **error)
{
    ScdReaderView reader;

    if (!scd_client_look(bus, mirror, arguments->reader, &reader, error))
        return FALSE;
    scd_sheet_show(&reader, SCD_SHEET_KNOWN, arguments->json, output);
    return TRUE;
}

static void
show_all(ScdMirror *mirror, const ScdArguments *arguments, ScdOutput *output)
{
    g_autoptr(GArray) readers = scd_mirror_readers(mirror);

    if (arguments->json) {
        g_autofree char *text = scd_json_readers(readers);
        scd_output_line(output, text);
        return;
    }
    if (readers->len == 0)
        scd_output_note(output, _("No readers are connected."));
    for (guint i = 0; i < readers->len; i++) {
        if (i > 0)
            scd_output_line(output, "");
        scd_sheet_print(&g_array_index(readers, ScdReaderView, i), SCD_SHEET_KNOWN, output);
    }
}

static int
run(const ScdArguments *arguments, ScdOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = scd_client_connect(&error);
    g_autoptr(ScdMirror) mirror = bus ? scd_client_load(bus, &error) : NULL;

    if (mirror && !arguments->reader)
        show_all(mirror, arguments, output);
    else if (mirror)
        show_one(bus, mirror, arguments, output, &error);
    return error ? scd_command_fail(error) : EXIT_SUCCESS;
}

const ScdCommand scd_command_status = {
    .name = "status",
    .argument = N_("[READER]"),
    .summary = N_("Show what is known of one reader, or of every reader"),
    .description =
        N_("JSON is an array of readers, or one reader if one is named. The keys are the\n"
           "names of the D-Bus properties in lower case with hyphens ('usb-path' is\n"
           "UsbPath); 'path' is the object path, 'card' is an object or null, and bytes\n"
           "('atr') are hexadecimal."),
    .reader = SCD_READER_MAYBE,
    .run = run,
};
