/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "usb-fixture.h"

#include <ftw.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
usb_fixture_init(UsbFixture *fixture)
{
    g_autofree char *devices = NULL;

    fixture->root = g_dir_make_tmp("scd-usb-XXXXXX", NULL);
    devices = g_build_filename(fixture->root, USB_FIXTURE_DEVICES, NULL);
    g_assert_cmpint(g_mkdir_with_parents(devices, 0700), ==, 0);
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    return remove(path);
}

void
usb_fixture_clear(UsbFixture *fixture)
{
    g_assert_cmpint(nftw(fixture->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
    g_free(fixture->root);
}

/*
 * Returns the directory as the kernel nests it: that of 1-3.1 is in that of 1-3, which is in that
 * of the bus.
 */
char *
usb_fixture_build_folder(UsbFixture *fixture, const char *port)
{
    GString *folder = g_string_new(fixture->root);

    g_string_append_printf(folder, "/devices/pci0000:00/usb%d", atoi(port));
    for (const char *at = port; at != NULL; at = strchr(at + 1, '.')) {
        const char *end = strchr(at + 1, '.');

        g_string_append_printf(folder, "/%.*s", (int)(end != NULL ? end - port : G_MAXINT), port);
    }
    return g_string_free(folder, FALSE);
}

void
usb_fixture_make_link(UsbFixture *fixture, const char *target, const char *name)
{
    g_autofree char *link = g_build_filename(fixture->root, USB_FIXTURE_DEVICES, name, NULL);

    g_assert_cmpint(symlink(target, link), ==, 0);
}

void
usb_fixture_set_attribute(const char *folder, const char *attribute, const char *text)
{
    g_autofree char *path = g_build_filename(folder, attribute, NULL);
    g_autofree char *line = g_strconcat(text, "\n", NULL);

    g_assert_true(g_file_set_contents(path, line, -1, NULL));
}

void
usb_fixture_set_device_attribute(UsbFixture *fixture, const char *port, const char *attribute,
                                 const char *text)
{
    g_autofree char *folder = usb_fixture_build_folder(fixture, port);

    usb_fixture_set_attribute(folder, attribute, text);
}

void
usb_fixture_add_interface(UsbFixture *fixture, const char *port, const char *end,
                          const char *class_code, const char *string)
{
    g_autofree char *device = usb_fixture_build_folder(fixture, port);
    g_autofree char *name = g_strconcat(port, end, NULL);
    g_autofree char *folder = g_build_filename(device, name, NULL);

    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    usb_fixture_make_link(fixture, folder, name);
    usb_fixture_set_attribute(folder, "bInterfaceClass", class_code);
    if (string != NULL)
        usb_fixture_set_attribute(folder, "interface", string);
}

void
usb_fixture_add_device(UsbFixture *fixture, const char *port, const char *address,
                       const char *serial)
{
    g_autofree char *folder = usb_fixture_build_folder(fixture, port);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    usb_fixture_make_link(fixture, folder, port);
    usb_fixture_set_attribute(folder, "devnum", address);
    usb_fixture_set_attribute(folder, "idVendor", "08e6");
    usb_fixture_set_attribute(folder, "idProduct", "3437");
    usb_fixture_set_attribute(folder, "manufacturer", "Gemplus");
    usb_fixture_set_attribute(folder, "product", "USB SmartCard Reader");
    if (serial != NULL)
        usb_fixture_set_attribute(folder, "serial", serial);
}

void
usb_fixture_add_reader(UsbFixture *fixture, const char *port, const char *address,
                       const char *serial)
{
    usb_fixture_add_device(fixture, port, address, serial);
    usb_fixture_add_interface(fixture, port, ":1.0", "0b", NULL);
}

void
usb_fixture_add_hub(UsbFixture *fixture, const char *port, const char *address)
{
    usb_fixture_add_device(fixture, port, address, NULL);
    usb_fixture_add_interface(fixture, port, ":1.0", "09", NULL);
}

void
usb_fixture_remove_attribute(UsbFixture *fixture, const char *port, const char *attribute)
{
    g_autofree char *folder = usb_fixture_build_folder(fixture, port);
    g_autofree char *path = g_build_filename(folder, attribute, NULL);

    g_assert_cmpint(g_remove(path), ==, 0);
}

ScdUsbDevice *
usb_fixture_find_port(UsbFixture *fixture, const char *text)
{
    ScdUsbPort port;

    g_assert_true(scd_usb_port_parse(text, &port));
    return scd_usb_tree_find_port(fixture->root, &port);
}
