/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The number of bytes that the whole text stands for; -1 when it is not hex or more than size. */
ssize_t hex_parse(const char *text, uint8_t *bytes, size_t size);
