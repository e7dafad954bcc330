/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/driver-list.h"

#include <glib/gstdio.h>
#include <string.h>

#include "usb-fixture.h"

#define HEAD                                                                                 \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                           \
    "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://example.org/p.dtd\">\n" \
    "<plist version=\"1.0\">\n<dict>\n"
#define IDS(key, ids) "<key>" key "</key>\n<array>\n" ids "</array>\n"
#define ID(id) "\t<string>" id "</string>\n"
#define TAIL "</dict>\n</plist>\n"

static ScdDriverList *
read_text(const char *text)
{
    ScdDriverList *list = scd_driver_list_new();
    /* A copy of the exact length, so that a sanitizer detects a read past the end. */
    g_autofree char *copy = g_memdup2(text, strlen(text));

    scd_driver_list_add(list, copy, strlen(text));
    return list;
}

/* A device of the vendor 08e6 with one interface. */
static void
assert_drives(const ScdDriverList *list, const char *class_code, guint16 product_id,
              gboolean has_driver, gboolean is_reader)
{
    g_auto(UsbFixture) usb = {0};
    g_autofree char *product = g_strdup_printf("%04x", product_id);

    usb_fixture_init(&usb);
    usb_fixture_add_device(&usb, "1-1", "2", NULL);
    usb_fixture_set_device_attribute(&usb, "1-1", "idVendor", "08e6");
    usb_fixture_set_device_attribute(&usb, "1-1", "idProduct", product);
    usb_fixture_add_interface(&usb, "1-1", ":1.0", class_code, NULL);
    g_autoptr(ScdUsbDevice) device = usb_fixture_find_port(&usb, "1-1");
    g_assert_cmpint(scd_driver_list_drives(list, device), ==, has_driver);
    g_assert_cmpint(scd_driver_list_is_reader(list, device), ==, is_reader);
}

static void
test_ids(void)
{
    g_autoptr(ScdDriverList) list =
        read_text(HEAD "<key>CFBundleName</key><string>ACS</string>\n" IDS(
            "ifdVendorID", ID("0x072F") "<!-- <string>0x0001</string> -->\n" ID(" 0x0c4b "))
                      IDS("ifdProductID", ID("0x9000") ID("0x0500"))
                          IDS("ifdFriendlyName", ID("ACR 38") ID("cyberJack &amp; Co")) TAIL);

    g_assert_true(scd_driver_list_has_device(list, 0x072F, 0x9000));
    g_assert_true(scd_driver_list_has_device(list, 0x0C4B, 0x0500));
    g_assert_false(scd_driver_list_has_device(list, 0x072F, 0x0500));
    g_assert_false(scd_driver_list_has_device(list, 0x0001, 0x0500));
    g_assert_false(scd_driver_list_has_device(list, 0, 0));
    assert_drives(list, "0b", 0x1, FALSE, TRUE);
}

static void
test_single_values(void)
{
    g_autoptr(ScdDriverList) list =
        read_text(HEAD "<key>CFBundleName</key>\n<string>CCIDCLASSDRIVER</string>\n"
                       "<key>ifdVendorID</key><string>0x08E6</string>\n"
                       "<key>ifdProductID</key><string>0x3437</string>\n" TAIL);

    g_assert_true(scd_driver_list_has_device(list, 0x08E6, 0x3437));
    assert_drives(list, "0b", 0x1, TRUE, TRUE);
    assert_drives(list, "ff", 0x1, FALSE, FALSE);
    assert_drives(list, "ff", 0x3437, TRUE, TRUE);
}

/* One id that is not valid does not shift the others. */
static void
test_invalid_id(void)
{
    g_autoptr(ScdDriverList) list =
        read_text(HEAD IDS("ifdVendorID", ID("x") ID("0x10000") ID("0x0003"))
                      IDS("ifdProductID", ID("0x0011") ID("0x0012") ID("0x0013") ID("4")) TAIL);

    g_assert_true(scd_driver_list_has_device(list, 3, 0x13));
    g_assert_false(scd_driver_list_has_device(list, 3, 0x11));
}

static void
test_any_text(void)
{
    const char *const texts[] = {"",         "x",    "<plist>",  "<key>ifdVendorID",
                                 "\xFF\xFE", "<a/>", "</plist>", "<string>0x1</string>"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(ScdDriverList) list = read_text(texts[i]);

        g_assert_false(scd_driver_list_has_device(list, 1, 1));
    }
    /* The ids before the error count. */
    g_autoptr(ScdDriverList) list = read_text(HEAD IDS("ifdVendorID", ID("0x1"))
                                                  IDS("ifdProductID", ID("0x2")) "<key>a</key><&");
    g_assert_true(scd_driver_list_has_device(list, 1, 2));
}

static void
write_driver(const char *folder, const char *name, const char *text)
{
    g_autofree char *contents = g_build_filename(folder, name, "Contents", NULL);
    g_autofree char *path = g_build_filename(contents, "Info.plist", NULL);

    g_assert_cmpint(g_mkdir_with_parents(contents, 0700), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
remove_driver(const char *folder, const char *name)
{
    g_autofree char *bundle = g_build_filename(folder, name, NULL);
    g_autofree char *contents = g_build_filename(bundle, "Contents", NULL);
    g_autofree char *path = g_build_filename(contents, "Info.plist", NULL);

    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(contents), ==, 0);
    g_assert_cmpint(g_rmdir(bundle), ==, 0);
}

static void
test_folder(void)
{
    g_autofree char *folder = g_dir_make_tmp(NULL, NULL);
    g_autoptr(ScdDriverList) list = scd_driver_list_new();

    write_driver(folder, "a.bundle",
                 HEAD IDS("ifdVendorID", ID("0x1")) IDS("ifdProductID", ID("0x2")) TAIL);
    write_driver(folder, "b.bundle",
                 HEAD IDS("ifdVendorID", ID("0x3")) IDS("ifdProductID", ID("0x4")) TAIL);
    write_driver(folder, "c.bundle.bak",
                 HEAD IDS("ifdVendorID", ID("0x5")) IDS("ifdProductID", ID("0x6")) TAIL);
    scd_driver_list_add_folder(list, folder);
    g_assert_true(scd_driver_list_has_device(list, 1, 2));
    g_assert_true(scd_driver_list_has_device(list, 3, 4));
    g_assert_false(scd_driver_list_has_device(list, 5, 6));
    remove_driver(folder, "a.bundle");
    remove_driver(folder, "b.bundle");
    remove_driver(folder, "c.bundle.bak");
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    scd_driver_list_add_folder(list, folder); /* a missing folder is no error */
}

static gboolean
has_now(const char *folder, guint16 vendor_id, guint16 product_id)
{
    g_autoptr(ScdDriverList) list = scd_driver_list_get(folder);

    return scd_driver_list_has_device(list, vendor_id, product_id);
}

/* A list that somebody has stays as it is when files change. */
static void
test_changes(void)
{
    g_autofree char *folder = g_dir_make_tmp("driver-list-XXXXXX", NULL);

    g_assert_false(has_now(folder, 1, 2));
    write_driver(folder, "a.bundle",
                 HEAD IDS("ifdVendorID", ID("0x1")) IDS("ifdProductID", ID("0x2")) TAIL);
    g_assert_true(has_now(folder, 1, 2));
    g_autoptr(ScdDriverList) first = scd_driver_list_get(folder);
    g_autoptr(ScdDriverList) second = scd_driver_list_get(folder);
    g_assert_true(first == second);
    write_driver(folder, "a.bundle",
                 HEAD IDS("ifdVendorID", ID("0x3")) IDS("ifdProductID", ID("0x4")) TAIL);
    g_assert_false(has_now(folder, 1, 2));
    g_assert_true(has_now(folder, 3, 4));
    g_assert_true(scd_driver_list_has_device(first, 1, 2));
    remove_driver(folder, "a.bundle");
    g_assert_false(has_now(folder, 3, 4));
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_assert_false(has_now(folder, 3, 4));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/driver-list/ids", test_ids);
    g_test_add_func("/driver-list/single-values", test_single_values);
    g_test_add_func("/driver-list/invalid-id", test_invalid_id);
    g_test_add_func("/driver-list/any-text", test_any_text);
    g_test_add_func("/driver-list/folder", test_folder);
    g_test_add_func("/driver-list/changes", test_changes);
    return g_test_run();
}
