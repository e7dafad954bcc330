/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The readers and what is in them, as the service told last. No bus, no lock:
 * properties in, readers out; it belongs to a context.
 *
 * pcsc-lite lists readers in the order of its places for them, which the number
 * and the slot at the end of each name tell. So it is here.
 */

#include "object-properties.h"

typedef struct {
    char *path;
    char *name;
    uint32_t state; /* SCARD_STATE_*, low word */
    uint32_t event_count;
    char *card; /* path of the object whose ATR it is, NULL when there is none */
    uint8_t atr[MAX_ATR_SIZE];
    size_t atr_length;
} PldReader;

/* All zero to begin with. */
typedef struct {
    PldReader **list;
    size_t count;
    struct PldStrayCard *strays; /* of readers that we have not heard of yet */
    uint32_t changes;            /* of the list, since the beginning */
} PldReaders;

void pld_readers_clear(PldReaders *readers);

/*
 * An object is there, or tells something new of itself; false when out of memory. Names that a
 * program could not have room for are none.
 */
bool pld_readers_add(PldReaders *readers, const char *path, const PldObjectProperties *properties);
void pld_readers_update(PldReaders *readers, const char *path,
                        const PldObjectProperties *properties);
void pld_readers_remove(PldReaders *readers, const char *path);

const PldReader *pld_readers_find(const PldReaders *readers, const char *name);
