/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The orders of a slot: the bytes with which it answers a control code or an attribute's tag. A
 * list holds at most one order for a code; a code without an order is not supported.
 */

#include "order.h"

#include <stdlib.h>
#include <string.h>

bool
order_set(struct order **orders, uint32_t code, const uint8_t *answer, size_t length)
{
    struct order *order = malloc(sizeof(*order) + length);

    if (order == NULL)
        return false;
    order_drop(orders, code);
    order->code = code;
    order->length = length;
    memcpy(order->answer, answer, length);
    order->next = *orders;
    *orders = order;
    return true;
}

void
order_drop(struct order **orders, uint32_t code)
{
    while (*orders != NULL) {
        struct order *order = *orders;

        if (order->code != code) {
            orders = &order->next;
            continue;
        }
        *orders = order->next;
        free(order);
    }
}

const struct order *
order_find(const struct order *orders, uint32_t code)
{
    while (orders != NULL && orders->code != code)
        orders = orders->next;
    return orders;
}

void
order_drop_all(struct order **orders)
{
    while (*orders != NULL)
        order_drop(orders, (*orders)->code);
}
