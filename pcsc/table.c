/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "table.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>

#define N_ROWS 64

static struct {
    pthread_mutex_t lock;
    ScdEntry *rows[N_ROWS];
    ScdEntry *inherited; /* from the parent; sd-bus does not let go of its memory in a child */
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
before_fork(void)
{
    pthread_mutex_lock(&table.lock);
}

static void
after_fork_in_parent(void)
{
    pthread_mutex_unlock(&table.lock);
}

static void
after_fork_in_child(void)
{
    for (unsigned row = 0; row < N_ROWS; row++) {
        for (ScdEntry *entry; (entry = table.rows[row]);) {
            entry->class->abandon_in_child(entry);
            table.rows[row] = entry->next;
            entry->next = table.inherited;
            table.inherited = entry;
        }
    }
    pthread_mutex_unlock(&table.lock);
}

static void
watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static ScdEntry **
row_of(long number)
{
    return &table.rows[(unsigned long)number % N_ROWS];
}

static ScdEntry *
find_locked(long number)
{
    for (ScdEntry *entry = *row_of(number); entry; entry = entry->next)
        if (entry->number == number)
            return entry;
    return NULL;
}

/* 0 when the kernel has none. */
static long
new_number_locked(void)
{
    uint32_t number;

    do {
        if (getrandom(&number, sizeof number, 0) != sizeof number)
            return 0;
        number &= INT32_MAX;
    } while (number == 0 || find_locked(number));
    return (long)number;
}

bool
scd_table_add(ScdEntry *entry, const ScdEntryClass *class)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, watch_forks);
    entry->class = class;
    pthread_mutex_lock(&table.lock);
    entry->number = new_number_locked();
    if (entry->number) {
        entry->references = 2;
        entry->next = *row_of(entry->number);
        *row_of(entry->number) = entry;
    }
    pthread_mutex_unlock(&table.lock);
    return entry->number != 0;
}

ScdEntry *
scd_table_get(ScdKind kind, long number)
{
    pthread_mutex_lock(&table.lock);
    ScdEntry *entry = find_locked(number);
    if (entry && entry->class->kind != kind)
        entry = NULL;
    if (entry)
        entry->references++;
    pthread_mutex_unlock(&table.lock);
    return entry;
}

bool
scd_table_remove(ScdEntry *entry)
{
    bool found = false;

    pthread_mutex_lock(&table.lock);
    for (ScdEntry **link = row_of(entry->number); *link; link = &(*link)->next) {
        if (*link == entry) {
            *link = entry->next;
            found = true;
            break;
        }
    }
    pthread_mutex_unlock(&table.lock);
    if (found)
        scd_entry_unref(entry);
    return found;
}

ScdEntry *
scd_entry_ref(ScdEntry *entry)
{
    pthread_mutex_lock(&table.lock);
    entry->references++;
    pthread_mutex_unlock(&table.lock);
    return entry;
}

void
scd_entry_unref(ScdEntry *entry)
{
    pthread_mutex_lock(&table.lock);
    bool last = --entry->references == 0;
    pthread_mutex_unlock(&table.lock);
    if (last)
        entry->class->free(entry);
}
