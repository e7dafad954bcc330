/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/manager.h"

#include "base/driver-list.h"
#include "config.h"

/* A program that has opened the interface, as pcscd does, and no driver of the kernel. */
#define DRIVER_OF_PROGRAMS "usbfs"

/* Versions of pcscd before 2.5 serve as many readers at most. */
#define OLD_READERS_MAX 16

struct ScdUnserved {
    ScdUnservedParts parts;
    ScdThreadCalls *calls;
};

/* A USB device that looks like a reader. */
typedef struct {
    ScdUsbDevice *device;
    gboolean has_driver; /* of pcscd */
} ReaderDevice;

/* The readers of pcscd. */
typedef struct {
    const ScdUnserved *unserved;
    const ReaderDevice *device;
    guint n_readers;
    gboolean is_served;
    const ScdReaderRule *ignored_by; /* NULL if the device is not ignored */
} ReaderSearch;

static void
free_reader_device(gpointer data)
{
    ReaderDevice *found = data;

    scd_usb_device_free(found->device);
    g_free(found);
}

/* Returns an array of ReaderDevice. */
static gpointer
list_devices_in_thread(const char *sysfs)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(free_reader_device);
    g_autoptr(ScdDriverList) drivers = scd_driver_list_get(DRIVERS);
    g_autoptr(GPtrArray) devices = scd_usb_tree_list(sysfs);

    g_ptr_array_set_free_func(devices, NULL);
    for (guint i = 0; i < devices->len; i++) {
        ScdUsbDevice *device = devices->pdata[i];

        if (!scd_driver_list_is_reader(drivers, device)) {
            scd_usb_device_free(device);
            continue;
        }
        ReaderDevice *reader = g_new0(ReaderDevice, 1);
        reader->device = device;
        reader->has_driver = scd_driver_list_drives(drivers, device);
        g_ptr_array_add(found, reader);
    }
    return found;
}

static void
free_devices(gpointer devices)
{
    g_ptr_array_unref(devices);
}

/* A reader whose port is not known may be any device with its ids. */
static gboolean
may_be_device(const ScdIdentity *reader, const ScdUsbDevice *device)
{
    if (reader->has_usb_path)
        return scd_usb_port_equal(&reader->usb_path.port, &device->port);
    if (reader->in_kernel)
        return scd_usb_port_equal(&reader->usb_port, &device->port);
    return reader->vendor_id != 0 && reader->vendor_id == device->vendor_id &&
           reader->product_id == device->product_id;
}

static void
compare_reader(const ScdIdentity *reader, gpointer data)
{
    ReaderSearch *search = data;

    search->n_readers++;
    if (!reader || !may_be_device(reader, search->device->device))
        return;
    const ScdReaderRule *rule =
        scd_reader_rules_find_ignoring((*search->unserved->parts.settings)->rules, reader);
    if (rule)
        search->ignored_by = rule;
    else
        search->is_served = TRUE;
}

/* Returns the driver of the kernel that has the interfaces of the reader, NULL if one is free. */
static const char *
find_kernel_driver(const ScdUsbDevice *device, const char **of_programs)
{
    const char *driver = NULL;
    gboolean has_ccid = FALSE;

    for (guint i = 0; i < device->interfaces->len; i++)
        has_ccid |= ((const ScdUsbInterface *)device->interfaces->pdata[i])->is_ccid;
    for (guint i = 0; i < device->interfaces->len; i++) {
        const ScdUsbInterface *interface = device->interfaces->pdata[i];

        if (has_ccid && !interface->is_ccid)
            continue;
        if (g_str_equal(interface->driver, DRIVER_OF_PROGRAMS))
            *of_programs = interface->driver;
        if (*interface->driver == '\0' || *of_programs)
            return NULL;
        driver = interface->driver;
    }
    return driver;
}

/* Sets the message in English. Returns the word. */
static const char *
find_reason(const ScdUnserved *unserved, const ReaderSearch *search, const char *kernel_driver,
            const char *of_programs, char **message)
{
    if (search->ignored_by) {
        *message = g_strdup_printf("[Reader %s] in %s has Ignore=yes", search->ignored_by->label,
                                   search->ignored_by->place);
        return "ignored";
    }
    if (*unserved->parts.trouble) {
        *message = g_strdup(*unserved->parts.trouble);
        return "no-service";
    }
    if (kernel_driver) {
        *message = g_strdup_printf(
            "the driver %s of the kernel has the device: unload it (modprobe -r %s), and write "
            "'blacklist %s' into a file in /etc/modprobe.d",
            kernel_driver, kernel_driver, kernel_driver);
        return "kernel-driver";
    }
    if (!search->device->has_driver) {
        *message = g_strdup("no driver of pcscd is installed for the device: install the one of "
                            "its maker");
        return "no-driver";
    }
    if (of_programs) {
        *message = g_strdup("another program has the device, such as gpg (scdaemon) or a virtual "
                            "machine, or pcscd is still opening it");
        return "other-program";
    }
    if (search->n_readers == OLD_READERS_MAX) {
        *message = g_strdup_printf("pcscd has %u readers, and versions before 2.5 allow no more",
                                   search->n_readers);
        return "reader-limit";
    }
    *message = g_strdup("pcscd has not opened the device: see journalctl -u pcscd");
    return "unknown";
}

static GVariant *
describe_device(const ScdUnserved *unserved, const ReaderSearch *search)
{
    const ScdUsbDevice *device = search->device->device;
    g_autofree char *port = scd_usb_port_to_string(&device->port);
    g_autofree char *message = NULL;
    const char *of_programs = NULL;
    const char *kernel_driver = find_kernel_driver(device, &of_programs);
    const char *reason = find_reason(unserved, search, kernel_driver, of_programs, &message);
    GVariantBuilder builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

    g_variant_builder_add(&builder, "{sv}", "usb-port", g_variant_new_string(port));
    g_variant_builder_add(&builder, "{sv}", "vendor-id", g_variant_new_uint16(device->vendor_id));
    g_variant_builder_add(&builder, "{sv}", "product-id", g_variant_new_uint16(device->product_id));
    g_variant_builder_add(&builder, "{sv}", "vendor", g_variant_new_string(device->manufacturer));
    g_variant_builder_add(&builder, "{sv}", "product", g_variant_new_string(device->product));
    g_variant_builder_add(&builder, "{sv}", "reason", g_variant_new_string(reason));
    g_variant_builder_add(&builder, "{sv}", "message", g_variant_new_string(message));
    if (g_str_equal(reason, "kernel-driver"))
        g_variant_builder_add(&builder, "{sv}", "kernel-driver",
                              g_variant_new_string(kernel_driver));
    return g_variant_builder_end(&builder);
}

static GVariant *
describe_devices(gpointer result, gpointer data, GError **error)
{
    const GPtrArray *devices = result;
    const ScdUnserved *unserved = data;
    GVariantBuilder builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("aa{sv}"));

    for (guint i = 0; i < devices->len; i++) {
        ReaderSearch search = {.unserved = unserved, .device = devices->pdata[i]};

        scd_readers_foreach_identity(unserved->parts.readers, compare_reader, &search);
        if (!search.is_served)
            g_variant_builder_add_value(&builder, describe_device(unserved, &search));
    }
    return g_variant_new("(aa{sv})", &builder);
}

ScdUnserved *
scd_unserved_new(const ScdUnservedParts *parts)
{
    static const ScdThreadCallsFuncs funcs = {"usb-devices", list_devices_in_thread, free_devices,
                                              describe_devices};
    ScdUnserved *unserved = g_new0(ScdUnserved, 1);

    unserved->parts = *parts;
    unserved->calls = scd_thread_calls_new(&funcs, parts->sysfs, unserved);
    return unserved;
}

void
scd_unserved_free(ScdUnserved *unserved)
{
    scd_thread_calls_free(unserved->calls);
    g_free(unserved);
}

void
scd_unserved_list(ScdUnserved *unserved, GDBusMethodInvocation *invocation)
{
    scd_thread_calls_add(unserved->calls, invocation);
}
