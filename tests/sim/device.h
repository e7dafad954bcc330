/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "card.h"

enum { DEVICE_NAME_MAX = 63, DEVICE_SLOTS_MAX = 255 };

struct device {
    char name[DEVICE_NAME_MAX + 1];
    unsigned slots;
    uint32_t channel; /* SCARD_ATTR_CHANNEL_ID of a USB reader, else 0 */
    struct atr atr;   /* empty if no card is inserted at the start */
};

bool device_parse(const char *text, struct device *device);
