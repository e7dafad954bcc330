/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parses the device names with which pcscd opens readers.
 *
 *   sim:NAME[/SLOTS][:ATR]                              from reader.conf
 *   usb:VVVV/PPPP:libudev:INTERFACE:/dev/bus/usb/B/D    from pcscd's own search for USB readers
 *
 * NAME consists of letters, digits, dots and hyphens. ATR, in hex, is that of a card that is in
 * slot 0 from the start. The number of slots of a USB reader is that of its product, and all are
 * empty; it is named B/D for interface 0 and B/D.INTERFACE for the others, and reports bus and
 * address as its channel.
 */

#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
parse_sim(const char *text, struct device *device)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    size_t length = strspn(text, allowed);

    if (length == 0 || length > DEVICE_NAME_MAX)
        return false;
    memcpy(device->name, text, length);
    text += length;

    if (*text == '/') {
        char *end;
        unsigned long slots = strtoul(text + 1, &end, 10);

        if (slots == 0 || slots > DEVICE_SLOTS_MAX)
            return false;
        device->slots = (unsigned)slots;
        text = end;
    }
    return *text == ':' ? atr_parse(text + 1, &device->atr) : *text == '\0';
}

static bool
parse_usb(const char *text, struct device *device)
{
    unsigned interface, bus, address;
    int end = 0;

    sscanf(text, "%*4x/%4x:libudev:%u:/dev/bus/usb/%u/%u%n", &device->slots, &interface, &bus,
           &address, &end);
    if (end == 0 || text[end] != '\0' || device->slots == 0 || device->slots > DEVICE_SLOTS_MAX)
        return false;
    device->channel = 0x0020 << 16 | (bus & 0xFF) << 8 | (address & 0xFF);
    snprintf(device->name, sizeof(device->name), interface == 0 ? "%03u/%03u" : "%03u/%03u.%u", bus,
             address, interface);
    return true;
}

bool
device_parse(const char *text, struct device *device)
{
    *device = (struct device){.slots = 1};
    if (strncmp(text, "sim:", 4) == 0)
        return parse_sim(text + 4, device);
    return strncmp(text, "usb:", 4) == 0 && parse_usb(text + 4, device);
}
