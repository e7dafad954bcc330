/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "usb-map.h"

#include <string.h>

#include "base/usb-device.h"
#include "json.h"
#include "redact.h"
#include "text.h"

#define SYSFS "/sys"

static gboolean
has_reader_class(const ScdUsbDevice *device)
{
    for (guint i = 0; i < device->interfaces->len; i++) {
        const ScdUsbInterface *interface = device->interfaces->pdata[i];
        if (interface->is_ccid)
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_reader(const ScdUsbDevice *device, GArray *readers)
{
    ScdUsbPath path;

    for (guint i = 0; i < readers->len; i++) {
        GVariant *properties = g_array_index(readers, CtlReaderView, i).properties;
        if (scd_usb_path_parse(ctl_property_text(properties, "UsbPath"), &path) &&
            scd_usb_port_equal(&path.port, &device->port))
            return TRUE;
    }
    return has_reader_class(device);
}

/* Returns whether the hub is the port itself or upstream of it. Unused elements of ports are 0. */
static gboolean
is_upstream_of(const ScdUsbPort *hub, const ScdUsbPort *port)
{
    return hub->bus == port->bus && memcmp(hub->ports, port->ports, hub->n_ports) == 0;
}

static gboolean
leads_to_reader(const ScdUsbDevice *hub, GPtrArray *devices, GArray *readers)
{
    for (guint i = 0; i < devices->len; i++) {
        const ScdUsbDevice *device = devices->pdata[i];
        if (is_upstream_of(&hub->port, &device->port) && is_reader(device, readers))
            return TRUE;
    }
    return FALSE;
}

GPtrArray *
ctl_usb_map_load(GArray *readers)
{
    GPtrArray *devices = scd_usb_tree_list(SYSFS);

    for (guint i = devices->len; i-- > 0;) {
        if (!leads_to_reader(devices->pdata[i], devices, readers))
            g_ptr_array_remove_index(devices, i);
    }
    return devices;
}

/* Returns the vendor and product strings of the device, empty when it has none. */
static char *
format_device_name(const ScdUsbDevice *device, gboolean serials)
{
    g_autofree char *both = g_strjoin(" ", device->manufacturer, device->product, NULL);
    g_autofree char *safe = ctl_text_escape(g_strstrip(both), FALSE);

    return serials ? g_steal_pointer(&safe) : ctl_redact_serial(safe, device->serial);
}

static char *
format_device_line(const ScdUsbDevice *device, gboolean serials)
{
    g_autofree char *port = scd_usb_port_to_string(&device->port);
    g_autofree char *name = format_device_name(device, serials);
    GString *line = g_string_new(NULL);

    g_string_append_printf(line, "  %*s|__ %s  %04x:%04x, address %u",
                           4 * (device->port.n_ports - 1), "", port, device->vendor_id,
                           device->product_id, device->address);
    if (has_reader_class(device))
        g_string_append(line, ", CCID");
    if (device->built_in)
        g_string_append(line, ", built in");
    if (*name)
        g_string_append_printf(line, ", %s", name);
    if (serials && *device->serial)
        g_string_append_printf(line, ", serial number %s", device->serial);
    return g_string_free(line, FALSE);
}

void
ctl_usb_map_print(GPtrArray *map, gboolean serials, CtlOutput *output)
{
    guint bus = 0;

    for (guint i = 0; i < map->len; i++) {
        const ScdUsbDevice *device = map->pdata[i];
        g_autofree char *root = g_strdup_printf("  bus %u", device->port.bus);
        g_autofree char *line = format_device_line(device, serials);
        if (device->port.bus != bus)
            ctl_output_line(output, root);
        bus = device->port.bus;
        ctl_output_line(output, line);
    }
}

static void
add_flag(JsonBuilder *builder, const char *key, gboolean flag)
{
    json_builder_set_member_name(builder, key);
    json_builder_add_boolean_value(builder, flag);
}

static void
add_device(JsonBuilder *builder, const ScdUsbDevice *device, gboolean serials)
{
    g_autofree char *port = scd_usb_port_to_string(&device->port);
    const char *serial = serials ? NULL : device->serial;
    g_autofree char *vendor = ctl_redact_serial(device->manufacturer, serial);
    g_autofree char *product = ctl_redact_serial(device->product, serial);

    json_builder_begin_object(builder);
    ctl_json_add_text(builder, "port", port);
    ctl_json_add_number(builder, "bus", device->port.bus);
    ctl_json_add_number(builder, "address", device->address);
    ctl_json_add_number(builder, "vendor-id", device->vendor_id);
    ctl_json_add_number(builder, "product-id", device->product_id);
    ctl_json_add_text(builder, "vendor", vendor);
    ctl_json_add_text(builder, "product", product);
    if (serials)
        ctl_json_add_text(builder, "serial", device->serial);
    add_flag(builder, "built-in", device->built_in);
    add_flag(builder, "ccid", has_reader_class(device));
    json_builder_end_object(builder);
}

void
ctl_usb_map_add_to_json(GPtrArray *map, gboolean serials, JsonBuilder *builder)
{
    json_builder_begin_array(builder);
    for (guint i = 0; i < map->len; i++)
        add_device(builder, map->pdata[i], serials);
    json_builder_end_array(builder);
}
