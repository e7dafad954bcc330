/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "card.h"
#include "order.h"
#include "pin-pad.h"

#include <ifdhandler.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* How long the thread of a client in pcscd may need, on a busy machine, to store what it was told.
 */
enum { SLOT_SETTLE_MS = 50 };

struct slot {
    pthread_mutex_t lock;
    pthread_cond_t changed;

    struct card card; /* valid only while present */
    bool present, powered;
    unsigned long protocol; /* SCARD_PROTOCOL_..., or 0 if none is selected */

    /* Numbers of changes: see slot.c. */
    uint64_t changes, seen, shown, departed;
    uint64_t finished; /* number of calls of slot_finish() */
    bool coming;       /* the card is present, and no poll has returned since */
    pthread_t poller;  /* valid after the first poll */
    bool polled;
    uint64_t refused_at; /* milliseconds: another thread was told last that no card is present */
    bool stop, closing;
    unsigned waiting; /* number of threads that sleep in this slot */

    /* The orders. */
    bool mute, unplugged, pull;
    unsigned delay; /* milliseconds */
    unsigned failures;
    struct order *controls, *attributes;
    struct pin_pad pin_pad;

    /* Since the slot was opened. */
    unsigned commands, powerups, resets;
    bool busy; /* a command is running */
};

/* If the ATR is not empty, a card is inserted at the start. */
void slot_init(struct slot *slot, const struct atr *atr);
/*
 * For a slot that is no longer in the table: wakes the threads that sleep in it and waits for them.
 */
void slot_destroy(struct slot *slot);

/*
 * All functions below are for the thread that holds the lock of the slot.
 *
 * An empty ATR stands for the default one. Returns false if the slot has a card already, or none.
 */
bool slot_insert(struct slot *slot, const struct atr *atr);
bool slot_remove(struct slot *slot);
void slot_plug(struct slot *slot, bool plugged);

/* Ends the running command, as if its time had passed. */
void slot_finish(struct slot *slot);

/* Keys of the PIN pad; false for unknown ones. */
bool slot_press(struct slot *slot, const char *keys);

/* For the driver: the results are IFD_... codes. */
RESPONSECODE slot_presence(struct slot *slot);
RESPONSECODE slot_power(struct slot *slot, DWORD action);
RESPONSECODE slot_transmit(struct slot *slot, const uint8_t *command, size_t length,
                           uint8_t *answer, DWORD *answer_length);
RESPONSECODE slot_control(struct slot *slot, uint32_t code, const uint8_t *request, size_t length,
                          uint8_t *answer, size_t size, DWORD *answer_length);
RESPONSECODE slot_poll(struct slot *slot, unsigned timeout);
void slot_stop_polling(struct slot *slot);
