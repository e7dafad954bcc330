/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/usb-tree.h"

#include <string.h>

#define DEVICES "bus/usb/devices"

static char *
build_device_folder(const char *root, const ScdUsbPort *port)
{
    g_autofree char *text = scd_usb_port_to_string(port);

    return g_build_filename(root, DEVICES, text, NULL);
}

ScdUsbDevice *
scd_usb_tree_find_port(const char *root, const ScdUsbPort *port)
{
    g_autofree char *folder = build_device_folder(root, port);

    return scd_usb_device_read(folder, port);
}

guint8
scd_usb_tree_read_address(const char *root, const ScdUsbPort *port)
{
    g_autofree char *folder = build_device_folder(root, port);

    return scd_usb_device_read_address(folder);
}

/* Returns an array of ScdUsbPort. Root hubs are left out: they have no port. */
static GArray *
list_ports(const char *root)
{
    GArray *ports = g_array_new(FALSE, FALSE, sizeof(ScdUsbPort));
    g_autofree char *devices = g_build_filename(root, DEVICES, NULL);
    g_autoptr(GDir) dir = g_dir_open(devices, 0, NULL);
    const char *entry;

    while (dir != NULL && (entry = g_dir_read_name(dir)) != NULL) {
        ScdUsbPort port;

        if (scd_usb_port_parse(entry, &port))
            g_array_append_val(ports, port);
    }
    return ports;
}

static int
compare_ports(gconstpointer a, gconstpointer b)
{
    const ScdUsbPort *left = a;
    const ScdUsbPort *right = b;

    if (left->bus != right->bus)
        return left->bus - right->bus;
    return memcmp(left->ports, right->ports, sizeof left->ports);
}

static void
free_device(gpointer data)
{
    scd_usb_device_free(data);
}

GPtrArray *
scd_usb_tree_list(const char *root)
{
    g_autoptr(GArray) ports = list_ports(root);
    GPtrArray *devices = g_ptr_array_new_with_free_func(free_device);

    g_array_sort(ports, compare_ports);
    for (guint i = 0; i < ports->len; i++) {
        ScdUsbDevice *device = scd_usb_tree_find_port(root, &g_array_index(ports, ScdUsbPort, i));
        if (device != NULL)
            g_ptr_array_add(devices, device);
    }
    return devices;
}

ScdUsbDevice *
scd_usb_tree_find_address(const char *root, guint8 bus, guint8 address)
{
    g_autoptr(GArray) ports = list_ports(root);
    const ScdUsbPort *found = NULL;

    if (address == 0) /* the value of devices without a known address */
        return NULL;
    for (guint i = 0; i < ports->len; i++) {
        const ScdUsbPort *port = &g_array_index(ports, ScdUsbPort, i);
        g_autofree char *folder = build_device_folder(root, port);

        if (port->bus != bus || scd_usb_device_read_address(folder) != address)
            continue;
        if (found != NULL)
            return NULL;
        found = port;
    }
    return found != NULL ? scd_usb_tree_find_port(root, found) : NULL;
}

/* Returns the number of interfaces that may have this name, and sets path to one of them. */
static guint
count_matching_interfaces(const ScdUsbDevice *device, const ScdReaderName *name, ScdUsbPath *path)
{
    guint n_named = 0;

    for (guint i = 0; i < device->interfaces->len; i++) {
        const ScdUsbInterface *interface = device->interfaces->pdata[i];

        if (!interface->is_ccid || !scd_usb_device_may_be_named(device, interface, name))
            continue;
        *path = scd_usb_device_path_of(device, interface);
        n_named++;
    }
    return n_named;
}

ScdUsbDevice *
scd_usb_tree_find_name(const char *root, const ScdReaderName *name, ScdUsbPath *path)
{
    g_autoptr(GArray) ports = list_ports(root);
    g_autoptr(ScdUsbDevice) found = NULL;
    ScdUsbPath found_path;
    guint n_named = 0;

    for (guint i = 0; i < ports->len; i++) {
        g_autoptr(ScdUsbDevice) device =
            scd_usb_tree_find_port(root, &g_array_index(ports, ScdUsbPort, i));
        guint n_more = device != NULL ? count_matching_interfaces(device, name, &found_path) : 0;

        n_named += n_more;
        if (n_named > 1)
            return NULL;
        if (n_more == 1)
            found = g_steal_pointer(&device);
    }
    if (found != NULL)
        *path = found_path;
    return g_steal_pointer(&found);
}
