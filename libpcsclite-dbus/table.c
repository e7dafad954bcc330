/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "table.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>

#define N_ROWS 64

static struct {
    pthread_mutex_t lock;
    PldEntry *rows[N_ROWS];
    PldEntry *inherited; /* from the parent; sd-bus does not let go of its memory in a child */
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
        for (PldEntry *entry; (entry = table.rows[row]);) {
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

static PldEntry **
row_of(long number)
{
    return &table.rows[(unsigned long)number % N_ROWS];
}

static PldEntry *
find_locked(long number)
{
    for (PldEntry *entry = *row_of(number); entry; entry = entry->next)
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
pld_table_add(PldEntry *entry, const PldEntryClass *class)
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

PldEntry *
pld_table_get(PldKind kind, long number)
{
    pthread_mutex_lock(&table.lock);
    PldEntry *entry = find_locked(number);
    if (entry && entry->class->kind != kind)
        entry = NULL;
    if (entry)
        entry->references++;
    pthread_mutex_unlock(&table.lock);
    return entry;
}

bool
pld_table_remove(PldEntry *entry)
{
    bool found = false;

    pthread_mutex_lock(&table.lock);
    for (PldEntry **link = row_of(entry->number); *link; link = &(*link)->next) {
        if (*link == entry) {
            *link = entry->next;
            found = true;
            break;
        }
    }
    pthread_mutex_unlock(&table.lock);
    if (found)
        pld_entry_unref(entry);
    return found;
}

PldEntry *
pld_entry_ref(PldEntry *entry)
{
    pthread_mutex_lock(&table.lock);
    entry->references++;
    pthread_mutex_unlock(&table.lock);
    return entry;
}

void
pld_entry_unref(PldEntry *entry)
{
    pthread_mutex_lock(&table.lock);
    bool last = --entry->references == 0;
    pthread_mutex_unlock(&table.lock);
    if (last)
        entry->class->free(entry);
}
