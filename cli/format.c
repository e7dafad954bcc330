/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tables define the lines. Each line has a function that formats its value, and returns NULL for
 * no line. If a value has several lines, the label precedes the first.
 */

#include "format.h"

#include <glib/gi18n.h>

#include "atr-text.h"
#include "cli-config.h"
#include "json.h"
#include "output.h"
#include "reader-view.h"

#define STATE_UNAVAILABLE 0x0008 /* SCARD_STATE_UNAVAILABLE */

typedef struct _FormatLine FormatLine;

typedef char *(*FormatFunction)(const FormatLine *line, const CtlReaderView *reader,
                                GVariant *properties);

struct _FormatLine {
    const char *label;
    const char *property; /* the property that the function formats, NULL if there are several */
    FormatFunction format;
    const char *placeholder; /* printed with CTL_FORMAT_ALL for no value; NULL for no line */
    char *(*format_atr_part)(const ScdAtr *atr); /* for format_atr(): only with CTL_FORMAT_ALL */
    gboolean is_verbose;                         /* only with CTL_FORMAT_VERBOSE */
};

static char *
format_path(const FormatLine *line, const CtlReaderView *reader, GVariant *properties)
{
    return g_strdup(properties == reader->card ? reader->card_path : reader->path);
}

static char *
format_text(const FormatLine *line, const CtlReaderView *reader, GVariant *properties)
{
    const char *text = ctl_property_text(properties, line->property);
    return *text ? ctl_text_escape(text, FALSE) : NULL;
}

static char *
format_number(const FormatLine *line, const CtlReaderView *reader, GVariant *properties)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT, ctl_property_number(properties, line->property));
}

static char *
format_flag(const FormatLine *line, const CtlReaderView *reader, GVariant *properties)
{
    return ctl_property_flag(properties, line->property) ? g_strdup(_("yes")) : NULL;
}

static char *
format_list(const FormatLine *line, const CtlReaderView *reader, GVariant *properties)
{
    g_autofree const char **list = ctl_property_list(properties, line->property);
    g_autofree char *joined = g_strjoinv(", ", (char **)list);
    return *list ? ctl_text_escape(joined, FALSE) : NULL;
}

/* One line for each element. */
static char *
format_long_list(const FormatLine *line, const CtlReaderView *reader, GVariant *properties)
{
    g_autofree const char **list = ctl_property_list(properties, line->property);
    g_autoptr(GPtrArray) safe = g_ptr_array_new_with_free_func(g_free);

    for (gsize i = 0; list[i]; i++)
        g_ptr_array_add(safe, ctl_text_escape(list[i], FALSE));
    g_ptr_array_add(safe, NULL);
    return *list ? g_strjoinv("\n", (char **)safe->pdata) : NULL;
}

/* Bytes that were partly hidden are a string: see redact.h. */
static char *
format_bytes(const FormatLine *line, const CtlReaderView *reader, GVariant *properties)
{
    g_autoptr(GBytes) bytes = ctl_property_bytes(properties, line->property);
    if (g_bytes_get_size(bytes) == 0)
        return format_text(line, reader, properties);
    return ctl_describe_bytes(bytes);
}

static char *
format_bytes_and_text(const FormatLine *line, const CtlReaderView *reader, GVariant *properties)
{
    g_autoptr(GBytes) bytes = ctl_property_bytes(properties, line->property);
    g_autofree char *hex = ctl_describe_bytes(bytes);
    g_autofree char *ascii = ctl_describe_ascii(bytes);
    return *hex ? g_strdup_printf("%s  \"%s\"", hex, ascii) : NULL;
}

static char *
format_atr(const FormatLine *line, const CtlReaderView *reader, GVariant *properties)
{
    g_autoptr(GBytes) bytes = ctl_property_bytes(properties, line->property);
    gsize length;
    const guint8 *data = g_bytes_get_data(bytes, &length);
    ScdAtr atr;

    return scd_atr_parse(data, length, &atr, NULL) ? line->format_atr_part(&atr) : NULL;
}

static char *
format_explained_atr(const FormatLine *line, const CtlReaderView *reader, GVariant *properties)
{
    g_autoptr(GBytes) bytes = ctl_property_bytes(properties, line->property);
    gsize length;
    const guint8 *data = g_bytes_get_data(bytes, &length);

    return length > 0 ? ctl_atr_explain(data, length) : NULL;
}

/* "04e6:5116, bus 1, address 7", as lsusb(8) prints it. Each part may be unknown. */
static char *
format_usb_device(const FormatLine *line, const CtlReaderView *reader, GVariant *properties)
{
    guint vendor = (guint)ctl_property_number(properties, "UsbVendorId");
    guint product = (guint)ctl_property_number(properties, "UsbProductId");
    guint bus = (guint)ctl_property_number(properties, "UsbBus");
    guint address = (guint)ctl_property_number(properties, "UsbAddress");

    if (vendor && address)
        return g_strdup_printf(_("%04x:%04x, bus %u, address %u"), vendor, product, bus, address);
    if (vendor)
        return g_strdup_printf("%04x:%04x", vendor, product);
    return address ? g_strdup_printf(_("bus %u, address %u"), bus, address) : NULL;
}

static char *
format_state(const FormatLine *line, const CtlReaderView *reader, GVariant *properties)
{
    GString *state = g_string_new(ctl_describe_state(reader).text);

    if (ctl_property_flag(properties, "Exclusive"))
        g_string_append_printf(state, ", %s", _("in exclusive use"));
    else if (ctl_property_flag(properties, "InUse"))
        g_string_append_printf(state, ", %s", _("in use"));
    if (ctl_property_number(properties, "State") & STATE_UNAVAILABLE)
        g_string_append_printf(state, ", %s", _("not available"));
    return g_string_free(state, FALSE);
}

static const FormatLine reader_lines[] = {
    {N_("Object"), NULL, format_path},
    {N_("Alias"), "Alias", format_text, NC_("Alias", "none")},
    {N_("Vendor"), "Vendor", format_text, NC_("Vendor", "not known")},
    {N_("Product"), "Product", format_text, NC_("Product", "not known")},
    {N_("Serial number"), "Serial", format_text, NC_("Serial number", "not known")},
    {N_("Slot"), "Slot", format_number},
    {N_("USB path"), "UsbPath", format_text, NC_("USB path", "not known")},
    {N_("USB device"), NULL, format_usb_device, NC_("USB device", "not known")},
    {N_("Built in"), "BuiltIn", format_flag, N_("no")},
    {N_("Driver version"), "DriverVersion", format_text, NC_("Driver version", "not known")},
    {N_("Features"), "Features", format_long_list, NC_("Features", "none")},
    {N_("Seat"), "Seat", format_text, NC_("Seat", "not known")},
    {N_("For login"), "LoginCandidate", format_flag, N_("no")},
    {N_("Event count"), "EventCount", format_number},
    {N_("State"), NULL, format_state},
};

static const FormatLine card_lines[] = {
    {N_("Card object"), NULL, format_path},
    {N_("ATR"), "Atr", format_bytes, NC_("ATR", "none")},
    {N_("ATR explained"), "Atr", format_explained_atr, .is_verbose = TRUE},
    {N_("Convention"), "Atr", format_atr, NULL, ctl_describe_atr_convention},
    {N_("Interface bytes"), "Atr", format_atr, NULL, ctl_describe_atr_interface_bytes},
    {N_("Protocols"), "Protocols", format_list, NC_("Protocols", "none")},
    {N_("Mode"), "Atr", format_atr, NULL, ctl_describe_atr_mode},
    {N_("Historical bytes"), "HistoricalBytes", format_bytes_and_text,
     NC_("Historical bytes", "none")},
    {N_("Check byte"), "Atr", format_atr, NULL, ctl_describe_atr_check},
    {N_("Contactless"), "Contactless", format_flag, N_("no")},
    {N_("Known as"), "Names", format_long_list, NC_("Known as", "not known")},
    {N_("Login card"), "LoginCandidate", format_flag, N_("no")},
};

static guint
measure_labels(const FormatLine *lines, gsize n_lines)
{
    guint width = 0;

    for (gsize i = 0; i < n_lines; i++)
        width = MAX(width, ctl_text_width(_(lines[i].label)));
    return width;
}

/* Languages with genders have one translation for each label. */
static const char *
translate_placeholder(const FormatLine *line)
{
    const char *text = g_dpgettext2(GETTEXT_PACKAGE, line->label, line->placeholder);

    return text == line->placeholder ? _(line->placeholder) : text;
}

/* Returns NULL when the line is left out. */
static char *
format_line_value(const FormatLine *line, CtlFormatExtent extent, const CtlReaderView *reader,
                  GVariant *properties)
{
    gboolean is_all = extent == CTL_FORMAT_ALL;
    gboolean has_line =
        (is_all || !line->format_atr_part) && (extent == CTL_FORMAT_VERBOSE || !line->is_verbose);
    char *value = has_line ? line->format(line, reader, properties) : NULL;

    return value || !is_all || !line->placeholder ? value : g_strdup(translate_placeholder(line));
}

static void
print_labelled_value(const char *label, guint width, const char *value, CtlOutput *output)
{
    g_auto(GStrv) parts = g_strsplit(value, "\n", -1);

    for (gsize i = 0; parts[i]; i++) {
        g_autofree char *padded = ctl_text_pad(i == 0 ? label : "", width);
        g_autofree char *line = g_strdup_printf("  %s  %s", padded, parts[i]);
        ctl_output_line(output, line);
    }
}

static void
print_lines(const FormatLine *lines, gsize n_lines, CtlFormatExtent extent,
            const CtlReaderView *reader, GVariant *properties, CtlOutput *output)
{
    guint width = MAX(measure_labels(reader_lines, G_N_ELEMENTS(reader_lines)),
                      measure_labels(card_lines, G_N_ELEMENTS(card_lines)));

    for (gsize i = 0; i < n_lines; i++) {
        g_autofree char *value = format_line_value(&lines[i], extent, reader, properties);
        if (value)
            print_labelled_value(_(lines[i].label), width, value, output);
    }
}

void
ctl_format_print(const CtlReaderView *reader, CtlFormatExtent extent, CtlOutput *output)
{
    g_autofree char *name = ctl_describe_reader(reader);

    ctl_output_line(output, name);
    print_lines(reader_lines, G_N_ELEMENTS(reader_lines), extent, reader, reader->properties,
                output);
    if (reader->card)
        print_lines(card_lines, G_N_ELEMENTS(card_lines), extent, reader, reader->card, output);
}

void
ctl_format_show(const CtlReaderView *reader, CtlFormatExtent extent, gboolean json,
                CtlOutput *output)
{
    if (!json) {
        ctl_format_print(reader, extent, output);
        return;
    }
    g_autofree char *text = ctl_json_reader(reader);
    ctl_output_line(output, text);
}

#define TIME_LIMIT_US (5 * G_USEC_PER_SEC)

/* In the words of the person who has the device. */
static const struct {
    const char *word;
    const char *text;
} reasons[] = {
    {"ignored", N_("the administrator's settings ignore it (smartcardd.conf)")},
    {"no-service", N_("pcscd cannot be reached")},
    {"no-driver", N_("no driver of pcscd is installed for it")},
    {"other-program", N_("another program has it, or pcscd is still starting it")},
    {"reader-limit", N_("this pcscd allows no more readers")},
};

GPtrArray *
ctl_unserved_load(const CtlRoute *route, SmartcarddClient *client)
{
    const gint64 end = g_get_monotonic_time() + TIME_LIMIT_US;
    CtlWaiting waiting = ctl_client_get_waiting(route);
    GPtrArray *devices = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);

    waiting.end = route->end == CTL_WAITING_DO_NOT_WAIT ? end : MIN(route->end, end);
    ctl_waiting_begin(&waiting);
    smartcardd_client_list_unserved_devices_async(client, waiting.cancellable, ctl_waiting_finish,
                                                  &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    g_autoptr(GVariant) list = smartcardd_client_list_unserved_devices_finish(client, result, NULL);
    for (gsize i = 0; list && i < g_variant_n_children(list); i++)
        g_ptr_array_add(devices, g_variant_get_child_value(list, i));
    return devices;
}

static char *
format_reason(GVariant *device)
{
    const char *word = ctl_property_text(device, "reason");
    g_autofree char *driver = ctl_text_escape(ctl_property_text(device, "kernel-driver"), FALSE);

    if (g_str_equal(word, "kernel-driver"))
        return g_strdup_printf(_("the driver %s of the kernel has it"), driver);
    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
        if (g_str_equal(reasons[i].word, word))
            return g_strdup(_(reasons[i].text));
    }
    return g_strdup(_("pcscd has not opened it"));
}

static char *
format_ids(GVariant *device)
{
    return g_strdup_printf("%04x:%04x", (guint)ctl_property_number(device, "vendor-id"),
                           (guint)ctl_property_number(device, "product-id"));
}

static char *
format_name(GVariant *device)
{
    g_autofree char *both = g_strjoin(" ", ctl_property_text(device, "vendor"),
                                      ctl_property_text(device, "product"), NULL);

    g_strstrip(both);
    return *both ? ctl_text_escape(both, FALSE) : format_ids(device);
}

void
ctl_unserved_print_notes(GPtrArray *devices, CtlOutput *output)
{
    for (guint i = 0; i < devices->len; i++) {
        GVariant *device = devices->pdata[i];
        g_autofree char *name = format_name(device);
        g_autofree char *port = ctl_text_escape(ctl_property_text(device, "usb-port"), FALSE);
        g_autofree char *reason = format_reason(device);
        /* TRANSLATORS: The name of a USB device, its USB port such as 1-3, and a reason. */
        g_autofree char *note = g_strdup_printf(
            _("%s on USB port %s is not available as a reader: %s."), name, port, reason);

        ctl_output_note(output, note);
    }
}

void
ctl_unserved_print(GPtrArray *devices, CtlOutput *output)
{
    for (guint i = 0; i < devices->len; i++) {
        GVariant *device = devices->pdata[i];
        g_autofree char *ids = format_ids(device);
        g_autofree char *port = ctl_text_escape(ctl_property_text(device, "usb-port"), FALSE);
        g_autofree char *reason = format_reason(device);
        g_autofree char *line = g_strdup_printf("  %s  %s, %s", port, ids, reason);

        ctl_output_line(output, line);
    }
}

void
ctl_unserved_add_to_json(GPtrArray *devices, JsonBuilder *builder)
{
    json_builder_begin_array(builder);
    for (guint i = 0; i < devices->len; i++) {
        GVariant *device = devices->pdata[i];

        json_builder_begin_object(builder);
        ctl_json_add_text(builder, "usb-port", ctl_property_text(device, "usb-port"));
        ctl_json_add_number(builder, "vendor-id", (gint64)ctl_property_number(device, "vendor-id"));
        ctl_json_add_number(builder, "product-id",
                            (gint64)ctl_property_number(device, "product-id"));
        ctl_json_add_text(builder, "reason", ctl_property_text(device, "reason"));
        ctl_json_add_text(builder, "kernel-driver", ctl_property_text(device, "kernel-driver"));
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}
