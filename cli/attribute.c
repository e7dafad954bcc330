/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "attribute.h"

#include <string.h>

#include "describe.h"
#include "json.h"
#include "text.h"

typedef enum {
    BYTES,
    TEXT,
    NUMBER,
    BITS, /* a number that makes more sense in hexadecimal digits */
    KHZ,  /* numbers with a unit */
    BIT_S,
    VERSION, /* 0xMMmmbbbb: major, minor, build */
} Form;

const CtlAttribute ctl_attributes[] = {
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
const guint ctl_n_attributes = G_N_ELEMENTS(ctl_attributes);

/* Up to the first NUL byte; what is no UTF-8 in it is replaced. */
static char *
read_text(GBytes *value)
{
    gsize length;
    const char *bytes = g_bytes_get_data(value, &length);

    return length > 0 ? g_utf8_make_valid(bytes, (gssize)strnlen(bytes, length)) : g_strdup("");
}

/* As the machine has it, of the width that the driver chose. FALSE when there is no such width. */
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
number_to_text(Form form, guint64 number)
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

char *
ctl_attribute_to_text(const CtlAttribute *attribute, GBytes *value)
{
    Form form = (Form)attribute->form;
    guint64 number;

    if (form == TEXT) {
        g_autofree char *text = read_text(value);
        return ctl_text_escape(text, FALSE);
    }
    if (form == BYTES || !read_number(value, &number))
        return ctl_describe_bytes(value);
    return number_to_text(form, number);
}

void
ctl_attribute_to_json(const CtlAttribute *attribute, GBytes *value, JsonBuilder *builder)
{
    Form form = (Form)attribute->form;
    guint64 number;

    if (form == TEXT) {
        g_autofree char *text = read_text(value);
        ctl_json_add_text(builder, attribute->name, text);
    } else if (form == BYTES || !read_number(value, &number)) {
        ctl_json_add_bytes(builder, attribute->name, value);
    } else if (form == VERSION) {
        g_autofree char *version = number_to_text(form, number);
        ctl_json_add_text(builder, attribute->name, version);
    } else {
        ctl_json_add_number(builder, attribute->name, (gint64)number);
    }
}
