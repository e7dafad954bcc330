/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The readers and what is in them, as the service told last. No bus, no lock:
 * facts in, readers out; it belongs to a context.
 *
 * pcsc-lite lists readers in the order of its places for them, which the number
 * and the slot at the end of each name tell. So it is here.
 */

#include "facts.h"

typedef struct {
    char *path;
    char *name;
    uint32_t state; /* SCARD_STATE_*, low word */
    uint32_t event_count;
    char *card; /* path of the object whose ATR it is, NULL when there is none */
    uint8_t atr[MAX_ATR_SIZE];
    size_t atr_length;
} ScdReader;

/* All zero to begin with. */
typedef struct {
    ScdReader **list;
    size_t count;
    struct ScdStrayCard *strays; /* of readers that we have not heard of yet */
    uint32_t changes;            /* of the list, since the beginning */
} ScdReaders;

void scd_readers_clear(ScdReaders *readers);

/*
 * An object is there, or tells something new of itself; false when out of memory. Names that a
 * program could not have room for are none.
 */
bool scd_readers_add(ScdReaders *readers, const char *path, const ScdFacts *facts);
void scd_readers_update(ScdReaders *readers, const char *path, const ScdFacts *facts);
void scd_readers_remove(ScdReaders *readers, const char *path);

const ScdReader *scd_readers_find(const ScdReaders *readers, const char *name);
