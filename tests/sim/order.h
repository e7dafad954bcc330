/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORDER_MAX = 300 };

struct order {
    struct order *next;
    uint32_t code;
    size_t length;
    uint8_t answer[];
};

/* Replaces an earlier order for the code. Returns false if there is no memory. */
bool order_set(struct order **orders, uint32_t code, const uint8_t *answer, size_t length);

void order_drop(struct order **orders, uint32_t code);

const struct order *order_find(const struct order *orders, uint32_t code);

void order_drop_all(struct order **orders);
