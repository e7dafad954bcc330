/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "card.h"
#include "order.h"

#include <ifdhandler.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct slot {
    pthread_mutex_t lock;
    pthread_cond_t changed;

    struct card card; /* counts only while present */
    bool present, powered;
    unsigned long protocol; /* SCARD_PROTOCOL_..., or 0 while none is chosen */

    /* Numbers of changes: see slot.c. */
    uint64_t changes, seen, shown, departed;
    bool stop, closing;
    unsigned waiting; /* threads that sleep in this slot */

    /* What was ordered. */
    bool mute, unplugged, pull;
    unsigned delay; /* milliseconds */
    unsigned failures;
    struct order *controls, *attributes;

    /* Since the slot was opened. */
    unsigned commands, powerups, resets;
    bool busy; /* a command is running */
};

/* With an ATR that is not empty a card is in from the start. */
void slot_init(struct slot *slot, const struct atr *atr);
/* For a slot that nobody can find any more; wakes those who sleep in it and waits for them. */
void slot_destroy(struct slot *slot);

/*
 * All that follows is for the thread that holds the slot's lock.
 *
 * An empty ATR stands for the card's own; false when there is no room for a card, or none in.
 */
bool slot_insert(struct slot *slot, const struct atr *atr);
bool slot_remove(struct slot *slot);
void slot_plug(struct slot *slot, bool plugged);

/* The driver's side: answers are IFD_... codes. */
RESPONSECODE slot_presence(const struct slot *slot);
RESPONSECODE slot_power(struct slot *slot, DWORD action);
RESPONSECODE slot_transmit(struct slot *slot, const uint8_t *command, size_t length,
                           uint8_t *answer, DWORD *answer_length);
RESPONSECODE slot_control(struct slot *slot, uint32_t code, uint8_t *answer, size_t size,
                          DWORD *answer_length);
RESPONSECODE slot_poll(struct slot *slot, unsigned timeout);
void slot_stop_polling(struct slot *slot);
