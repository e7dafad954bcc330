/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/usb-path.h"

#include <string.h>

#define CHANNEL_USB 0x0020
#define MAX_ADDRESS 127 /* USB 2.0, 9.4.6 */

static gboolean
take_character(const char **at, char sign)
{
    if (**at != sign)
        return FALSE;
    (*at)++;
    return TRUE;
}

static gboolean
take_number(const char **at, guint least, guint8 *number)
{
    guint value = 0;
    guint n_digits = 0;

    for (; n_digits < 3 && g_ascii_isdigit((*at)[n_digits]); n_digits++)
        value = 10 * value + (guint)g_ascii_digit_value((*at)[n_digits]);
    if (n_digits == 0 || value < least || value > G_MAXUINT8)
        return FALSE;
    if (**at == '0' && n_digits > 1)
        return FALSE;
    *at += n_digits;
    *number = (guint8)value;
    return TRUE;
}

static gboolean
take_port(const char **at, ScdUsbPort *port)
{
    if (!take_number(at, 1, &port->bus) || !take_character(at, '-'))
        return FALSE;
    do {
        if (port->n_ports == SCD_USB_MAX_DEPTH || !take_number(at, 1, &port->ports[port->n_ports]))
            return FALSE;
        port->n_ports++;
    } while (take_character(at, '.'));
    return TRUE;
}

gboolean
scd_usb_port_parse(const char *text, ScdUsbPort *port)
{
    ScdUsbPort parsed = {0};

    if (!take_port(&text, &parsed) || *text != '\0')
        return FALSE;
    *port = parsed;
    return TRUE;
}

gboolean
scd_usb_path_parse(const char *text, ScdUsbPath *path)
{
    ScdUsbPath parsed = {0};

    if (!take_port(&text, &parsed.port) || !take_character(&text, ':') ||
        !take_number(&text, 0, &parsed.configuration) || !take_character(&text, '.') ||
        !take_number(&text, 0, &parsed.interface) || *text != '\0')
        return FALSE;
    *path = parsed;
    return TRUE;
}

gboolean
scd_usb_path_parse_answer(const guint8 *answer, gsize length, ScdUsbPath *path)
{
    if (length == 0 || memchr(answer, '\0', length) != answer + length - 1)
        return FALSE;
    return scd_usb_path_parse((const char *)answer, path);
}

/*
 * Returns the numbers of the port with these separators: its text and its label differ only in
 * them.
 */
gboolean
scd_usb_address_parse_channel_id(const guint8 *bytes, gsize length, guint8 *bus, guint8 *address)
{
    if (length != 4 || (bytes[3] << 8 | bytes[2]) != CHANNEL_USB)
        return FALSE;
    if (bytes[1] == 0 || bytes[0] == 0 || bytes[0] > MAX_ADDRESS)
        return FALSE;
    *bus = bytes[1];
    *address = bytes[0];
    return TRUE;
}

static GString *
new_port_text(const ScdUsbPort *port, char after_bus, char between_ports)
{
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, "%u", port->bus);
    for (guint i = 0; i < port->n_ports; i++)
        g_string_append_printf(text, "%c%u", i == 0 ? after_bus : between_ports, port->ports[i]);
    return text;
}

char *
scd_usb_port_to_string(const ScdUsbPort *port)
{
    return g_string_free(new_port_text(port, '-', '.'), FALSE);
}

char *
scd_usb_path_to_string(const ScdUsbPath *path)
{
    GString *text = new_port_text(&path->port, '-', '.');

    g_string_append_printf(text, ":%u.%u", path->configuration, path->interface);
    return g_string_free(text, FALSE);
}

gboolean
scd_usb_port_equal(const ScdUsbPort *a, const ScdUsbPort *b)
{
    return a->bus == b->bus && a->n_ports == b->n_ports &&
           memcmp(a->ports, b->ports, a->n_ports) == 0;
}

gboolean
scd_usb_path_equal(const ScdUsbPath *a, const ScdUsbPath *b)
{
    return scd_usb_port_equal(&a->port, &b->port) && a->configuration == b->configuration &&
           a->interface == b->interface;
}

char *
scd_usb_path_to_label(const ScdUsbPath *path, guint slot)
{
    GString *label = new_port_text(&path->port, '_', '_');

    g_string_prepend(label, "usb_");
    if (path->interface != 0)
        g_string_append_printf(label, "_if%u", path->interface);
    if (slot != 0)
        g_string_append_printf(label, "_slot%u", slot);
    return g_string_free(label, FALSE);
}
