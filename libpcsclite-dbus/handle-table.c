/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "handle-table.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>

#define N_BUCKETS 64

static struct {
    pthread_mutex_t lock;
    PldHandle *buckets[N_BUCKETS];
    PldHandle *inherited; /* of the parent; never freed, see handle-table.h */
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
lock_before_fork(void)
{
    pthread_mutex_lock(&table.lock);
}

static void
unlock_in_parent(void)
{
    pthread_mutex_unlock(&table.lock);
}

static void
abandon_handles_in_child(void)
{
    for (unsigned bucket = 0; bucket < N_BUCKETS; bucket++) {
        for (PldHandle *handle; (handle = table.buckets[bucket]);) {
            handle->class->close_in_child(handle);
            table.buckets[bucket] = handle->next;
            handle->next = table.inherited;
            table.inherited = handle;
        }
    }
    pthread_mutex_unlock(&table.lock);
}

static void
register_fork_handlers(void)
{
    pthread_atfork(lock_before_fork, unlock_in_parent, abandon_handles_in_child);
}

static PldHandle **
find_bucket(long number)
{
    return &table.buckets[(unsigned long)number % N_BUCKETS];
}

static PldHandle *
find_locked(long number)
{
    for (PldHandle *handle = *find_bucket(number); handle; handle = handle->next)
        if (handle->number == number)
            return handle;
    return NULL;
}

/* Returns 0 if the kernel returns no random number. */
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
pld_handle_table_add(PldHandle *handle, const PldHandleClass *class)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, register_fork_handlers);
    handle->class = class;
    pthread_mutex_lock(&table.lock);
    handle->number = new_number_locked();
    if (handle->number) {
        handle->references = 2;
        handle->next = *find_bucket(handle->number);
        *find_bucket(handle->number) = handle;
    }
    pthread_mutex_unlock(&table.lock);
    return handle->number != 0;
}

PldHandle *
pld_handle_table_get(PldHandleKind kind, long number)
{
    pthread_mutex_lock(&table.lock);
    PldHandle *handle = find_locked(number);
    if (handle && handle->class->kind != kind)
        handle = NULL;
    if (handle)
        handle->references++;
    pthread_mutex_unlock(&table.lock);
    return handle;
}

bool
pld_handle_table_remove(PldHandle *handle)
{
    bool found = false;

    pthread_mutex_lock(&table.lock);
    for (PldHandle **link = find_bucket(handle->number); *link; link = &(*link)->next) {
        if (*link == handle) {
            *link = handle->next;
            found = true;
            break;
        }
    }
    pthread_mutex_unlock(&table.lock);
    if (found)
        pld_handle_unref(handle);
    return found;
}

PldHandle *
pld_handle_ref(PldHandle *handle)
{
    pthread_mutex_lock(&table.lock);
    handle->references++;
    pthread_mutex_unlock(&table.lock);
    return handle;
}

void
pld_handle_unref(PldHandle *handle)
{
    pthread_mutex_lock(&table.lock);
    bool last = --handle->references == 0;
    pthread_mutex_unlock(&table.lock);
    if (last)
        handle->class->free(handle);
}
