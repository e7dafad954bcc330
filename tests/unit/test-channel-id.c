/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/channel-id.h"

static void
test_usb(void)
{
    static const struct {
        guint8 bytes[4];
        guint8 bus;
        guint8 address;
    } cases[] = {
        {{0x05, 0x01, 0x20, 0x00}, 1, 5},
        {{0x01, 0x0C, 0x20, 0x00}, 12, 1},
        {{0x7F, 0xFF, 0x20, 0x00}, 255, 127},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint8 bus;
        guint8 address;

        g_assert_true(scd_channel_id_parse_usb(cases[i].bytes, 4, &bus, &address));
        g_assert_cmpuint(bus, ==, cases[i].bus);
        g_assert_cmpuint(address, ==, cases[i].address);
    }
}

static void
test_refusals(void)
{
    static const struct {
        gsize length;
        guint8 bytes[8];
    } cases[] = {
        {0, {0}},
        {3, {0x05, 0x01, 0x20}},
        {5, {0x05, 0x01, 0x20, 0x00, 0x00}},
        {8, {0x05, 0x01, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00}},
        {4, {0x05, 0x01, 0x01, 0x00}}, /* a serial port */
        {4, {0x05, 0x01, 0x20, 0x01}},
        {4, {0x00, 0x20, 0x01, 0x05}}, /* the highest byte first */
        {4, {0x05, 0x00, 0x20, 0x00}},
        {4, {0x00, 0x01, 0x20, 0x00}},
        {4, {0x80, 0x01, 0x20, 0x00}},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree guint8 *bytes = g_memdup2(cases[i].bytes, cases[i].length);
        guint8 bus = 99;
        guint8 address = 99;

        g_test_message("case %" G_GSIZE_FORMAT, i);
        g_assert_false(scd_channel_id_parse_usb(bytes, cases[i].length, &bus, &address));
        g_assert_cmpuint(bus, ==, 99);
        g_assert_cmpuint(address, ==, 99);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/channel-id/usb", test_usb);
    g_test_add_func("/channel-id/refusals", test_refusals);
    return g_test_run();
}
