/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "readers.h"

#include <stdlib.h>
#include <string.h>

typedef struct ScdStrayCard ScdStrayCard;

struct ScdStrayCard {
    ScdStrayCard *next;
    char *path;
    char *reader;
    uint8_t atr[MAX_ATR_SIZE];
    size_t atr_length;
};

static void
free_reader(ScdReader *reader)
{
    if (!reader)
        return;
    free(reader->path);
    free(reader->name);
    free(reader->card);
    free(reader);
}

static void
free_stray(ScdStrayCard *stray)
{
    if (!stray)
        return;
    free(stray->path);
    free(stray->reader);
    free(stray);
}

void
scd_readers_clear(ScdReaders *readers)
{
    for (size_t i = 0; i < readers->count; i++)
        free_reader(readers->list[i]);
    for (ScdStrayCard *stray = readers->strays, *next; stray; stray = next) {
        next = stray->next;
        free_stray(stray);
    }
    free(readers->list);
    *readers = (ScdReaders){.changes = readers->changes};
}

const ScdReader *
scd_readers_find(const ScdReaders *readers, const char *name)
{
    for (size_t i = 0; i < readers->count; i++)
        if (strcmp(readers->list[i]->name, name) == 0)
            return readers->list[i];
    return NULL;
}

static ScdReader *
find_path(const ScdReaders *readers, const char *path)
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
take_facts(ScdReader *reader, const ScdFacts *facts)
{
    if (facts->has_state)
        reader->state = facts->state & 0xFFFF;
    if (facts->has_event_count)
        reader->event_count = facts->event_count & 0xFFFF;
}

static bool
put_card_in(ScdReader *reader, const char *path, const uint8_t *atr, size_t atr_length)
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
insert(ScdReaders *readers, ScdReader *reader)
{
    ScdReader **list = reallocarray(readers->list, readers->count + 1, sizeof *list);
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
adopt_strays(ScdReaders *readers, ScdReader *reader)
{
    bool done = true;

    for (ScdStrayCard **link = &readers->strays; *link;) {
        ScdStrayCard *stray = *link;
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
add_reader(ScdReaders *readers, const char *path, const ScdFacts *facts)
{
    scd_readers_remove(readers, path);
    ScdReader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return false;
    reader->path = strdup(path);
    reader->name = strdup(facts->name);
    take_facts(reader, facts);
    if (reader->path && reader->name && insert(readers, reader))
        return adopt_strays(readers, reader);
    free_reader(reader);
    return false;
}

static bool
add_stray(ScdReaders *readers, const char *path, const ScdFacts *facts)
{
    ScdStrayCard *stray = calloc(1, sizeof *stray);

    if (!stray)
        return false;
    stray->path = strdup(path);
    stray->reader = strdup(facts->reader);
    if (!stray->path || !stray->reader) {
        free_stray(stray);
        return false;
    }
    memcpy(stray->atr, facts->atr, facts->atr_length);
    stray->atr_length = facts->atr_length;
    stray->next = readers->strays;
    readers->strays = stray;
    return true;
}

static bool
add_card(ScdReaders *readers, const char *path, const ScdFacts *facts)
{
    ScdReader *reader = find_path(readers, facts->reader);

    return reader ? put_card_in(reader, path, facts->atr, facts->atr_length)
                  : add_stray(readers, path, facts);
}

bool
scd_readers_add(ScdReaders *readers, const char *path, const ScdFacts *facts)
{
    if (facts->is_reader && facts->name && *facts->name && strlen(facts->name) < MAX_READERNAME)
        return add_reader(readers, path, facts);
    if (facts->is_card && facts->reader)
        return add_card(readers, path, facts);
    return true;
}

void
scd_readers_update(ScdReaders *readers, const char *path, const ScdFacts *facts)
{
    ScdReader *reader = find_path(readers, path);

    if (reader && facts->is_reader)
        take_facts(reader, facts);
}

static void
remove_stray(ScdReaders *readers, const char *path)
{
    for (ScdStrayCard **link = &readers->strays; *link; link = &(*link)->next) {
        ScdStrayCard *stray = *link;
        if (strcmp(stray->path, path) != 0)
            continue;
        *link = stray->next;
        free_stray(stray);
        return;
    }
}

void
scd_readers_remove(ScdReaders *readers, const char *path)
{
    remove_stray(readers, path);
    for (size_t i = 0; i < readers->count; i++) {
        ScdReader *reader = readers->list[i];
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
