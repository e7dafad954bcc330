/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/usb-device.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CLASS_CCID 0x0B
#define REPLACEMENT 0xFFFD

static gboolean
is_visible(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return FALSE;
    default:
        return TRUE;
    }
}

char *
scd_device_text_clean(const void *bytes, gsize length)
{
    g_autofree char *text = g_strndup(length > 0 ? bytes : "", length);
    g_autofree char *valid = g_utf8_make_valid(g_strstrip(text), -1);
    GString *clean = g_string_new(NULL);

    for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        g_string_append_unichar(clean, is_visible(c) ? c : REPLACEMENT);
    }
    return g_string_free(clean, FALSE);
}

/* The first read() returns the whole attribute, or a page of it. Returns -1 on errors. */
static gssize
read_bytes(const char *folder, const char *attribute, void *bytes, gsize room)
{
    g_autofree char *path = g_build_filename(folder, attribute, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    gssize length = read(fd, bytes, room);
    close(fd);
    return length;
}

static char *
read_attribute(const char *folder, const char *attribute)
{
    char bytes[SCD_USB_ATTRIBUTE_MAX + 1];
    gssize length = read_bytes(folder, attribute, bytes, sizeof bytes);

    if (length < 0 || length > SCD_USB_ATTRIBUTE_MAX)
        return g_strdup("");
    return scd_device_text_clean(bytes, (gsize)length);
}

static guint
read_number(const char *folder, const char *attribute, guint base, guint most)
{
    g_autofree char *text = read_attribute(folder, attribute);
    guint64 number;

    if (!g_ascii_string_to_unsigned(text, base, 0, most, &number, NULL))
        return 0;
    return (guint)number;
}

/* Its folder is the target of a link. */
static char *
read_driver(const char *folder)
{
    g_autofree char *link = g_build_filename(folder, "driver", NULL);
    g_autofree char *target = g_file_read_link(link, NULL);
    g_autofree char *name = target != NULL ? g_path_get_basename(target) : g_strdup("");

    return scd_device_text_clean(name, strlen(name));
}

static void
free_interface(gpointer data)
{
    ScdUsbInterface *interface = data;

    g_free(interface->name);
    g_free(interface->driver);
    g_free(interface);
}

/* The interfaces are the directories in the device's own whose names are USB paths. */
static GPtrArray *
read_interfaces(const char *folder, const ScdUsbPort *port)
{
    GPtrArray *interfaces = g_ptr_array_new_with_free_func(free_interface);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *entry;

    while (dir != NULL && (entry = g_dir_read_name(dir)) != NULL) {
        g_autofree char *inner = g_build_filename(folder, entry, NULL);
        ScdUsbPath path;

        if (!scd_usb_path_parse(entry, &path) || !scd_usb_port_equal(&path.port, port))
            continue;
        ScdUsbInterface *interface = g_new0(ScdUsbInterface, 1);
        interface->configuration = path.configuration;
        interface->number = path.interface;
        interface->is_ccid = read_number(inner, "bInterfaceClass", 16, G_MAXUINT8) == CLASS_CCID;
        interface->name = read_attribute(inner, "interface");
        interface->driver = read_driver(inner);
        g_ptr_array_add(interfaces, interface);
    }
    return interfaces;
}

static guint8
read_address(const char *folder)
{
    return (guint8)read_number(folder, "devnum", 10, G_MAXUINT8);
}

/* Returns the device of a directory, NULL if the directory does not exist. */
static ScdUsbDevice *
read_device(const char *folder, const ScdUsbPort *port)
{
    if (!g_file_test(folder, G_FILE_TEST_IS_DIR))
        return NULL;

    ScdUsbDevice *device = g_new0(ScdUsbDevice, 1);
    g_autofree char *removable = read_attribute(folder, "removable");

    device->port = *port;
    device->address = read_address(folder);
    device->vendor_id = (guint16)read_number(folder, "idVendor", 16, G_MAXUINT16);
    device->product_id = (guint16)read_number(folder, "idProduct", 16, G_MAXUINT16);
    device->manufacturer = read_attribute(folder, "manufacturer");
    device->product = read_attribute(folder, "product");
    device->serial = read_attribute(folder, "serial");
    device->built_in = g_str_equal(removable, "fixed");
    device->interfaces = read_interfaces(folder, port);
    return device;
}

void
scd_usb_device_free(ScdUsbDevice *device)
{
    if (device == NULL)
        return;
    g_free(device->manufacturer);
    g_free(device->product);
    g_free(device->serial);
    g_ptr_array_unref(device->interfaces);
    g_free(device);
}

static ScdUsbPath
get_path(const ScdUsbDevice *device, const ScdUsbInterface *interface)
{
    return (ScdUsbPath){device->port, interface->configuration, interface->number};
}

/* Both come from the same string of the device; only the kernel's text has been stripped. */
static gboolean
is_same_text(const char *in_name, const char *in_device)
{
    g_autofree char *clean = scd_device_text_clean(in_name, strlen(in_name));

    return g_str_equal(clean, in_device);
}

/* Returns the interfaces of class 0b, or all if there is none. */
static GPtrArray *
list_candidates(const ScdUsbDevice *device)
{
    GPtrArray *ccid = g_ptr_array_new();

    for (guint i = 0; i < device->interfaces->len; i++) {
        ScdUsbInterface *interface = device->interfaces->pdata[i];

        if (interface->is_ccid)
            g_ptr_array_add(ccid, interface);
    }
    if (ccid->len == 0)
        g_ptr_array_extend(ccid, device->interfaces, NULL, NULL);
    return ccid;
}

gboolean
scd_usb_device_find_interface(const ScdUsbDevice *device, const ScdReaderName *name,
                              ScdUsbPath *path)
{
    g_autoptr(GPtrArray) candidates = list_candidates(device);
    const ScdUsbInterface *found = NULL;

    for (guint i = 0; i < candidates->len; i++) {
        const ScdUsbInterface *interface = candidates->pdata[i];

        if (candidates->len > 1 && !is_same_text(name->interface, interface->name))
            continue;
        if (found != NULL)
            return FALSE;
        found = interface;
    }
    if (found == NULL)
        return FALSE;
    *path = get_path(device, found);
    return TRUE;
}

/* pcscd leaves out a serial number that the string of the interface contains. */
static const char *
get_serial_in_name(const ScdUsbDevice *device, const ScdUsbInterface *interface)
{
    return strstr(interface->name, device->serial) != NULL ? "" : device->serial;
}

/* The base comes from the driver's list of readers, which often has the strings of the device. */
static gboolean
is_device_name(const ScdUsbDevice *device, const char *base)
{
    g_autofree char *both = g_strconcat(device->manufacturer, " ", device->product, NULL);

    return device->product[0] != '\0' && is_same_text(base, g_strstrip(both));
}

/*
 * Returns whether pcscd may have given this name to the reader at this interface: the parts of the
 * name after the base agree, and at least one part of it comes from the device.
 */
static gboolean
may_be_named(const ScdUsbDevice *device, const ScdUsbInterface *interface,
             const ScdReaderName *name)
{
    const char *serial = get_serial_in_name(device, interface);

    if (!name->well_formed || !is_same_text(name->interface, interface->name) ||
        !is_same_text(name->serial, serial))
        return FALSE;
    return interface->name[0] != '\0' || serial[0] != '\0' || is_device_name(device, name->base);
}

#define DEVICES "bus/usb/devices"
#define DESCRIPTORS_MAX 4096 /* bytes; those of a reader are a few hundred */

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

    return read_device(folder, port);
}

gboolean
scd_usb_tree_read_ccid(const char *root, const ScdUsbPath *path, ScdCcid *ccid)
{
    g_autofree char *folder = build_device_folder(root, &path->port);
    guint8 bytes[DESCRIPTORS_MAX];
    gssize length = read_bytes(folder, "descriptors", bytes, sizeof bytes);

    return length > 0 &&
           scd_ccid_find(bytes, (gsize)length, path->configuration, path->interface, ccid);
}

guint8
scd_usb_tree_read_address(const char *root, const ScdUsbPort *port)
{
    g_autofree char *folder = build_device_folder(root, port);

    return read_address(folder);
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

        if (port->bus != bus || read_address(folder) != address)
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

        if (!interface->is_ccid || !may_be_named(device, interface, name))
            continue;
        *path = get_path(device, interface);
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

enum {
    TYPE_CONFIGURATION = 0x02,
    TYPE_INTERFACE = 0x04,
    TYPE_CCID = 0x21,
};

/* Bits of dwFeatures: the level of exchange. */
enum {
    LEVEL_TPDU = 0x00010000,
    LEVEL_SHORT_APDU = 0x00020000,
    LEVEL_EXTENDED_APDU = 0x00040000,
};

enum {
    LENGTH_CONFIGURATION = 9,
    LENGTH_INTERFACE = 9,
    LENGTH_CCID = 54,
};

static guint32
read_le32(const guint8 *bytes)
{
    return bytes[0] | (guint32)bytes[1] << 8 | (guint32)bytes[2] << 16 | (guint32)bytes[3] << 24;
}

gboolean
scd_ccid_find(const guint8 *descriptors, gsize length, guint8 configuration, guint8 interface,
              ScdCcid *ccid)
{
    gboolean in_configuration = FALSE, in_interface = FALSE;

    while (length >= 2 && descriptors[0] >= 2 && descriptors[0] <= length) {
        guint8 size = descriptors[0], type = descriptors[1];

        if (type == TYPE_CONFIGURATION && size >= LENGTH_CONFIGURATION) {
            in_configuration = descriptors[5] == configuration;
            in_interface = FALSE;
        } else if (type == TYPE_INTERFACE && size >= LENGTH_INTERFACE) {
            in_interface = in_configuration && descriptors[2] == interface;
        } else if (type == TYPE_CCID && size >= LENGTH_CCID && in_interface) {
            ccid->features = read_le32(descriptors + 40);
            ccid->lcd_layout = (guint16)(descriptors[50] | descriptors[51] << 8);
            return TRUE;
        }
        descriptors += size;
        length -= size;
    }
    return FALSE;
}

guint32
scd_ccid_command_max(const ScdCcid *ccid)
{
    if (ccid->features & (LEVEL_EXTENDED_APDU | LEVEL_TPDU))
        return SCD_CCID_EXTENDED_APDU_MAX;
    return ccid->features & LEVEL_SHORT_APDU ? SCD_CCID_SHORT_APDU_MAX : 0;
}
