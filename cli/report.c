/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl report: a text for a bug report or a list of hardware, always in English. Data that
 * is not available is mentioned in the text, and not an error.
 */

#include <glib.h>
#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/usb-device.h"
#include "cli-config.h"
#include "client.h"
#include "command.h"
#include "format.h"
#include "json.h"
#include "output.h"
#include "redact.h"

/*
 * The USB devices that are readers, and the hubs that they are connected to, from sysfs: works
 * without the service. Other devices are private and left out.
 */

#define SYSFS "/sys"

static gboolean
has_reader_class(const ScdUsbDevice *device)
{
    for (guint i = 0; i < device->interfaces->len; i++) {
        const ScdUsbInterface *interface = device->interfaces->pdata[i];
        if (interface->is_ccid)
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_reader(const ScdUsbDevice *device, GArray *readers)
{
    ScdUsbPath path;

    for (guint i = 0; i < readers->len; i++) {
        GVariant *properties = g_array_index(readers, CtlReaderView, i).properties;
        if (scd_usb_path_parse(ctl_property_text(properties, "UsbPath"), &path) &&
            scd_usb_port_equal(&path.port, &device->port))
            return TRUE;
    }
    return has_reader_class(device);
}

/* Returns whether the hub is the port itself or upstream of it. Unused elements of ports are 0. */
static gboolean
is_upstream_of(const ScdUsbPort *hub, const ScdUsbPort *port)
{
    return hub->bus == port->bus && memcmp(hub->ports, port->ports, hub->n_ports) == 0;
}

static gboolean
leads_to_reader(const ScdUsbDevice *hub, GPtrArray *devices, GArray *readers)
{
    for (guint i = 0; i < devices->len; i++) {
        const ScdUsbDevice *device = devices->pdata[i];
        if (is_upstream_of(&hub->port, &device->port) && is_reader(device, readers))
            return TRUE;
    }
    return FALSE;
}

/*
 * Returns an array of ScdUsbDevice, in which hubs precede their devices. A device is a reader if it
 * has an interface of class 0b or if the UsbPath of one of the readers (CtlReaderView) names it.
 */
static GPtrArray *
load_usb_devices(GArray *readers)
{
    GPtrArray *devices = scd_usb_tree_list(SYSFS);

    for (guint i = devices->len; i-- > 0;) {
        if (!leads_to_reader(devices->pdata[i], devices, readers))
            g_ptr_array_remove_index(devices, i);
    }
    return devices;
}

/* Returns the vendor and product strings of the device, empty when it has none. */
static char *
format_device_name(const ScdUsbDevice *device, gboolean serials)
{
    g_autofree char *both = g_strjoin(" ", device->manufacturer, device->product, NULL);
    g_autofree char *safe = ctl_text_escape(g_strstrip(both), FALSE);

    return serials ? g_steal_pointer(&safe) : ctl_redact_serial(safe, device->serial);
}

static char *
format_device_line(const ScdUsbDevice *device, gboolean serials)
{
    g_autofree char *port = scd_usb_port_to_string(&device->port);
    g_autofree char *name = format_device_name(device, serials);
    GString *line = g_string_new(NULL);

    g_string_append_printf(line, "  %*s|__ %s  %04x:%04x, address %u",
                           4 * (device->port.n_ports - 1), "", port, device->vendor_id,
                           device->product_id, device->address);
    if (has_reader_class(device))
        g_string_append(line, ", CCID");
    if (device->built_in)
        g_string_append(line, ", built in");
    if (*name)
        g_string_append_printf(line, ", %s", name);
    if (serials && *device->serial)
        g_string_append_printf(line, ", serial number %s", device->serial);
    return g_string_free(line, FALSE);
}

/* serials: include serial numbers. */
static void
print_usb_devices(GPtrArray *map, gboolean serials, CtlOutput *output)
{
    guint bus = 0;

    for (guint i = 0; i < map->len; i++) {
        const ScdUsbDevice *device = map->pdata[i];
        g_autofree char *root = g_strdup_printf("  bus %u", device->port.bus);
        g_autofree char *line = format_device_line(device, serials);
        if (device->port.bus != bus)
            ctl_output_line(output, root);
        bus = device->port.bus;
        ctl_output_line(output, line);
    }
}

static void
add_flag(JsonBuilder *builder, const char *key, gboolean flag)
{
    json_builder_set_member_name(builder, key);
    json_builder_add_boolean_value(builder, flag);
}

static void
add_device(JsonBuilder *builder, const ScdUsbDevice *device, gboolean serials)
{
    g_autofree char *port = scd_usb_port_to_string(&device->port);
    const char *serial = serials ? NULL : device->serial;
    g_autofree char *vendor = ctl_redact_serial(device->manufacturer, serial);
    g_autofree char *product = ctl_redact_serial(device->product, serial);

    json_builder_begin_object(builder);
    ctl_json_add_text(builder, "port", port);
    ctl_json_add_number(builder, "bus", device->port.bus);
    ctl_json_add_number(builder, "address", device->address);
    ctl_json_add_number(builder, "vendor-id", device->vendor_id);
    ctl_json_add_number(builder, "product-id", device->product_id);
    ctl_json_add_text(builder, "vendor", vendor);
    ctl_json_add_text(builder, "product", product);
    if (serials)
        ctl_json_add_text(builder, "serial", device->serial);
    add_flag(builder, "built-in", device->built_in);
    add_flag(builder, "ccid", has_reader_class(device));
    json_builder_end_object(builder);
}

static void
add_usb_devices_to_json(GPtrArray *map, gboolean serials, JsonBuilder *builder)
{
    json_builder_begin_array(builder);
    for (guint i = 0; i < map->len; i++)
        add_device(builder, map->pdata[i], serials);
    json_builder_end_array(builder);
}

/* The versions of the software on this machine that is involved in smart card access. */

typedef struct {
    char *name;    /* "kernel" */
    char *version; /* one line, safe for a terminal; NULL when not known */
} SoftwareVersion;

static char *
read_kernel_version(void)
{
    struct utsname names;

    if (uname(&names) < 0)
        return NULL;
    return g_strdup_printf("%s %s %s", names.sysname, names.release, names.machine);
}

/* /usr/sbin is not in the PATH of most users. */
static char *
find_pcscd(void)
{
    static const char usual[] = "/usr/sbin/pcscd";

    return g_file_test(usual, G_FILE_TEST_IS_EXECUTABLE) ? g_strdup(usual)
                                                         : g_find_program_in_path("pcscd");
}

/* The output of pcscd --version begins with "pcsc-lite version 1.9.9." */
static char *
read_pcscd_version(void)
{
    static const char before[] = "version ";
    g_autofree char *program = find_pcscd();
    char *arguments[] = {program, (char *)"--version", NULL};
    g_autofree char *text = NULL;

    if (!program || !g_spawn_sync(NULL, arguments, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                                  &text, NULL, NULL, NULL))
        return NULL;
    const char *version = strstr(text, before);
    if (!version)
        return NULL;
    version += strlen(before);
    gsize length = strspn(version, "0123456789.");
    while (length > 0 && version[length - 1] == '.')
        length--;
    return length > 0 ? g_strndup(version, length) : NULL;
}

/* Reads Info.plist, a list of keys and values in XML. */
static char *
read_driver_version(const char *bundle)
{
    g_autofree char *path = g_build_filename(DRIVERS, bundle, "Contents", "Info.plist", NULL);
    g_autoptr(GRegex) pattern = g_regex_new(
        "<key>CFBundleShortVersionString</key>\\s*<string>([^<]*)</string>", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL) || !g_utf8_validate(text, -1, NULL) ||
        !g_regex_match(pattern, text, 0, &match))
        return NULL;
    return g_match_info_fetch(match, 1);
}

static void
add_version(GArray *versions, const char *name, char *text)
{
    SoftwareVersion version = {ctl_text_escape(name, FALSE),
                               text ? ctl_text_escape(text, FALSE) : NULL};

    g_array_append_val(versions, version);
    g_free(text);
}

static void
clear_version(gpointer data)
{
    SoftwareVersion *version = data;

    g_free(version->name);
    g_free(version->version);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

static void
add_drivers(GArray *versions)
{
    g_autoptr(GPtrArray) bundles = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) folder = g_dir_open(DRIVERS, 0, NULL);
    const char *entry;

    while (folder && (entry = g_dir_read_name(folder))) {
        if (g_str_has_suffix(entry, ".bundle"))
            g_ptr_array_add(bundles, g_strdup(entry));
    }
    g_ptr_array_sort(bundles, compare_names);
    for (guint i = 0; i < bundles->len; i++)
        add_version(versions, bundles->pdata[i], read_driver_version(bundles->pdata[i]));
}

/*
 * Returns an array of SoftwareVersion. service: the version of the service, NULL when not known.
 * The version of libpcsclite is that of the build, as the library does not report one. The versions
 * of pcscd and of the drivers for USB readers, which have the names of their bundles, are those
 * that are installed. Runs "pcscd --version". remote: the service runs on another machine, so that
 * the versions of this machine do not count.
 */
static GArray *
read_versions(const char *service, gboolean remote)
{
    GArray *versions = g_array_new(FALSE, FALSE, sizeof(SoftwareVersion));

    g_array_set_clear_func(versions, clear_version);
    add_version(versions, "smartcardctl", g_strdup(PROJECT_VERSION));
    add_version(versions, "smartcardd", g_strdup(service));
    add_version(versions, "libpcsclite", remote ? NULL : g_strdup(PCSCLITE_VERSION));
    add_version(versions, "pcscd", remote ? NULL : read_pcscd_version());
    if (!remote)
        add_drivers(versions);
    add_version(versions, "kernel", remote ? NULL : read_kernel_version());
    add_version(versions, "distribution", remote ? NULL : g_get_os_info(G_OS_INFO_KEY_PRETTY_NAME));
    return versions;
}

typedef struct {
    gboolean remote;          /* the service is on another machine: no facts about this one */
    GArray *versions;         /* of SoftwareVersion */
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
    report->versions = read_versions(
        report->client ? smartcardd_client_get_version(report->client) : NULL, report->remote);
    g_autoptr(GArray) readers = loaded ? ctl_reader_view_list(report->client)
                                       : g_array_new(FALSE, FALSE, sizeof(CtlReaderView));
    report->usb = report->remote ? g_ptr_array_new() : load_usb_devices(readers);
    report->readers = serials ? g_array_ref(readers) : redact_readers(readers);
}

static void
print_versions(GArray *versions, CtlOutput *output)
{
    guint width = 0;

    ctl_output_line(output, "Versions");
    for (guint i = 0; i < versions->len; i++)
        width = MAX(width, ctl_text_width(g_array_index(versions, SoftwareVersion, i).name));
    for (guint i = 0; i < versions->len; i++) {
        const SoftwareVersion *version = &g_array_index(versions, SoftwareVersion, i);
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
    print_usb_devices(report->usb, serials, output);
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
        const SoftwareVersion *version = &g_array_index(versions, SoftwareVersion, i);
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
    add_usb_devices_to_json(report->usb, serials, builder);
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
