/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/usb-device.h"

#include <string.h>

#include "usb-fixture.h"

#define BAD "\xEF\xBF\xBD" /* U+FFFD */

static void
test_text_clean(void)
{
    static const struct {
        const char *text;
        const char *clean;
    } cases[] = {
        {"", ""},
        {"SCM SPR 532", "SCM SPR 532"},
        {"Lecteur \xC3\xA9tudiant\n", "Lecteur \xC3\xA9tudiant"},
        {" \t two  spaces \r\n", "two  spaces"},
        {"\n\n", ""},
        {"a\nb", "a" BAD "b"},
        {"\x1B[31mred\x7F", BAD "[31mred" BAD},
        {"bad \xFF\xC3", "bad " BAD BAD},
        {"\xC0\xAF", BAD BAD}, /* an overlong "/" */
        {"a\xC2\x85z", "a" BAD "z"},
        {"1\xE2\x80\xAE"
         "2",
         "1" BAD "2"}, /* U+202E, from right to left */
        {"1\xE2\x80\x8B"
         "2",
         "1" BAD "2"}, /* U+200B, invisible */
        {"1\xE2\x80\xA8"
         "2\xE2\x80\xA9"
         "3",
         "1" BAD "2" BAD "3"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gsize length = strlen(cases[i].text);
        g_autofree char *bytes = g_memdup2(cases[i].text, length); /* without a NUL at the end */
        g_autofree char *clean = scd_device_text_clean(bytes, length);

        g_assert_cmpstr(clean, ==, cases[i].clean);
    }
}

static void
test_text_nul(void)
{
    static const char bytes[] = "Reader \0secret";
    g_autofree char *clean = scd_device_text_clean(bytes, sizeof bytes - 1);

    g_assert_cmpstr(clean, ==, "Reader");
}

static void
test_text_nothing(void)
{
    g_autofree char *clean = scd_device_text_clean(NULL, 0);

    g_assert_cmpstr(clean, ==, "");
}

static void
test_text_any_bytes(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(9);

    for (guint round = 0; round < 20000; round++) {
        gsize length = (gsize)g_rand_int_range(rand, 0, 40);
        g_autofree char *bytes = g_malloc(length);
        for (gsize i = 0; i < length; i++)
            bytes[i] = (char)g_rand_int_range(rand, 1, 256);
        g_autofree char *clean = scd_device_text_clean(bytes, length);
        g_autofree char *again = scd_device_text_clean(clean, strlen(clean));

        g_assert_true(g_utf8_validate(clean, -1, NULL));
        for (const char *at = clean; *at != '\0'; at = g_utf8_next_char(at))
            g_assert_false(g_unichar_iscntrl(g_utf8_get_char(at)));
        g_assert_cmpstr(again, ==, clean);
    }
}

static void
test_facts(void)
{
    g_auto(UsbFixture) tree = {0};

    usb_fixture_init(&tree);
    usb_fixture_add_reader(&tree, "2-1.3", "9", "0001");
    usb_fixture_set_device_attribute(&tree, "2-1.3", "removable", "fixed");
    usb_fixture_add_device(&tree, "2-2", "10", NULL);
    usb_fixture_set_device_attribute(&tree, "2-2", "removable", "removable");

    g_autoptr(ScdUsbDevice) device = usb_fixture_find_port(&tree, "2-1.3");
    g_assert_nonnull(device);
    g_assert_cmpuint(device->port.bus, ==, 2);
    g_assert_cmpuint(device->address, ==, 9);
    g_assert_cmphex(device->vendor_id, ==, 0x08E6);
    g_assert_cmphex(device->product_id, ==, 0x3437);
    g_assert_cmpstr(device->manufacturer, ==, "Gemplus");
    g_assert_cmpstr(device->product, ==, "USB SmartCard Reader");
    g_assert_cmpstr(device->serial, ==, "0001");
    g_assert_true(device->built_in);
    g_assert_cmpuint(device->interfaces->len, ==, 1);

    g_autoptr(ScdUsbDevice) other = usb_fixture_find_port(&tree, "2-2");
    g_assert_nonnull(other);
    g_assert_cmpstr(other->serial, ==, "");
    g_assert_false(other->built_in);
    g_assert_cmpuint(other->interfaces->len, ==, 0);

    g_autoptr(ScdUsbDevice) hub =
        usb_fixture_find_port(&tree, "2-1"); /* not a link, only a directory on the path */
    g_assert_null(hub);
}

static void
test_hostile_attributes(void)
{
    g_autofree char *longest = g_strnfill(SCD_USB_ATTRIBUTE_MAX - 1, 'a');
    g_autofree char *too_long = g_strnfill(100000, 'a');
    g_auto(UsbFixture) tree = {0};

    usb_fixture_init(&tree);
    usb_fixture_add_reader(&tree, "1-1", "3", longest);
    usb_fixture_set_device_attribute(&tree, "1-1", "manufacturer", "evil\x1B[2J\n\xFF corp");
    usb_fixture_set_device_attribute(&tree, "1-1", "product", too_long);
    usb_fixture_set_device_attribute(&tree, "1-1", "idVendor", "0x08e6");
    usb_fixture_set_device_attribute(&tree, "1-1", "idProduct", "13437");
    usb_fixture_set_device_attribute(&tree, "1-1", "removable", "fixed, perhaps");

    g_autoptr(ScdUsbDevice) device = usb_fixture_find_port(&tree, "1-1");
    g_assert_cmpstr(device->serial, ==, longest);
    g_assert_cmpstr(device->manufacturer, ==, "evil\xEF\xBF\xBD[2J\xEF\xBF\xBD\xEF\xBF\xBD corp");
    g_assert_cmpstr(device->product, ==, "");
    g_assert_cmphex(device->vendor_id, ==, 0);
    g_assert_cmphex(device->product_id, ==, 0);
    g_assert_false(device->built_in);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/usb-device/text-clean", test_text_clean);
    g_test_add_func("/usb-device/text-nul", test_text_nul);
    g_test_add_func("/usb-device/text-nothing", test_text_nothing);
    g_test_add_func("/usb-device/text-any-bytes", test_text_any_bytes);
    g_test_add_func("/usb-device/facts", test_facts);
    g_test_add_func("/usb-device/hostile-attributes", test_hostile_attributes);
    return g_test_run();
}
