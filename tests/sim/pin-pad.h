/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "card.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PIN_PAD_KEYS_MAX = 256,
    PIN_PAD_STRUCTURE_MAX = 300,
    PIN_PAD_ENTRIES_MAX = 3,
    PIN_PAD_FEATURES_MAX = 10 * 6,
};

struct pin {
    uint8_t digits[255];
    size_t count;
};

struct pin_pad {
    bool direct, by_keys, can_abort; /* none of them: there is no PIN pad */
    uint32_t base;                   /* the control code of feature 0 */

    char keys[PIN_PAD_KEYS_MAX]; /* that were pressed and not read yet */
    size_t keys_count;

    /* The structure received last. */
    uint8_t structure[PIN_PAD_STRUCTURE_MAX];
    size_t structure_length;
    bool modify;

    /* The entry. */
    bool active;
    struct pin pins[PIN_PAD_ENTRIES_MAX];
    size_t entries, complete;
    uint16_t status; /* of an entry that has failed; 0 for none */

    unsigned started, aborted; /* counts */
};

/* The kinds of control codes that belong to the PIN pad. */
enum pin_pad_code {
    PIN_PAD_OTHER,
    PIN_PAD_DIRECT,
    PIN_PAD_START,
    PIN_PAD_KEY,
    PIN_PAD_FINISH,
    PIN_PAD_ABORT,
};

/* kind: "direct", "keys", "keys-without-abort", "both" or "none". Returns false for another one. */
bool pin_pad_set(struct pin_pad *pad, const char *kind, uint32_t base);

/* Writes the records with which a driver announces the PIN pad; returns their length. */
size_t pin_pad_list_features(const struct pin_pad *pad, uint8_t list[PIN_PAD_FEATURES_MAX]);

/* Digits; e: enter, c: cancel, b: backspace, t: time-out, a: aborted, x: unknown. */
bool pin_pad_press(struct pin_pad *pad, const char *keys);

enum pin_pad_code pin_pad_find(const struct pin_pad *pad, uint32_t code, bool *modify);

/* Begins an entry; false if one is active. A structure with an error ends it with 6B80. */
bool pin_pad_begin(struct pin_pad *pad, bool modify, const uint8_t *structure, size_t length);
void pin_pad_abort(struct pin_pad *pad);

/* Takes the next key: returns what the driver tells of it, 0 for none. */
uint8_t pin_pad_read_key(struct pin_pad *pad);

bool pin_pad_is_complete(const struct pin_pad *pad);

/*
 * Ends a complete entry: sends the command with the PINs to the card, unless the entry has failed.
 * Returns the length of the response.
 */
size_t pin_pad_finish(struct pin_pad *pad, struct card *card, uint8_t *answer, size_t size);
