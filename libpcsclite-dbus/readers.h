/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The list of readers with their states and cards, built from D-Bus properties. It performs no
 * D-Bus calls and has no lock: the owner of the PldConnection serializes access.
 *
 * The order is that of pcsc-lite, which sorts by the reader's index and slot; both are part of the
 * name.
 */

#include "object-properties.h"

typedef struct {
    char *path;
    char *name;
    uint32_t state; /* SCARD_STATE_*, low word */
    uint32_t event_count;
    char *card; /* object path; NULL if there is no card */
    uint8_t atr[MAX_ATR_SIZE];
    size_t atr_length;
} PldReader;

/* Initialized with zeros. */
typedef struct {
    PldReader **list;
    size_t count;
    struct PldPendingCard *pending_cards; /* their readers have not been added yet */
    uint32_t changes;                     /* number of readers added and removed so far */
} PldReaders;

void pld_readers_clear(PldReaders *readers);

/*
 * Handle InterfacesAdded, PropertiesChanged and InterfacesRemoved; path may be of any object.
 * pld_readers_add() returns false when out of memory. It ignores readers whose names are empty or
 * longer than winscard.h allows.
 */
bool pld_readers_add(PldReaders *readers, const char *path, const PldObjectProperties *properties);
void pld_readers_update(PldReaders *readers, const char *path,
                        const PldObjectProperties *properties);
void pld_readers_remove(PldReaders *readers, const char *path);

/* Returns NULL if there is no reader of this PC/SC name. Valid until the list is changed. */
const PldReader *pld_readers_find(const PldReaders *readers, const char *name);
