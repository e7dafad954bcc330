/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "readers.h"

#include <stdlib.h>
#include <string.h>

typedef struct PldStrayCard PldStrayCard;

struct PldStrayCard {
    PldStrayCard *next;
    char *path;
    char *reader;
    uint8_t atr[MAX_ATR_SIZE];
    size_t atr_length;
};

static void
free_reader(PldReader *reader)
{
    if (!reader)
        return;
    free(reader->path);
    free(reader->name);
    free(reader->card);
    free(reader);
}

static void
free_stray(PldStrayCard *stray)
{
    if (!stray)
        return;
    free(stray->path);
    free(stray->reader);
    free(stray);
}

void
pld_readers_clear(PldReaders *readers)
{
    for (size_t i = 0; i < readers->count; i++)
        free_reader(readers->list[i]);
    for (PldStrayCard *stray = readers->strays, *next; stray; stray = next) {
        next = stray->next;
        free_stray(stray);
    }
    free(readers->list);
    *readers = (PldReaders){.changes = readers->changes};
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
find_path(const PldReaders *readers, const char *path)
{
    for (size_t i = 0; i < readers->count; i++)
        if (strcmp(readers->list[i]->path, path) == 0)
            return readers->list[i];
    return NULL;
}

/* Of "NAME RR SS", two hexadecimal numbers, RRSS; other names come last. */
static unsigned long
place_of(const char *name)
{
    size_t length = strlen(name);
    char *end = NULL;

    if (length < 6 || name[length - 6] != ' ' || name[length - 3] != ' ')
        return 0x10000;
    const char digits[] = {name[length - 5], name[length - 4], name[length - 2], name[length - 1],
                           '\0'};
    unsigned long place = strtoul(digits, &end, 16);
    return *end ? 0x10000 : place;
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
put_card_in(PldReader *reader, const char *path, const uint8_t *atr, size_t atr_length)
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

/* Makes room for one at the place where it belongs. */
static bool
insert(PldReaders *readers, PldReader *reader)
{
    PldReader **list = reallocarray(readers->list, readers->count + 1, sizeof *list);
    size_t at = readers->count;

    if (!list)
        return false;
    readers->list = list;
    for (; at > 0 && place_of(list[at - 1]->name) > place_of(reader->name); at--)
        list[at] = list[at - 1];
    list[at] = reader;
    readers->count++;
    readers->changes++;
    return true;
}

/* Its card may have been told of before. */
static bool
adopt_strays(PldReaders *readers, PldReader *reader)
{
    bool done = true;

    for (PldStrayCard **link = &readers->strays; *link;) {
        PldStrayCard *stray = *link;
        if (strcmp(stray->reader, reader->path) != 0) {
            link = &stray->next;
            continue;
        }
        done &= put_card_in(reader, stray->path, stray->atr, stray->atr_length);
        *link = stray->next;
        free_stray(stray);
    }
    return done;
}

static bool
add_reader(PldReaders *readers, const char *path, const PldObjectProperties *properties)
{
    pld_readers_remove(readers, path);
    PldReader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return false;
    reader->path = strdup(path);
    reader->name = strdup(properties->name);
    copy_properties(reader, properties);
    if (reader->path && reader->name && insert(readers, reader))
        return adopt_strays(readers, reader);
    free_reader(reader);
    return false;
}

static bool
add_stray(PldReaders *readers, const char *path, const PldObjectProperties *properties)
{
    PldStrayCard *stray = calloc(1, sizeof *stray);

    if (!stray)
        return false;
    stray->path = strdup(path);
    stray->reader = strdup(properties->reader);
    if (!stray->path || !stray->reader) {
        free_stray(stray);
        return false;
    }
    memcpy(stray->atr, properties->atr, properties->atr_length);
    stray->atr_length = properties->atr_length;
    stray->next = readers->strays;
    readers->strays = stray;
    return true;
}

static bool
add_card(PldReaders *readers, const char *path, const PldObjectProperties *properties)
{
    PldReader *reader = find_path(readers, properties->reader);

    return reader ? put_card_in(reader, path, properties->atr, properties->atr_length)
                  : add_stray(readers, path, properties);
}

bool
pld_readers_add(PldReaders *readers, const char *path, const PldObjectProperties *properties)
{
    if (properties->is_reader && properties->name && *properties->name &&
        strlen(properties->name) < MAX_READERNAME)
        return add_reader(readers, path, properties);
    if (properties->is_card && properties->reader)
        return add_card(readers, path, properties);
    return true;
}

void
pld_readers_update(PldReaders *readers, const char *path, const PldObjectProperties *properties)
{
    PldReader *reader = find_path(readers, path);

    if (reader && properties->is_reader)
        copy_properties(reader, properties);
}

static void
remove_stray(PldReaders *readers, const char *path)
{
    for (PldStrayCard **link = &readers->strays; *link; link = &(*link)->next) {
        PldStrayCard *stray = *link;
        if (strcmp(stray->path, path) != 0)
            continue;
        *link = stray->next;
        free_stray(stray);
        return;
    }
}

void
pld_readers_remove(PldReaders *readers, const char *path)
{
    remove_stray(readers, path);
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
        readers->changes++;
        return;
    }
}
