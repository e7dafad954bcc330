/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conversion between bytes and pairs of hex digits without separators. */

#include "hex.h"

#include <stdlib.h>
#include <string.h>

ssize_t
hex_parse(const char *text, uint8_t *bytes, size_t size)
{
    size_t digits = strlen(text);

    if (digits % 2 != 0 || digits / 2 > size || strspn(text, "0123456789abcdefABCDEF") != digits)
        return -1;
    for (size_t i = 0; i < digits / 2; i++) {
        char pair[] = {text[2 * i], text[2 * i + 1], '\0'};

        bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return (ssize_t)(digits / 2);
}
