/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "handle-table.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/random.h>

#define N_BUCKETS 64

static struct {
    pthread_mutex_t lock;
    PldHandle *buckets[N_BUCKETS];
    PldHandle *lost;    /* to other processes; never freed, see handle-table.h */
    unsigned n_calls;   /* that are using a handle */
    atomic_uint *claim; /* of the handles that are contested since the fork under way */
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Calls the function for each handle; it may move the handle to another list. */
static void
for_each_handle_locked(void (*call)(PldHandle **link, void *data), void *data)
{
    for (unsigned bucket = 0; bucket < N_BUCKETS; bucket++) {
        for (PldHandle **link = &table.buckets[bucket]; *link;) {
            PldHandle *handle = *link;
            call(link, data);
            if (*link == handle)
                link = &handle->next;
        }
    }
}

static void
lose_handle_locked(PldHandle **link)
{
    PldHandle *handle = *link;

    handle->class->close_lost(handle);
    *link = handle->next;
    handle->next = table.lost;
    table.lost = handle;
}

/* Makes a word that the processes share. Returns NULL when out of memory. */
static atomic_uint *
new_claim(void)
{
    void *word =
        mmap(NULL, sizeof(atomic_uint), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return word == MAP_FAILED ? NULL : word;
}

static void
contest_handle(PldHandle **link, void *data)
{
    PldHandle *handle = *link;

    if (handle->claim)
        return;
    if (!table.claim)
        table.claim = new_claim();
    handle->claim = table.claim;
    handle->has_copies = true;
}

static void
prepare_fork(void)
{
    pthread_mutex_lock(&table.lock);
    table.claim = NULL;
    if (table.n_calls == 0)
        for_each_handle_locked(contest_handle, NULL);
}

static void
end_fork_in_parent(void)
{
    pthread_mutex_unlock(&table.lock);
}

static void
inherit_handle(PldHandle **link, void *data)
{
    PldHandle *handle = *link;

    if (!handle->claim) {
        lose_handle_locked(link);
        return;
    }
    if (!handle->inherited && handle->class->inherit)
        handle->class->inherit(handle);
    handle->inherited = true;
}

static void
end_fork_in_child(void)
{
    for_each_handle_locked(inherit_handle, NULL);
    table.n_calls = 0;
    pthread_mutex_unlock(&table.lock);
}

static void
register_fork_handlers(void)
{
    pthread_atfork(prepare_fork, end_fork_in_parent, end_fork_in_child);
}

typedef struct {
    atomic_uint *claim;
    bool won;
} PldVerdict;

static void
apply_verdict(PldHandle **link, void *data)
{
    const PldVerdict *verdict = data;
    PldHandle *handle = *link;

    if (handle->claim != verdict->claim)
        return;
    handle->claim = NULL;
    if (!verdict->won)
        lose_handle_locked(link);
}

/* Decides which process has the handles: this one, unless another one was first. */
static void
settle_locked(atomic_uint *claim)
{
    unsigned unclaimed = 0;
    PldVerdict verdict = {claim, atomic_compare_exchange_strong(claim, &unclaimed, 1)};

    for_each_handle_locked(apply_verdict, &verdict);
    munmap(claim, sizeof *claim);
}

static void
hang_up_handle(PldHandle **link, void *data)
{
    PldHandle *handle = *link;

    if (handle->has_copies && !handle->claim && !handle->inherited && handle->class->hang_up)
        handle->class->hang_up(handle);
}

/* When nothing has decided yet, this may be the parent's end in daemon(3). */
__attribute__((destructor)) static void
hang_up_at_exit(void)
{
    if (pthread_mutex_trylock(&table.lock) != 0)
        return;
    for_each_handle_locked(hang_up_handle, NULL);
    pthread_mutex_unlock(&table.lock);
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
    if (handle && handle->claim) {
        settle_locked(handle->claim);
        handle = find_locked(number);
    }
    if (handle && handle->class->kind != kind)
        handle = NULL;
    if (handle) {
        handle->references++;
        table.n_calls++;
    }
    pthread_mutex_unlock(&table.lock);
    return handle;
}

void
pld_handle_table_put(PldHandle *handle)
{
    pthread_mutex_lock(&table.lock);
    table.n_calls--;
    pthread_mutex_unlock(&table.lock);
    pld_handle_unref(handle);
}

static void
count_contexts(PldHandle **link, void *data)
{
    const PldHandle *handle = *link;
    unsigned *count = data;

    *count += handle->class->kind == PLD_HANDLE_CONTEXT && !(handle->claim && handle->inherited);
}

unsigned
pld_handle_table_count_contexts(void)
{
    unsigned count = 0;

    pthread_mutex_lock(&table.lock);
    for_each_handle_locked(count_contexts, &count);
    pthread_mutex_unlock(&table.lock);
    return count;
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
