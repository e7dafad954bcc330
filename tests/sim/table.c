/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The open slots of this library: pcscd identifies each by its logical unit, the control program by
 * its address, which is NAME for slot 0 of a reader and NAME@SLOT for the others. Both are unique.
 *
 * The lock of the table is held only to find, add or remove a slot, never while a thread sleeps;
 * the lock of a slot is taken inside it, so that a slot cannot be closed between being found and
 * being locked.
 */

#include "table.h"

#include <reader.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next;
    DWORD lun;
    unsigned slots;
    char address[DEVICE_NAME_MAX + sizeof("@65535")];
    struct slot slot;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *entries;

/* Returns the link to the entry; the end of the list if there is none. */
static struct entry **
find_entry(DWORD lun)
{
    struct entry **link = &entries;

    while (*link != NULL && (*link)->lun != lun)
        link = &(*link)->next;
    return link;
}

static struct entry **
find_by_address(const char *address)
{
    struct entry **link = &entries;

    while (*link != NULL && strcmp((*link)->address, address) != 0)
        link = &(*link)->next;
    return link;
}

static void
set_channel(struct slot *slot, uint32_t channel)
{
    const uint8_t bytes[] = {(uint8_t)channel, (uint8_t)(channel >> 8), (uint8_t)(channel >> 16),
                             (uint8_t)(channel >> 24)};

    order_set(&slot->attributes, SCARD_ATTR_CHANNEL_ID, bytes, sizeof(bytes));
}

static struct entry *
entry_new(DWORD lun, const struct device *device)
{
    struct entry *entry = malloc(sizeof(*entry));
    unsigned number = lun & 0xFFFF;

    if (entry == NULL)
        return NULL;
    entry->next = NULL;
    entry->lun = lun;
    entry->slots = device->slots;
    snprintf(entry->address, sizeof(entry->address), number == 0 ? "%s" : "%s@%u", device->name,
             number);

    slot_init(&entry->slot, number == 0 ? &device->atr : &(struct atr){0});
    if (device->channel != 0)
        set_channel(&entry->slot, device->channel);
    return entry;
}

static void
entry_free(struct entry *entry)
{
    if (entry == NULL)
        return;
    slot_destroy(&entry->slot);
    free(entry);
}

bool
table_open(DWORD lun, const struct device *device)
{
    struct entry *entry = (lun & 0xFFFF) < device->slots ? entry_new(lun, device) : NULL;

    if (entry == NULL)
        return false;
    pthread_mutex_lock(&lock);
    struct entry **end = find_entry(lun);
    bool unique = *end == NULL && *find_by_address(entry->address) == NULL;
    if (unique)
        *end = entry;
    pthread_mutex_unlock(&lock);

    if (!unique)
        entry_free(entry);
    return unique;
}

bool
table_close(DWORD lun)
{
    pthread_mutex_lock(&lock);
    struct entry **link = find_entry(lun);
    struct entry *entry = *link;
    if (entry != NULL)
        *link = entry->next;
    pthread_mutex_unlock(&lock);

    entry_free(entry);
    return entry != NULL;
}

static struct slot *
lock_slot(struct entry *entry)
{
    if (entry == NULL)
        return NULL;
    pthread_mutex_lock(&entry->slot.lock);
    return &entry->slot;
}

struct slot *
table_acquire(DWORD lun)
{
    pthread_mutex_lock(&lock);
    struct slot *slot = lock_slot(*find_entry(lun));
    pthread_mutex_unlock(&lock);
    return slot;
}

struct slot *
table_acquire_by_address(const char *address)
{
    pthread_mutex_lock(&lock);
    struct slot *slot = lock_slot(*find_by_address(address));
    pthread_mutex_unlock(&lock);
    return slot;
}

void
table_release(struct slot **slot)
{
    if (*slot != NULL)
        pthread_mutex_unlock(&(*slot)->lock);
}

unsigned
table_count_slots(DWORD lun)
{
    pthread_mutex_lock(&lock);
    struct entry *entry = *find_entry(lun);
    unsigned slots = entry != NULL ? entry->slots : 1;
    pthread_mutex_unlock(&lock);
    return slots;
}

void
table_list(FILE *stream)
{
    pthread_mutex_lock(&lock);
    for (const struct entry *entry = entries; entry != NULL; entry = entry->next)
        fprintf(stream, " %s", entry->address);
    pthread_mutex_unlock(&lock);
}
