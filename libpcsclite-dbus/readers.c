/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct PldPendingCard PldPendingCard;

struct PldPendingCard {
    PldPendingCard *next;
    char *path;
    char *reader;
    uint8_t atr[MAX_ATR_SIZE];
    size_t atr_length;
};

static int
read_u32(sd_bus_message *message, uint32_t *number, bool *found)
{
    int r = sd_bus_message_read(message, "v", "u", number);

    *found = r > 0;
    return r;
}

/* Sets bytes to those of an ay, which the message owns. */
static int
read_bytes(sd_bus_message *message, const void **bytes, size_t *length)
{
    int r = sd_bus_message_enter_container(message, 'v', "ay");

    if (r > 0)
        r = sd_bus_message_read_array(message, 'y', bytes, length);
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int
read_name(sd_bus_message *message, PldObjectProperties *properties)
{
    const void *bytes = NULL;
    int r = read_bytes(message, &bytes, &properties->pcsc_name_length);

    properties->pcsc_name = bytes;
    return r;
}

static int
read_atr(sd_bus_message *message, PldObjectProperties *properties)
{
    const void *bytes;
    size_t length;
    int r = read_bytes(message, &bytes, &length);

    if (r < 0)
        return r;
    properties->atr_length = length < MAX_ATR_SIZE ? length : MAX_ATR_SIZE;
    if (properties->atr_length > 0)
        memcpy(properties->atr, bytes, properties->atr_length);
    return r;
}

static int
read_available(sd_bus_message *message, PldObjectProperties *properties)
{
    int available = 1;
    int r = sd_bus_message_read(message, "v", "b", &available);

    properties->unavailable = !available;
    properties->available = r > 0 && available;
    return r;
}

static int
read_value(PldObjectProperties *properties, sd_bus_message *message, const char *interface,
           const char *name)
{
    if (strcmp(interface, PLD_READER) == 0) {
        if (strcmp(name, "Name") == 0)
            return sd_bus_message_read(message, "v", "s", &properties->name);
        if (strcmp(name, "PcscName") == 0)
            return read_name(message, properties);
        if (strcmp(name, "State") == 0)
            return read_u32(message, &properties->state, &properties->has_state);
        if (strcmp(name, "EventCount") == 0)
            return read_u32(message, &properties->event_count, &properties->has_event_count);
    } else if (strcmp(interface, PLD_CARD) == 0) {
        if (strcmp(name, "Reader") == 0)
            return sd_bus_message_read(message, "v", "o", &properties->reader);
        if (strcmp(name, "Atr") == 0)
            return read_atr(message, properties);
    } else if (strcmp(interface, PLD_MANAGER) == 0 && strcmp(name, "Available") == 0) {
        return read_available(message, properties);
    } else if (strcmp(interface, PLD_MANAGER) == 0 && strcmp(name, "ReaderChanges") == 0) {
        return read_u32(message, &properties->reader_changes, &properties->has_reader_changes);
    } else if (strcmp(interface, PLD_MANAGER) == 0 && strcmp(name, "ChannelVersion") == 0) {
        return read_u32(message, &properties->channel_version, &properties->has_channel_version);
    }
    return sd_bus_message_skip(message, "v");
}

int
pld_read_dictionary(sd_bus_message *message, const char *types, PldEntryFunction read_entry,
                    void *data)
{
    char entry[sizeof "{oa{sa{sv}}}"];

    snprintf(entry, sizeof entry, "{%s}", types);
    int r = sd_bus_message_enter_container(message, 'a', entry);
    while (r >= 0) {
        r = sd_bus_message_enter_container(message, 'e', types);
        if (r == 0)
            return sd_bus_message_exit_container(message);
        if (r > 0)
            r = read_entry(message, data);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
    }
    return r;
}

/* The properties of an object that are read, and the interface that they belong to. */
typedef struct {
    PldObjectProperties *properties;
    const char *interface;
} InterfaceProperties;

static int
read_property(sd_bus_message *message, void *data)
{
    const InterfaceProperties *reading = data;
    const char *name;
    int r = sd_bus_message_read(message, "s", &name);

    return r < 0 ? r : read_value(reading->properties, message, reading->interface, name);
}

int
pld_object_properties_read_properties(PldObjectProperties *properties, sd_bus_message *message,
                                      const char *interface)
{
    InterfaceProperties reading = {properties, interface};

    properties->is_reader |= strcmp(interface, PLD_READER) == 0;
    properties->is_card |= strcmp(interface, PLD_CARD) == 0;
    return pld_read_dictionary(message, "sv", read_property, &reading);
}

static int
read_interface(sd_bus_message *message, void *data)
{
    const char *interface;
    int r = sd_bus_message_read(message, "s", &interface);

    return r < 0 ? r : pld_object_properties_read_properties(data, message, interface);
}

int
pld_object_properties_read_interfaces(PldObjectProperties *properties, sd_bus_message *message)
{
    return pld_read_dictionary(message, "sa{sv}", read_interface, properties);
}

static void
free_reader(PldReader *reader)
{
    free(reader->path);
    free(reader->name);
    free(reader->card);
    free(reader);
}

static void
free_pending_card(PldPendingCard *card)
{
    free(card->path);
    free(card->reader);
    free(card);
}

void
pld_readers_clear(PldReaders *readers)
{
    for (size_t i = 0; i < readers->count; i++)
        free_reader(readers->list[i]);
    for (PldPendingCard *card = readers->pending_cards, *next; card; card = next) {
        next = card->next;
        free_pending_card(card);
    }
    free(readers->list);
    *readers = (PldReaders){.changes = readers->changes, .total = readers->total};
}

const PldReader *
pld_readers_find(const PldReaders *readers, const char *name)
{
    for (size_t i = 0; i < readers->count; i++)
        if (strcmp(readers->list[i]->name, name) == 0)
            return readers->list[i];
    return NULL;
}

static PldReader *
find_reader_by_path(const PldReaders *readers, const char *path)
{
    for (size_t i = 0; i < readers->count; i++)
        if (strcmp(readers->list[i]->path, path) == 0)
            return readers->list[i];
    return NULL;
}

/* Returns -1 if the character is no hexadecimal digit. */
static int
parse_digit(char digit)
{
    static const char digits[] = "0123456789ABCDEF0123456789abcdef";
    const char *found = digit ? strchr(digits, digit) : NULL;

    return found ? (int)(found - digits) % 16 : -1;
}

/*
 * Returns 0xRRSS for a name "NAME RR SS" (index and slot in hex), or a larger number for others. In
 * new versions of glibc, strtoul() is a function that old versions do not have.
 */
static unsigned
parse_position(const char *name)
{
    size_t length = strlen(name);
    unsigned position = 0;

    if (length < 6 || name[length - 6] != ' ' || name[length - 3] != ' ')
        return 0x10000;
    for (size_t from_end = 5; from_end > 0; from_end--) {
        int digit = parse_digit(name[length - from_end]);
        if (from_end == 3)
            continue;
        if (digit < 0)
            return 0x10000;
        position = position << 4 | (unsigned)digit;
    }
    return position;
}

static void
count_change(PldReaders *readers)
{
    readers->changes++;
    readers->total++;
}

void
pld_readers_set_changes(PldReaders *readers, uint32_t changes)
{
    readers->total += changes - readers->changes;
    readers->changes = changes;
}

static bool
have_same_names(const PldReaders *a, const PldReaders *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!pld_readers_find(b, a->list[i]->name))
            return false;
    return true;
}

void
pld_readers_replace(PldReaders *readers, PldReaders *replacement)
{
    replacement->total = readers->total + (have_same_names(readers, replacement) ? 0 : 1);
    pld_readers_clear(readers);
    *readers = *replacement;
    *replacement = (PldReaders){0};
}

static void
copy_properties(PldReader *reader, const PldObjectProperties *properties)
{
    if (properties->has_state)
        reader->state = properties->state & 0xFFFF;
    if (properties->has_event_count)
        reader->event_count = properties->event_count & 0xFFFF;
}

static bool
set_card(PldReader *reader, const char *path, const uint8_t *atr, size_t atr_length)
{
    char *card = strdup(path);

    if (!card)
        return false;
    free(reader->card);
    reader->card = card;
    memcpy(reader->atr, atr, atr_length);
    reader->atr_length = atr_length;
    return true;
}

/* Keeps the list sorted. Takes ownership of the reader unless it returns false. */
static bool
insert_reader(PldReaders *readers, PldReader *reader)
{
    PldReader **list = reallocarray(readers->list, readers->count + 1, sizeof *list);
    size_t at = readers->count;

    if (!list)
        return false;
    readers->list = list;
    for (; at > 0 && parse_position(list[at - 1]->name) > parse_position(reader->name); at--)
        list[at] = list[at - 1];
    list[at] = reader;
    readers->count++;
    count_change(readers);
    return true;
}

/* Assigns a card that was added before its reader. Returns false when out of memory. */
static bool
take_pending_cards(PldReaders *readers, PldReader *reader)
{
    bool done = true;

    for (PldPendingCard **link = &readers->pending_cards; *link;) {
        PldPendingCard *card = *link;
        if (strcmp(card->reader, reader->path) != 0) {
            link = &card->next;
            continue;
        }
        done &= set_card(reader, card->path, card->atr, card->atr_length);
        *link = card->next;
        free_pending_card(card);
    }
    return done;
}

static char *
copy_name(const PldObjectProperties *properties)
{
    if (!properties->pcsc_name)
        return strdup(properties->name);
    return strndup(properties->pcsc_name, properties->pcsc_name_length);
}

static bool
has_valid_name(const PldObjectProperties *properties)
{
    const char *name = properties->pcsc_name ? properties->pcsc_name : properties->name;
    size_t length = properties->pcsc_name_length;

    if (!name)
        return false;
    if (name == properties->name)
        length = strlen(name);
    return length > 0 && length < MAX_READERNAME && !memchr(name, '\0', length);
}

static bool
add_reader(PldReaders *readers, const char *path, const PldObjectProperties *properties)
{
    pld_readers_remove(readers, path);
    PldReader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return false;
    reader->path = strdup(path);
    reader->name = copy_name(properties);
    copy_properties(reader, properties);
    if (reader->path && reader->name && insert_reader(readers, reader))
        return take_pending_cards(readers, reader);
    free_reader(reader);
    return false;
}

static bool
add_pending_card(PldReaders *readers, const char *path, const PldObjectProperties *properties)
{
    PldPendingCard *card = calloc(1, sizeof *card);

    if (!card)
        return false;
    card->path = strdup(path);
    card->reader = strdup(properties->reader);
    if (!card->path || !card->reader) {
        free_pending_card(card);
        return false;
    }
    memcpy(card->atr, properties->atr, properties->atr_length);
    card->atr_length = properties->atr_length;
    card->next = readers->pending_cards;
    readers->pending_cards = card;
    return true;
}

static bool
add_card(PldReaders *readers, const char *path, const PldObjectProperties *properties)
{
    PldReader *reader = find_reader_by_path(readers, properties->reader);

    return reader ? set_card(reader, path, properties->atr, properties->atr_length)
                  : add_pending_card(readers, path, properties);
}

bool
pld_readers_add(PldReaders *readers, const char *path, const PldObjectProperties *properties)
{
    if (properties->is_reader && has_valid_name(properties))
        return add_reader(readers, path, properties);
    if (properties->is_card && properties->reader)
        return add_card(readers, path, properties);
    return true;
}

void
pld_readers_update(PldReaders *readers, const char *path, const PldObjectProperties *properties)
{
    PldReader *reader = find_reader_by_path(readers, path);

    if (reader && properties->is_reader)
        copy_properties(reader, properties);
}

static void
remove_pending_card(PldReaders *readers, const char *path)
{
    for (PldPendingCard **link = &readers->pending_cards; *link; link = &(*link)->next) {
        PldPendingCard *card = *link;
        if (strcmp(card->path, path) != 0)
            continue;
        *link = card->next;
        free_pending_card(card);
        return;
    }
}

void
pld_readers_remove(PldReaders *readers, const char *path)
{
    remove_pending_card(readers, path);
    for (size_t i = 0; i < readers->count; i++) {
        PldReader *reader = readers->list[i];
        if (reader->card && strcmp(reader->card, path) == 0) {
            free(reader->card);
            reader->card = NULL;
            reader->atr_length = 0;
        }
        if (strcmp(reader->path, path) != 0)
            continue;
        free_reader(reader);
        readers->count--;
        memmove(&readers->list[i], &readers->list[i + 1],
                (readers->count - i) * sizeof readers->list[0]);
        count_change(readers);
        return;
    }
}
