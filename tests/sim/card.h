/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CARD_COMMAND_MAX = 65544 }; /* an extended APDU with 65,535 bytes of data and an Le */

struct atr {
    uint8_t bytes[33];
    size_t length;
};

struct card {
    struct atr atr;
    uint8_t pin[32];
    size_t pin_length;
    bool verified;
    size_t pending; /* bytes that GET RESPONSE can still fetch */
    size_t fetched; /* bytes of the same answer that it has fetched */
};

bool atr_parse(const char *hex, struct atr *atr);

/* An empty ATR becomes the default one. */
void card_init(struct card *card, const struct atr *atr);

/* Resets the state, as a power-up does as well. */
void card_reset(struct card *card);

/*
 * Runs one command and returns the length of the whole answer, including the status word. Writes at
 * most size bytes of it: a longer answer is truncated.
 */
size_t card_execute(struct card *card, const uint8_t *command, size_t length, uint8_t *answer,
                    size_t size);
