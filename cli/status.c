/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* smartcardctl status: what there is to say of one reader, or of all. */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "client.h"
#include "command.h"
#include "format.h"
#include "json.h"

static gboolean
show_one(GDBusConnection *bus, CtlObjectCache *cache, const CtlArguments *arguments,
         CtlOutput *output, GError **error)
{
    CtlReaderView reader;

    if (!ctl_client_look(bus, cache, arguments->reader, &reader, error))
        return FALSE;
    ctl_format_show(&reader, CTL_FORMAT_KNOWN, arguments->json, output);
    return TRUE;
}

static void
show_all(CtlObjectCache *cache, const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GArray) readers = ctl_object_cache_readers(cache);

    if (arguments->json) {
        g_autofree char *text = ctl_json_readers(readers);
        ctl_output_line(output, text);
        return;
    }
    if (readers->len == 0)
        ctl_output_note(output, _("No readers are connected."));
    for (guint i = 0; i < readers->len; i++) {
        if (i > 0)
            ctl_output_line(output, "");
        ctl_format_print(&g_array_index(readers, CtlReaderView, i), CTL_FORMAT_KNOWN, output);
    }
}

static int
run(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = ctl_client_connect(&error);
    g_autoptr(CtlObjectCache) cache = bus ? ctl_client_load(bus, &error) : NULL;

    if (cache && !arguments->reader)
        show_all(cache, arguments, output);
    else if (cache)
        show_one(bus, cache, arguments, output, &error);
    return error ? ctl_command_fail(error) : EXIT_SUCCESS;
}

const CtlCommand ctl_command_status = {
    .name = "status",
    .argument = N_("[READER]"),
    .summary = N_("Show what is known of one reader, or of every reader"),
    .description =
        N_("JSON is an array of readers, or one reader if one is named. The keys are the\n"
           "names of the D-Bus properties in lower case with hyphens ('usb-path' is\n"
           "UsbPath); 'path' is the object path, 'card' is an object or null, and bytes\n"
           "('atr') are hexadecimal."),
    .reader = CTL_READER_MAYBE,
    .run = run,
};
