/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/usb-device.h"

#include <glib/gstdio.h>

#include "usb-fixture.h"

/* Returns the path of the reader with this name and address; empty if there is none. */
static char *
path_by_address(UsbFixture *tree, guint8 bus, guint8 address, const char *name)
{
    g_autoptr(ScdReaderName) parsed = scd_reader_name_parse(name);
    g_autoptr(ScdUsbDevice) device = scd_usb_tree_find_address(tree->root, bus, address);
    ScdUsbPath path;

    if (device == NULL || !scd_usb_device_find_interface(device, parsed, &path))
        return g_strdup("");
    return scd_usb_path_to_string(&path);
}

static void
assert_path_by_address(UsbFixture *tree, guint8 bus, guint8 address, const char *name,
                       const char *expected)
{
    g_autofree char *path = path_by_address(tree, bus, address, name);

    g_assert_cmpstr(path, ==, expected);
}

static void
assert_path_by_name(UsbFixture *tree, const char *name, const char *expected)
{
    g_autoptr(ScdReaderName) parsed = scd_reader_name_parse(name);
    ScdUsbPath path;
    g_autoptr(ScdUsbDevice) device = scd_usb_tree_find_name(tree->root, parsed, &path);

    g_test_message("%s", name);
    g_assert_cmpint(device != NULL, ==, expected != NULL);
    if (device == NULL)
        return;
    g_autofree char *text = scd_usb_path_to_string(&path);
    g_assert_cmpstr(text, ==, expected);
    g_assert_true(scd_usb_port_equal(&path.port, &device->port));
}

/* The four of the documentation of libccid, a hub behind a hub, and a bus number of two digits. */
static void
test_topologies(void)
{
    g_auto(UsbFixture) tree = {0};

    usb_fixture_init(&tree);
    usb_fixture_add_reader(&tree, "1-6", "4", "A");
    usb_fixture_add_hub(&tree, "1-3", "5");
    usb_fixture_add_reader(&tree, "1-3.1", "6", "B");
    usb_fixture_add_reader(&tree, "1-3.4", "7", "C");
    usb_fixture_add_hub(&tree, "1-3.2", "8");
    usb_fixture_add_reader(&tree, "1-3.2.1", "127", "D");
    usb_fixture_add_reader(&tree, "10-1", "6", "E");
    usb_fixture_add_reader(&tree, "11-6", "4", "F");

    assert_path_by_address(&tree, 1, 4, "X 00 00", "1-6:1.0");
    assert_path_by_address(&tree, 1, 6, "X 00 00", "1-3.1:1.0");
    assert_path_by_address(&tree, 1, 7, "X 00 00", "1-3.4:1.0");
    assert_path_by_address(&tree, 1, 127, "X 00 00", "1-3.2.1:1.0");
    assert_path_by_address(&tree, 10, 6, "X 00 00", "10-1:1.0");
    assert_path_by_address(&tree, 11, 4, "X 00 00", "11-6:1.0");
    assert_path_by_address(&tree, 1, 9, "X 00 00", "");
    assert_path_by_address(&tree, 2, 4, "X 00 00", "");

    assert_path_by_name(&tree, "X (A) 00 00", "1-6:1.0");
    assert_path_by_name(&tree, "X (B) 01 00", "1-3.1:1.0");
    assert_path_by_name(&tree, "X (D) 02 00", "1-3.2.1:1.0");
    assert_path_by_name(&tree, "X (E) 03 00", "10-1:1.0");
    assert_path_by_name(&tree, "X (G) 00 00", NULL);
}

/* Only the addresses of these readers differ, and they may swap their ports. */
static void
test_twins(void)
{
    g_auto(UsbFixture) tree = {0};

    usb_fixture_init(&tree);
    usb_fixture_add_reader(&tree, "1-1", "3", NULL);
    usb_fixture_add_reader(&tree, "1-2", "4", NULL);
    assert_path_by_address(&tree, 1, 3, "Gemplus USB SmartCard Reader 00 00", "1-1:1.0");
    assert_path_by_address(&tree, 1, 4, "Gemplus USB SmartCard Reader 01 00", "1-2:1.0");
    assert_path_by_name(&tree, "Gemplus USB SmartCard Reader 00 00", NULL);

    usb_fixture_set_device_attribute(&tree, "1-1", "devnum", "6");
    usb_fixture_set_device_attribute(&tree, "1-2", "devnum", "5");
    assert_path_by_address(&tree, 1, 5, "Gemplus USB SmartCard Reader 00 00", "1-2:1.0");
    assert_path_by_address(&tree, 1, 6, "Gemplus USB SmartCard Reader 01 00", "1-1:1.0");
    assert_path_by_address(&tree, 1, 3, "Gemplus USB SmartCard Reader 00 00", "");

    /* a vendor that uses one serial number for all devices */
    usb_fixture_set_device_attribute(&tree, "1-1", "serial", "1234");
    usb_fixture_set_device_attribute(&tree, "1-2", "serial", "1234");
    assert_path_by_name(&tree, "X (1234) 00 00", NULL);

    /* the tree changes while it is read: no result */
    usb_fixture_set_device_attribute(&tree, "1-2", "devnum", "6");
    assert_path_by_address(&tree, 1, 6, "X 00 00", "");
}

static void
test_four_slots(void)
{
    g_auto(UsbFixture) tree = {0};

    usb_fixture_init(&tree);
    usb_fixture_add_reader(&tree, "3-2", "7", "4711");
    for (guint slot = 0; slot < 4; slot++) {
        g_autofree char *name = g_strdup_printf("X (4711) 00 %02X", slot);

        assert_path_by_name(&tree, name, "3-2:1.0");
        assert_path_by_address(&tree, 3, 7, name, "3-2:1.0");
    }
}

static void
test_composite_devices(void)
{
    g_auto(UsbFixture) tree = {0};

    usb_fixture_init(&tree);
    usb_fixture_add_device(&tree, "1-5", "2", "0123456789ABCD");
    usb_fixture_add_interface(&tree, "1-5", ":1.0", "ff", "Broadcom USH");
    usb_fixture_add_interface(&tree, "1-5", ":1.1", "0b", "Contacted SmartCard");
    usb_fixture_add_interface(&tree, "1-5", ":1.2", "0b", "Contactless SmartCard");
    assert_path_by_name(&tree, "B [Contacted SmartCard] (0123456789ABCD) 00 00", "1-5:1.1");
    assert_path_by_name(&tree, "B [Contactless SmartCard] (0123456789ABCD) 01 00", "1-5:1.2");
    assert_path_by_name(&tree, "B [Broadcom USH] (0123456789ABCD) 01 00", NULL);
    assert_path_by_name(&tree, "B (0123456789ABCD) 01 00", NULL);
    assert_path_by_address(&tree, 1, 2, "B [Contacted SmartCard] (0) 00 00", "1-5:1.1");
    assert_path_by_address(&tree, 1, 2, "B [Contactless SmartCard] 00 00", "1-5:1.2");
    assert_path_by_address(&tree, 1, 2, "B [Broadcom USH] 00 00", "");
    assert_path_by_address(&tree, 1, 2, "B 00 00", "");

    /* two that cannot be distinguished */
    usb_fixture_add_device(&tree, "1-6", "3", "77");
    usb_fixture_add_interface(&tree, "1-6", ":1.0", "0b", "CCID");
    usb_fixture_add_interface(&tree, "1-6", ":1.3", "0b", "CCID");
    assert_path_by_address(&tree, 1, 3, "C [CCID] (77) 00 00", "");
    assert_path_by_name(&tree, "C [CCID] (77) 00 00", NULL);

    /* the only one of class 0b, whatever its name */
    usb_fixture_add_device(&tree, "1-7", "4", NULL);
    usb_fixture_add_interface(&tree, "1-7", ":1.0", "03", NULL);
    usb_fixture_add_interface(&tree, "1-7", ":1.4", "0B", NULL);
    assert_path_by_address(&tree, 1, 4, "D [x] 00 00", "1-7:1.4");

    /* a device older than class 0b */
    usb_fixture_add_device(&tree, "1-8", "5", NULL);
    usb_fixture_add_interface(&tree, "1-8", ":2.0", "ff", NULL);
    assert_path_by_address(&tree, 1, 5, "E 00 00", "1-8:2.0");
    assert_path_by_name(&tree, "Gemplus USB SmartCard Reader 01 00", "1-7:1.4");
}

/* The kernel has the device, but not yet, or no longer, its interfaces. */
static void
test_no_interface(void)
{
    g_auto(UsbFixture) tree = {0};

    usb_fixture_init(&tree);
    usb_fixture_add_device(&tree, "1-1", "3", "9");
    g_autoptr(ScdUsbDevice) device = scd_usb_tree_find_address(tree.root, 1, 3);

    g_assert_nonnull(device);
    assert_path_by_address(&tree, 1, 3, "X (9) 00 00", "");
    assert_path_by_name(&tree, "X (9) 00 00", NULL);
}

/* The conditions on a name for which there is only one reader. */
static void
test_names(void)
{
    g_auto(UsbFixture) tree = {0};

    usb_fixture_init(&tree);
    usb_fixture_add_reader(&tree, "1-1", "3", NULL);
    assert_path_by_name(&tree, "Gemplus USB SmartCard Reader 00 00", "1-1:1.0");
    assert_path_by_name(&tree, "Virtual PCD 00 00", NULL);
    assert_path_by_name(&tree, "USB SmartCard Reader 00 00", NULL);
    assert_path_by_name(&tree, "Gemplus USB SmartCard Reader", NULL);
    assert_path_by_name(&tree, "Gemplus USB SmartCard Reader (1) 00 00", NULL);
    assert_path_by_name(&tree, "Gemplus USB SmartCard Reader [CCID] 00 00", NULL);
    usb_fixture_remove_attribute(&tree, "1-1", "manufacturer");
    assert_path_by_name(&tree, "USB SmartCard Reader 00 00", "1-1:1.0");
    usb_fixture_remove_attribute(&tree, "1-1", "product");
    assert_path_by_name(&tree, "  00 00", NULL);
    assert_path_by_name(&tree, " 00 00", NULL);
    assert_path_by_name(&tree, "", NULL);

    usb_fixture_add_device(&tree, "1-2", "4", "55");
    usb_fixture_add_interface(&tree, "1-2", ":1.0", "0b", "Reader No. 55");
    assert_path_by_name(&tree, "X [Reader No. 55] 00 00", "1-2:1.0");
    assert_path_by_name(&tree, "X [Reader No. 55] (55) 00 00", NULL);
    assert_path_by_name(&tree, "X (55) 00 00", NULL);

    usb_fixture_add_reader(&tree, "1-3", "5", " padded ");
    assert_path_by_name(&tree, "X ( padded ) 00 00", "1-3:1.0");
    assert_path_by_name(&tree, "X (padded) 00 00", "1-3:1.0");
}

static void
test_unreadable_attributes(void)
{
    static const char *const addresses[] = {"", "-3", "three", "259", "3 3", "4294967299"};
    static const char *const attributes[] = {"devnum",  "idVendor", "idProduct", "manufacturer",
                                             "product", "serial",   "removable"};
    g_auto(UsbFixture) tree = {0};

    usb_fixture_init(&tree);
    usb_fixture_add_reader(&tree, "1-1", "3", "9");
    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
        usb_fixture_set_device_attribute(&tree, "1-1", "devnum", addresses[i]);
        assert_path_by_address(&tree, 1, 3, "X (9) 00 00", "");
        assert_path_by_address(&tree, 1, 0, "X (9) 00 00", "");
    }
    assert_path_by_name(&tree, "X (9) 00 00", "1-1:1.0");

    /* a directory cannot be read as a file, not even by root */
    for (gsize i = 0; i < G_N_ELEMENTS(attributes); i++) {
        g_autofree char *folder = usb_fixture_build_folder(&tree, "1-1");
        g_autofree char *path = g_build_filename(folder, attributes[i], NULL);

        g_remove(path);
        g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    }
    g_autoptr(ScdUsbDevice) device = usb_fixture_find_port(&tree, "1-1");
    g_assert_cmpuint(device->address + device->vendor_id + device->product_id, ==, 0);
    g_assert_cmpstr(device->manufacturer, ==, "");
    g_assert_cmpstr(device->product, ==, "");
    g_assert_cmpstr(device->serial, ==, "");
    g_assert_false(device->built_in);
}

/*
 * Links without a target, entries that are not ports, files instead of directories, the directory
 * of another device.
 */
static void
test_odd_entries(void)
{
    g_auto(UsbFixture) tree = {0};

    usb_fixture_init(&tree);
    usb_fixture_add_reader(&tree, "1-1", "3", "9");
    usb_fixture_make_link(&tree, "../../../devices/gone", "1-2");
    usb_fixture_make_link(&tree, "../../../devices/gone", "1-2:1.0");
    usb_fixture_make_link(&tree, "1-3", "1-3"); /* a loop */
    usb_fixture_make_link(&tree, "1-1", "usb1");
    usb_fixture_make_link(&tree, "1-1", "1-0");
    usb_fixture_make_link(&tree, "1-1", "256-1");
    g_autofree char *devices = g_build_filename(tree.root, USB_FIXTURE_DEVICES, NULL);
    usb_fixture_set_attribute(devices, "1-4", "a file");
    g_autofree char *folder = usb_fixture_build_folder(&tree, "1-1");
    usb_fixture_set_attribute(folder, "1-1:1.1", "a file");
    g_autofree char *foreign = g_build_filename(folder, "1-2:1.7", NULL);
    g_assert_cmpint(g_mkdir(foreign, 0700), ==, 0);
    usb_fixture_set_attribute(foreign, "bInterfaceClass", "0b");

    assert_path_by_address(&tree, 1, 3, "X (9) 00 00", "1-1:1.0");
    assert_path_by_name(&tree, "X (9) 00 00", "1-1:1.0");
    for (guint i = 2; i <= 5; i++) {
        g_autofree char *port = g_strdup_printf("1-%u", i);
        g_autoptr(ScdUsbDevice) device = usb_fixture_find_port(&tree, port);

        g_assert_null(device);
    }
}

static void
assert_list(const char *root, const char *expected)
{
    g_autoptr(GPtrArray) devices = scd_usb_tree_list(root);
    GString *ports = g_string_new(NULL);

    for (guint i = 0; i < devices->len; i++) {
        const ScdUsbDevice *device = devices->pdata[i];
        g_autofree char *port = scd_usb_port_to_string(&device->port);

        g_string_append_printf(ports, "%s%s", i == 0 ? "" : " ", port);
    }
    g_assert_cmpstr(ports->str, ==, expected);
    g_string_free(ports, TRUE);
}

/* Hubs come before the devices on them, and numbers are sorted by value. */
static void
test_list(void)
{
    static const char *const ports[] = {"10-1",    "1-3.10", "1-10", "2-1", "1-3.2.1",
                                        "1-3.9.1", "1-3.2",  "1-3",  "1-4", "1-3.9"};
    g_auto(UsbFixture) tree = {0};

    usb_fixture_init(&tree);
    assert_list(tree.root, "");
    for (gsize i = 0; i < G_N_ELEMENTS(ports); i++)
        usb_fixture_add_device(&tree, ports[i], "2", NULL);
    usb_fixture_make_link(&tree, "../../../devices/gone", "1-2");
    assert_list(tree.root, "1-3 1-3.2 1-3.2.1 1-3.9 1-3.9.1 1-3.10 1-4 1-10 2-1 10-1");
}

static void
test_no_tree(void)
{
    ScdUsbPort port;
    ScdUsbPath path;
    g_autoptr(ScdReaderName) name = scd_reader_name_parse("X (9) 00 00");

    g_assert_true(scd_usb_port_parse("1-1", &port));
    g_assert_null(scd_usb_tree_find_port("/nonexistent", &port));
    g_assert_null(scd_usb_tree_find_address("/nonexistent", 1, 3));
    g_assert_null(scd_usb_tree_find_name("/nonexistent", name, &path));
    assert_list("/nonexistent", "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/usb-tree/topologies", test_topologies);
    g_test_add_func("/usb-tree/twins", test_twins);
    g_test_add_func("/usb-tree/four-slots", test_four_slots);
    g_test_add_func("/usb-tree/composite-devices", test_composite_devices);
    g_test_add_func("/usb-tree/no-interface", test_no_interface);
    g_test_add_func("/usb-tree/names", test_names);
    g_test_add_func("/usb-tree/unreadable-attributes", test_unreadable_attributes);
    g_test_add_func("/usb-tree/odd-entries", test_odd_entries);
    g_test_add_func("/usb-tree/list", test_list);
    g_test_add_func("/usb-tree/no-tree", test_no_tree);
    return g_test_run();
}
