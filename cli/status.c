/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl status: everything known of one reader, or of all. A line for each property that
 * has something to say; each is formatted by one function, which gives NULL when it has not.
 */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "client.h"
#include "command.h"
#include "describe.h"
#include "json.h"
#include "property.h"
#include "text.h"

#define STATE_UNAVAILABLE 0x0008 /* SCARD_STATE_UNAVAILABLE */

typedef char *(*Format)(const ScdReaderView *reader, GVariant *properties, const char *name);

typedef struct {
    const char *label;
    const char *property; /* the one that the function looks at, where there is only one */
    Format format;
} Line;

static char *
format_path(const ScdReaderView *reader, GVariant *properties, const char *name)
{
    return g_strdup(properties == reader->card ? reader->card_path : reader->path);
}

static char *
format_text(const ScdReaderView *reader, GVariant *properties, const char *name)
{
    const char *text = scd_property_text(properties, name);
    return *text ? scd_text_escape(text, FALSE) : NULL;
}

static char *
format_number(const ScdReaderView *reader, GVariant *properties, const char *name)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT, scd_property_number(properties, name));
}

static char *
format_flag(const ScdReaderView *reader, GVariant *properties, const char *name)
{
    return scd_property_flag(properties, name) ? g_strdup(_("yes")) : NULL;
}

static char *
format_list(const ScdReaderView *reader, GVariant *properties, const char *name)
{
    g_autofree const char **list = scd_property_list(properties, name);
    g_autofree char *joined = g_strjoinv(", ", (char **)list);
    return *list ? scd_text_escape(joined, FALSE) : NULL;
}

static char *
format_bytes(const ScdReaderView *reader, GVariant *properties, const char *name)
{
    g_autoptr(GBytes) bytes = scd_property_bytes(properties, name);
    return g_bytes_get_size(bytes) ? scd_describe_bytes(bytes) : NULL;
}

static char *
format_bytes_and_text(const ScdReaderView *reader, GVariant *properties, const char *name)
{
    g_autoptr(GBytes) bytes = scd_property_bytes(properties, name);
    g_autofree char *hex = scd_describe_bytes(bytes);
    g_autofree char *ascii = scd_describe_ascii(bytes);
    return *hex ? g_strdup_printf("%s  \"%s\"", hex, ascii) : NULL;
}

/* "04e6:5116, bus 1, address 7", as lsusb(8) has it. */
static char *
format_usb_device(const ScdReaderView *reader, GVariant *properties, const char *name)
{
    guint vendor = (guint)scd_property_number(properties, "UsbVendorId");
    guint product = (guint)scd_property_number(properties, "UsbProductId");
    guint bus = (guint)scd_property_number(properties, "UsbBus");
    guint address = (guint)scd_property_number(properties, "UsbAddress");

    if (vendor && bus)
        return g_strdup_printf(_("%04x:%04x, bus %u, address %u"), vendor, product, bus, address);
    if (vendor)
        return g_strdup_printf("%04x:%04x", vendor, product);
    return bus ? g_strdup_printf(_("bus %u, address %u"), bus, address) : NULL;
}

static char *
format_state(const ScdReaderView *reader, GVariant *properties, const char *name)
{
    GString *state = g_string_new(scd_describe_state(reader).text);

    if (scd_property_flag(properties, "Exclusive"))
        g_string_append_printf(state, ", %s", _("one program has it for itself alone"));
    else if (scd_property_flag(properties, "InUse"))
        g_string_append_printf(state, ", %s", _("in use"));
    if (scd_property_number(properties, "State") & STATE_UNAVAILABLE)
        g_string_append_printf(state, ", %s", _("not available"));
    return g_string_free(state, FALSE);
}

static const Line reader_lines[] = {
    {N_("Object"), NULL, format_path},
    {N_("Alias"), "Alias", format_text},
    {N_("Vendor"), "Vendor", format_text},
    {N_("Product"), "Product", format_text},
    {N_("Serial number"), "Serial", format_text},
    {N_("Slot"), "Slot", format_number},
    {N_("USB path"), "UsbPath", format_text},
    {N_("USB device"), NULL, format_usb_device},
    {N_("Built in"), "BuiltIn", format_flag},
    {N_("Driver version"), "DriverVersion", format_text},
    {N_("Features"), "Features", format_list},
    {N_("Seat"), "Seat", format_text},
    {N_("For login"), "LoginCandidate", format_flag},
    {N_("Event count"), "EventCount", format_number},
    {N_("State"), NULL, format_state},
};

static const Line card_lines[] = {
    {N_("Card object"), NULL, format_path},
    {N_("ATR"), "Atr", format_bytes},
    {N_("Protocols"), "Protocols", format_list},
    {N_("Historical bytes"), "HistoricalBytes", format_bytes_and_text},
    {N_("Contactless"), "Contactless", format_flag},
};

/* The label that the names of a card have before the first. */
static const char names_label[] = N_("Known as");

static guint
width_of_labels(void)
{
    guint width = scd_text_width(_(names_label));

    for (gsize i = 0; i < G_N_ELEMENTS(reader_lines); i++)
        width = MAX(width, scd_text_width(_(reader_lines[i].label)));
    for (gsize i = 0; i < G_N_ELEMENTS(card_lines); i++)
        width = MAX(width, scd_text_width(_(card_lines[i].label)));
    return width;
}

static void
print_line(ScdOutput *output, const char *label, guint width, const char *value)
{
    g_autofree char *padded = scd_text_pad(label, width);
    g_autofree char *line = g_strdup_printf("  %s  %s", padded, value);
    scd_output_line(output, line);
}

static void
print_lines(const Line *lines, gsize n_lines, const ScdReaderView *reader, GVariant *properties,
            ScdOutput *output)
{
    guint width = width_of_labels();

    for (gsize i = 0; i < n_lines; i++) {
        g_autofree char *value = lines[i].format(reader, properties, lines[i].property);
        if (value)
            print_line(output, _(lines[i].label), width, value);
    }
}

static void
print_names(GVariant *card, ScdOutput *output)
{
    g_autofree const char **names = scd_property_list(card, "Names");
    guint width = width_of_labels();

    for (gsize i = 0; names[i]; i++) {
        g_autofree char *name = scd_text_escape(names[i], FALSE);
        print_line(output, i == 0 ? _(names_label) : "", width, name);
    }
}

static void
print_reader(const ScdReaderView *reader, ScdOutput *output)
{
    g_autofree char *name = scd_describe_reader(reader);

    scd_output_line(output, name);
    print_lines(reader_lines, G_N_ELEMENTS(reader_lines), reader, reader->properties, output);
    if (!reader->card)
        return;
    print_lines(card_lines, G_N_ELEMENTS(card_lines), reader, reader->card, output);
    print_names(reader->card, output);
}

static gboolean
show_one(GDBusConnection *bus, ScdMirror *mirror, const ScdArguments *arguments, ScdOutput *output,
         GError **error)
{
    ScdReaderView reader;
    g_autofree char *path = scd_client_find_reader(bus, arguments->reader, error);

    if (!path)
        return FALSE;
    if (!scd_mirror_look(mirror, path, &reader)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                    _("reader '%s' has come just now; try again"), arguments->reader);
        return FALSE;
    }
    if (arguments->json) {
        g_autofree char *text = scd_json_reader(&reader);
        scd_output_line(output, text);
    } else {
        print_reader(&reader, output);
    }
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
        print_reader(&g_array_index(readers, ScdReaderView, i), output);
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
    if (!error)
        return EXIT_SUCCESS;
    scd_output_complain(error->message);
    return EXIT_FAILURE;
}

const ScdCommand scd_command_status = {
    .name = "status",
    .argument = N_("[READER]"),
    .summary = N_("Show all that is known of one reader, or of every reader"),
    .description =
        N_("READER is a reader's name, its serial number, or its object path on D-Bus.\n"
           "\n"
           "JSON is an array of readers, or one reader if one is named. The keys are the\n"
           "names of the D-Bus properties in lower case with hyphens ('usb-path' is\n"
           "UsbPath); 'path' is the object path, 'card' is an object or null, and bytes\n"
           "('atr') are hexadecimal."),
    .reader = SCD_READER_MAYBE,
    .run = run,
};
