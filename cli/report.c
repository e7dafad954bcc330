/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl report: a text for a bug report or a list of hardware, always in English. Data that
 * is not available is mentioned in the text, and not an error.
 */

#include <glib/gi18n.h>
#include <locale.h>
#include <stdlib.h>

#include "client.h"
#include "command.h"
#include "format.h"
#include "json.h"
#include "redact.h"
#include "text.h"
#include "unserved.h"
#include "usb-map.h"
#include "versions.h"

typedef struct {
    gboolean remote;          /* the service is on another machine: no facts about this one */
    GArray *versions;         /* of CtlVersion */
    char *missing;            /* the reason why there are no readers, else NULL */
    SmartcarddClient *client; /* owns the members of the readers */
    GArray *readers;          /* of CtlReaderView, as they are shown */
    GPtrArray *usb;           /* of ScdUsbDevice */
    GPtrArray *unserved;      /* of GVariant */
} ReportContent;

static void
clear_report_content(ReportContent *report)
{
    g_array_unref(report->versions);
    g_free(report->missing);
    g_clear_object(&report->client);
    g_array_unref(report->readers);
    g_ptr_array_unref(report->usb);
    g_clear_pointer(&report->unserved, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ReportContent, clear_report_content)

static void
clear_redacted_reader(gpointer data)
{
    ctl_redact_clear_reader(data);
}

/* Returns copies without private data. */
static GArray *
redact_readers(GArray *readers)
{
    GArray *reduced = g_array_new(FALSE, FALSE, sizeof(CtlReaderView));

    g_array_set_clear_func(reduced, clear_redacted_reader);
    for (guint i = 0; i < readers->len; i++) {
        CtlReaderView reader = ctl_redact_reader(&g_array_index(readers, CtlReaderView, i));
        g_array_append_val(reduced, reader);
    }
    return reduced;
}

/* Sets the answers that the service has even if it cannot reach pcscd. */
static gboolean
load_service(ReportContent *report, const CtlRoute *route, GError **error)
{
    report->client = ctl_client_new(route, error);
    if (!report->client)
        return FALSE;
    report->unserved = ctl_unserved_load(route, report->client);
    return ctl_client_check_pcscd(report->client, error);
}

static void
collect_report(ReportContent *report, const CtlRoute *route, gboolean serials)
{
    g_autoptr(GError) error = NULL;
    gboolean loaded = load_service(report, route, &error);

    report->missing = error ? g_strdup(error->message) : NULL;
    report->remote = route->host != NULL;
    report->versions = ctl_versions_read(
        report->client ? smartcardd_client_get_version(report->client) : NULL, report->remote);
    g_autoptr(GArray) readers = loaded ? ctl_reader_view_list(report->client)
                                       : g_array_new(FALSE, FALSE, sizeof(CtlReaderView));
    report->usb = report->remote ? g_ptr_array_new() : ctl_usb_map_load(readers);
    report->readers = serials ? g_array_ref(readers) : redact_readers(readers);
}

static void
print_versions(GArray *versions, CtlOutput *output)
{
    guint width = 0;

    ctl_output_line(output, "Versions");
    for (guint i = 0; i < versions->len; i++)
        width = MAX(width, ctl_text_width(g_array_index(versions, CtlVersion, i).name));
    for (guint i = 0; i < versions->len; i++) {
        const CtlVersion *version = &g_array_index(versions, CtlVersion, i);
        g_autofree char *name = ctl_text_pad(version->name, width);
        g_autofree char *line =
            g_strdup_printf("  %s  %s", name, version->version ? version->version : "not known");
        ctl_output_line(output, line);
    }
}

static void
print_report(const ReportContent *report, gboolean serials, CtlOutput *output)
{
    g_autofree char *missing = report->missing ? ctl_text_escape(report->missing, FALSE) : NULL;

    print_versions(report->versions, output);
    ctl_output_line(output, "");
    ctl_output_line(output, "USB devices on the way to readers");
    if (report->usb->len == 0)
        ctl_output_line(output, report->remote ? "  not known" : "  none");
    ctl_usb_map_print(report->usb, serials, output);
    ctl_output_line(output, "");
    if (report->unserved && report->unserved->len > 0) {
        ctl_output_line(output, "USB devices that are not available as readers");
        ctl_unserved_print(report->unserved, output);
        ctl_output_line(output, "");
    }
    ctl_output_line(output, missing ? missing : report->readers->len ? "Readers" : "No readers");
    for (guint i = 0; i < report->readers->len; i++) {
        ctl_output_line(output, "");
        ctl_format_print(&g_array_index(report->readers, CtlReaderView, i), CTL_FORMAT_KNOWN,
                         output);
    }
}

static void
add_versions_to_json(JsonBuilder *builder, GArray *versions)
{
    json_builder_begin_object(builder);
    for (guint i = 0; i < versions->len; i++) {
        const CtlVersion *version = &g_array_index(versions, CtlVersion, i);
        ctl_json_add_text(builder, version->name, version->version ? version->version : "");
    }
    json_builder_end_object(builder);
}

static void
print_report_as_json(const ReportContent *report, gboolean serials, CtlOutput *output)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "versions");
    add_versions_to_json(builder, report->versions);
    ctl_json_add_text(builder, "missing", report->missing ? report->missing : "");
    json_builder_set_member_name(builder, "usb");
    ctl_usb_map_add_to_json(report->usb, serials, builder);
    json_builder_set_member_name(builder, "unserved");
    if (report->unserved) {
        ctl_unserved_add_to_json(report->unserved, builder);
    } else {
        json_builder_begin_array(builder);
        json_builder_end_array(builder);
    }
    json_builder_set_member_name(builder, "readers");
    ctl_json_add_readers(builder, report->readers);
    json_builder_end_object(builder);
    g_autofree char *text = ctl_json_to_text(builder, TRUE);
    ctl_output_line(output, text);
}

static int
run_report(const CtlArguments *arguments, CtlOutput *output)
{
    const CtlRoute route = ctl_client_get_route(arguments, output);
    g_auto(ReportContent) report = {0};

    setlocale(LC_MESSAGES, "C");
    collect_report(&report, &route, arguments->serials);
    if (arguments->json)
        print_report_as_json(&report, arguments->serials, output);
    else
        print_report(&report, arguments->serials, output);
    return EXIT_SUCCESS;
}

const CtlCommand ctl_command_report = {
    .name = "report",
    .summary = N_("Write a report on versions, readers and cards"),
    .description =
        N_("The report is in English, to be pasted into a bug report or a list of hardware.\n"
           "It says which data is not available, for example without pcscd.\n"
           "\n"
           "Serial numbers (in a reader's name all text in parentheses), aliases and object\n"
           "paths are left out. In a card's ATR, two dots replace each of the historical\n"
           "bytes and the check byte: on some cards they contain a number of the card or of\n"
           "its holder. With --serials all of this is included. USB devices that neither\n"
           "are readers nor lead to one are never included. The version of libpcsclite is\n"
           "the one that smartcardd was built with; those of pcscd and of drivers\n"
           "(*.bundle) are the installed ones.\n"
           "\n"
           "JSON is an object with 'versions', 'missing' (the reason why there are no\n"
           "readers), 'usb', 'unserved' (devices that are not available as readers, with\n"
           "the reason) and 'readers', which are as for 'status'."),
    .options = CTL_OPTION_SERIALS | CTL_OPTION_TIMEOUT,
    .run = run_report,
};
