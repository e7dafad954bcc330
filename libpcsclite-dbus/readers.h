/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The list of readers with their states and cards, built from D-Bus properties. It performs no
 * D-Bus calls and has no lock: the owner of the PldConnection serializes access.
 *
 * The order is that of pcsc-lite, which sorts by the reader's index and slot; both are part of the
 * name.
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "pcsc.h"

#define PLD_NAME "org.smartcardd1"
#define PLD_ROOT "/org/smartcardd1"
#define PLD_MANAGER PLD_NAME ".Manager"
#define PLD_READER PLD_NAME ".Reader"
#define PLD_CARD PLD_NAME ".Card"
#define PLD_SESSION PLD_NAME ".Session"

/*
 * Properties of an object, from a message of the service. Strings are owned by the message. Members
 * without a property in the message stay unchanged. A property of the wrong type is an error;
 * properties that the library does not use are skipped.
 */
typedef struct {
    bool is_reader;
    const char *name;      /* text; only if there is no other one */
    const char *pcsc_name; /* any bytes, without a NUL at the end; NULL if there is none */
    size_t pcsc_name_length;
    uint32_t state; /* SCARD_STATE_* */
    bool has_state;
    uint32_t event_count;
    bool has_event_count;

    bool is_card;
    const char *reader; /* object path */
    uint8_t atr[MAX_ATR_SIZE];
    size_t atr_length;

    bool unavailable;        /* Manager.Available is false: pcscd is not running */
    bool available;          /* it is true */
    uint32_t reader_changes; /* Manager.ReaderChanges */
    bool has_reader_changes;
    uint32_t channel_version; /* Manager.ChannelVersion */
    bool has_channel_version;
} PldObjectProperties;

typedef struct {
    char *path;
    char *name;     /* as pcscd has it: any bytes */
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
    uint32_t changes;                     /* Manager.ReaderChanges, the same for all contexts */
    uint32_t total; /* the same number, if it goes on when the service restarts */
} PldReaders;

/* Reads an entry: its key and its value are next in the message. Returns a negative errno on
 * failure. */
typedef int (*PldEntryFunction)(sd_bus_message *message, void *data);

/*
 * Reads a dictionary, which is next in the message. types: of the key and of the value. Returns a
 * negative errno on failure, also that of an entry.
 */
int pld_read_dictionary(sd_bus_message *message, const char *types, PldEntryFunction read_entry,
                        void *data);

/*
 * Both return a negative errno on failure. The first one reads the properties of one interface,
 * a{sv}, the second one those of all interfaces of an object, a{sa{sv}}.
 */
int pld_object_properties_read_properties(PldObjectProperties *properties, sd_bus_message *message,
                                          const char *interface);
int pld_object_properties_read_interfaces(PldObjectProperties *properties, sd_bus_message *message);

void pld_readers_clear(PldReaders *readers);

/*
 * Handle InterfacesAdded, PropertiesChanged and InterfacesRemoved; path may be of any object.
 * pld_readers_add() returns false when out of memory. It ignores readers whose names are empty,
 * contain a NUL, or are longer than winscard.h allows.
 */
bool pld_readers_add(PldReaders *readers, const char *path, const PldObjectProperties *properties);
void pld_readers_update(PldReaders *readers, const char *path,
                        const PldObjectProperties *properties);
void pld_readers_remove(PldReaders *readers, const char *path);

/* Returns NULL if there is no reader of this PC/SC name. Valid until the list is changed. */
const PldReader *pld_readers_find(const PldReaders *readers, const char *name);

/*
 * Sets the number that the service has announced after the last change. Until then, each reader
 * that is added or removed has increased it.
 */
void pld_readers_set_changes(PldReaders *readers, uint32_t changes);

/*
 * Takes the list that a restarted service has sent, and clears the old one. If it has the same
 * readers, the total stays the same, else it changes.
 */
void pld_readers_replace(PldReaders *readers, PldReaders *replacement);
