/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/seat.h"

#include <string.h>
#include <systemd/sd-device.h>

#include "base/device-text.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_device, sd_device_unref)

char *
scd_seat_dup_in_probe(const ScdUsbPort *port)
{
    g_autofree char *text = scd_usb_port_to_string(port);
    g_autofree char *folder = g_build_filename("/sys/bus/usb/devices", text, NULL);
    g_autoptr(sd_device) device = NULL;
    const char *seat;

    if (sd_device_new_from_syspath(&device, folder) < 0 ||
        sd_device_get_property_value(device, "ID_SEAT", &seat) < 0 || *seat == '\0')
        return NULL;
    return scd_device_text_clean(seat, strlen(seat));
}
