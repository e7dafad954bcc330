/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json.h"
#include "output.h"
#include "reader-view.h"
#include "reader.h"

/*
 * smartcardctl attributes: the attributes of PC/SC part 3 that the driver reports, with the numbers
 * and names of pcsc-lite's reader.h. A value that does not have the form of its attribute is shown
 * as bytes, since drivers return arbitrary bytes. SCARD_ATTR_ESC_* are left out: they are commands
 * to a reader.
 */

typedef enum {
    BYTES,
    TEXT,
    NUMBER,
    BITS, /* a number that is shown in hexadecimal digits */
    KHZ,  /* KHZ, BIT_S: numbers with a unit */
    BIT_S,
    VERSION, /* 0xMMmmbbbb: major, minor, build */
} AttributeForm;

typedef struct {
    const char *name; /* "vendor-name" is SCARD_ATTR_VENDOR_NAME */
    guint32 id;
    AttributeForm form;
} AttributeType;

static const AttributeType attribute_types[] = {
    {"vendor-name", 0x00010100, TEXT},
    {"vendor-ifd-type", 0x00010101, TEXT},
    {"vendor-ifd-version", 0x00010102, VERSION},
    {"vendor-ifd-serial-no", 0x00010103, TEXT},
    {"channel-id", 0x00020110, BITS},
    {"async-protocol-types", 0x00030120, BITS},
    {"default-clk", 0x00030121, KHZ},
    {"max-clk", 0x00030122, KHZ},
    {"default-data-rate", 0x00030123, BIT_S},
    {"max-data-rate", 0x00030124, BIT_S},
    {"max-ifsd", 0x00030125, NUMBER},
    {"sync-protocol-types", 0x00030126, BITS},
    {"power-mgmt-support", 0x00040131, NUMBER},
    {"user-to-card-auth-device", 0x00050140, BITS},
    {"user-auth-input-device", 0x00050142, BITS},
    {"characteristics", 0x00060150, BITS},
    {"maxinput", 0x0007A007, NUMBER},
    {"current-protocol-type", 0x00080201, BITS},
    {"current-clk", 0x00080202, KHZ},
    {"current-f", 0x00080203, NUMBER},
    {"current-d", 0x00080204, NUMBER},
    {"current-n", 0x00080205, NUMBER},
    {"current-w", 0x00080206, NUMBER},
    {"current-ifsc", 0x00080207, NUMBER},
    {"current-ifsd", 0x00080208, NUMBER},
    {"current-bwt", 0x00080209, NUMBER},
    {"current-cwt", 0x0008020A, NUMBER},
    {"current-ebc-encoding", 0x0008020B, NUMBER},
    {"extended-bwt", 0x0008020C, NUMBER},
    {"icc-presence", 0x00090300, NUMBER},
    {"icc-interface-status", 0x00090301, NUMBER},
    {"current-io-state", 0x00090302, NUMBER},
    {"atr-string", 0x00090303, BYTES},
    {"icc-type-per-atr", 0x00090304, NUMBER},
    {"device-unit", 0x7FFF0001, NUMBER},
    {"device-in-use", 0x7FFF0002, NUMBER},
    {"device-friendly-name-a", 0x7FFF0003, TEXT},
    {"device-system-name-a", 0x7FFF0004, TEXT},
    {"device-friendly-name-w", 0x7FFF0005, BYTES},
    {"device-system-name-w", 0x7FFF0006, BYTES},
    {"supress-t1-ifs-request", 0x7FFF0007, NUMBER},
};
/* Returns the text up to the first NUL byte; replaces invalid UTF-8. */
static char *
read_text(GBytes *value)
{
    gsize length;
    const char *bytes = g_bytes_get_data(value, &length);

    return length > 0 ? g_utf8_make_valid(bytes, (gssize)strnlen(bytes, length)) : g_strdup("");
}

/* In host byte order, of the width that the driver chose. Returns FALSE for other widths. */
static gboolean
read_number(GBytes *value, guint64 *number)
{
    gsize length;
    gconstpointer bytes = g_bytes_get_data(value, &length);
    guint16 two;
    guint32 four;

    switch (length) {
    case 1:
        *number = *(const guint8 *)bytes;
        return TRUE;
    case sizeof two:
        memcpy(&two, bytes, sizeof two);
        *number = two;
        return TRUE;
    case sizeof four:
        memcpy(&four, bytes, sizeof four);
        *number = four;
        return TRUE;
    case sizeof *number:
        memcpy(number, bytes, sizeof *number);
        return TRUE;
    default:
        return FALSE;
    }
}

static char *
format_number(AttributeForm form, guint64 number)
{
    switch (form) {
    case BITS:
        return g_strdup_printf("0x%" G_GINT64_MODIFIER "X", number);
    case KHZ:
        return g_strdup_printf("%" G_GUINT64_FORMAT " kHz", number);
    case BIT_S:
        return g_strdup_printf("%" G_GUINT64_FORMAT " bit/s", number);
    case VERSION:
        return g_strdup_printf("%u.%u.%u", (guint)(number >> 24 & 0xFF),
                               (guint)(number >> 16 & 0xFF), (guint)(number & 0xFFFF));
    default:
        return g_strdup_printf("%" G_GUINT64_FORMAT, number);
    }
}

static char *
format_attribute_value(const AttributeType *attribute, GBytes *value)
{
    AttributeForm form = attribute->form;
    guint64 number;

    if (form == TEXT) {
        g_autofree char *text = read_text(value);
        return ctl_text_escape(text, FALSE);
    }
    if (form == BYTES || !read_number(value, &number))
        return ctl_describe_bytes(value);
    return format_number(form, number);
}

static void
add_attribute_to_json(const AttributeType *attribute, GBytes *value, JsonBuilder *builder)
{
    AttributeForm form = attribute->form;
    guint64 number;

    if (form == TEXT) {
        g_autofree char *text = read_text(value);
        ctl_json_add_text(builder, attribute->name, text);
    } else if (form == BYTES || !read_number(value, &number)) {
        ctl_json_add_bytes(builder, attribute->name, value);
    } else if (form == VERSION) {
        g_autofree char *version = format_number(form, number);
        ctl_json_add_text(builder, attribute->name, version);
    } else {
        ctl_json_add_number(builder, attribute->name, (gint64)number);
    }
}

/* Returns the values of attribute_types in order; NULL where the driver returned an error. */
static GPtrArray *
read_attributes(CtlSession *session, GError **error)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

    for (guint i = 0; i < G_N_ELEMENTS(attribute_types); i++) {
        g_autoptr(GError) call_error = NULL;
        GBytes *value = ctl_session_get_attribute(session, attribute_types[i].id, &call_error);
        if (!value &&
            !g_error_matches(call_error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_UNSUPPORTED_FEATURE) &&
            !g_error_matches(call_error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_NOT_TRANSACTED)) {
            g_propagate_error(error, g_steal_pointer(&call_error));
            return NULL;
        }
        g_ptr_array_add(values, value);
    }
    return g_steal_pointer(&values);
}

static void
print_attributes_as_json(GPtrArray *values, CtlOutput *output)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    for (guint i = 0; i < values->len; i++) {
        if (values->pdata[i])
            add_attribute_to_json(&attribute_types[i], values->pdata[i], builder);
    }
    json_builder_end_object(builder);
    g_autofree char *text = ctl_json_to_text(builder, TRUE);
    ctl_output_line(output, text);
}

static guint
measure_names(GPtrArray *values)
{
    guint width = 0;

    for (guint i = 0; i < values->len; i++) {
        if (values->pdata[i])
            width = MAX(width, ctl_text_width(attribute_types[i].name));
    }
    return width;
}

static char *
format_attribute_line(const AttributeType *attribute, GBytes *value, guint width, CtlOutput *output)
{
    g_autofree char *text = format_attribute_value(attribute, value);

    if (ctl_output_is_terminal(output)) {
        g_autofree char *padded = ctl_text_pad(attribute->name, width);
        return g_strchomp(g_strdup_printf("%s  %s", padded, text));
    }
    g_autofree char *hex = ctl_describe_hex(value);
    return ctl_text_join_fields(attribute->name, hex, text, NULL);
}

static void
print_attributes(GPtrArray *values, CtlOutput *output)
{
    guint width = measure_names(values);

    for (guint i = 0; i < values->len; i++) {
        if (!values->pdata[i])
            continue;
        g_autofree char *line =
            format_attribute_line(&attribute_types[i], values->pdata[i], width, output);
        ctl_output_line(output, line);
    }
}

static int
run_attributes(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CtlReader) reader = ctl_reader_choose(arguments, output, &error);
    g_autoptr(CtlSession) session = reader ? ctl_session_begin_direct(reader, &error) : NULL;
    g_autoptr(GPtrArray) values = session ? read_attributes(session, &error) : NULL;

    if (!values)
        return ctl_command_print_error(error);
    if (arguments->json)
        print_attributes_as_json(values, output);
    else
        print_attributes(values, output);
    return EXIT_SUCCESS;
}

const CtlCommand ctl_command_attributes = {
    .name = "attributes",
    .argument = N_("[READER]"),
    .summary = N_("Show the attributes that the reader's driver reports"),
    .description =
        N_("Shows the PC/SC attributes (SCARD_ATTR_*) that the driver supports. READER may\n"
           "be left out when there is only one.\n"
           "\n"
           "In a pipe or a file each line has three fields separated by tabs: the name of\n"
           "the attribute ('vendor-name' for SCARD_ATTR_VENDOR_NAME); its bytes in\n"
           "hexadecimal digits; and their meaning. An empty field is '-'.\n"
           "\n"
           "JSON is an object with the names as keys. Values are strings, numbers, or\n"
           "hexadecimal digits for bytes that are neither."),
    .reader = CTL_READER_MAYBE,
    .options = CTL_OPTION_TIMEOUT,
    .run = run_attributes,
};
