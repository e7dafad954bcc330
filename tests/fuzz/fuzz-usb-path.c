/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as a USB port or path, any bytes as answers of a driver: accepted input has one form. */

#include "base/usb-path.h"

#include <string.h>

#include "fuzz.h"

static void
check_port(const char *text)
{
    ScdUsbPort port;

    if (!scd_usb_port_parse(text, &port))
        return;
    g_autofree char *again = scd_usb_port_to_string(&port);
    g_assert_cmpstr(again, ==, text);
    g_assert_true(port.n_ports >= 1 && port.n_ports <= SCD_USB_MAX_DEPTH);
}

static void
check_label(const ScdUsbPath *path)
{
    g_autofree char *label = scd_usb_path_to_label(path, path->configuration);

    g_assert_true(g_str_has_prefix(label, "usb_"));
    for (const char *at = label; *at != '\0'; at++)
        g_assert_true(g_ascii_isalnum(*at) || *at == '_');
}

static gboolean
check_path(const char *text)
{
    ScdUsbPath path;

    if (!scd_usb_path_parse(text, &path))
        return FALSE;
    g_autofree char *again = scd_usb_path_to_string(&path);
    g_assert_cmpstr(again, ==, text);
    check_label(&path);
    return TRUE;
}

static void
check_channel_id(const guint8 *data, gsize size)
{
    guint8 bus = 0;
    guint8 address = 0;
    gboolean is_usb = scd_usb_address_parse_channel_id(data, size, &bus, &address);

    g_assert_cmpint(is_usb, ==, bus != 0);
    g_assert_cmpint(is_usb, ==, address != 0);
    g_assert_cmpuint(address, <=, 127);
    if (!is_usb)
        return;
    const guint8 again[] = {address, bus, 0x20, 0};
    g_assert_cmpmem(data, size, again, sizeof again);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = scd_fuzz_dup_text(data, size);
    ScdUsbPath path;

    check_channel_id(data, size);
    check_port(text);
    gboolean is_path = check_path(text);
    gboolean is_whole = size == strlen(text) + 1; /* the NUL is the last byte */
    g_assert_cmpint(scd_usb_path_parse_answer(data, size, &path), ==, is_path && is_whole);
    return 0;
}
