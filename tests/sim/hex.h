/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Returns the number of bytes; -1 if the text is not hex or has more than size bytes. */
ssize_t hex_parse(const char *text, uint8_t *bytes, size_t size);
