/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The rules for the threads of the service, see docs/architecture.md:
 *
 *   - the main thread calls no function of libpcsclite
 *   - two threads do not use one context at once, except to cancel its wait
 *   - only the monitor uses the table of readers, which has no lock in pcsc-lite 1.9.9
 *   - contexts and handles are opened and closed by one thread at a time
 *   - a context or a handle is not used after it was closed: pcscd may have given its number away
 */

#include "shim.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CONTEXTS_MAX = 256, CARDS_MAX = 4096, NAME_SIZE = 16 };

typedef struct {
    SCARDCONTEXT context; /* 0: the place is free */
    const char *function; /* the call that uses it; NULL for none */
    char thread[NAME_SIZE];
    bool is_lost;
} OpenContext;

typedef struct {
    SCARDHANDLE card; /* 0: the place is free */
    SCARDCONTEXT context;
} OpenCard;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static OpenContext contexts[CONTEXTS_MAX];
static OpenCard cards[CARDS_MAX];
static const char *alone; /* the call of RULES_ALONE that runs; NULL for none */

void
shim_abort(const char *format, ...)
{
    va_list arguments;

    fputs("libscd-random-faults: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    fflush(stderr);
    abort();
}

void *
shim_find_next(const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);

    if (!symbol)
        shim_abort("there is no function %s", name);
    return symbol;
}

static void
get_thread_name(char *name)
{
    if (pthread_getname_np(pthread_self(), name, NAME_SIZE) != 0)
        strcpy(name, "?");
}

bool
rules_is_monitor(void)
{
    char name[NAME_SIZE];

    get_thread_name(name);
    return strcmp(name, "monitor") == 0;
}

static OpenContext *
find_context_locked(SCARDCONTEXT context)
{
    for (size_t i = 0; i < CONTEXTS_MAX; i++)
        if (contexts[i].context == context)
            return &contexts[i];
    return NULL;
}

static OpenCard *
find_card_locked(SCARDHANDLE card)
{
    for (size_t i = 0; i < CARDS_MAX; i++)
        if (cards[i].card == card)
            return &cards[i];
    return NULL;
}

static void
begin_alone_locked(const char *function)
{
    if (alone)
        shim_abort("%s while another thread is in %s", function, alone);
    alone = function;
}

static void
begin_in_context_locked(const char *function, SCARDCONTEXT context, RulesFlags flags)
{
    OpenContext *open = find_context_locked(context);

    if (!open)
        shim_abort("%s with a context that is not open", function);
    if (flags & RULES_ANY_CONTEXT)
        return;
    if (open->function)
        shim_abort("%s with a context that the thread %s uses in %s", function, open->thread,
                   open->function);
    open->function = function;
    get_thread_name(open->thread);
}

void
rules_begin(const char *function, SCARDCONTEXT context, RulesFlags flags)
{
    if (syscall(SYS_gettid) == getpid())
        shim_abort("%s in the main thread", function);
    if ((flags & RULES_MONITOR_ONLY) && !rules_is_monitor())
        shim_abort("%s in another thread than the monitor", function);
    pthread_mutex_lock(&lock);
    if (flags & RULES_ALONE)
        begin_alone_locked(function);
    if (context != 0)
        begin_in_context_locked(function, context, flags);
    pthread_mutex_unlock(&lock);
}

void
rules_end(SCARDCONTEXT context, RulesFlags flags)
{
    pthread_mutex_lock(&lock);
    if (flags & RULES_ALONE)
        alone = NULL;
    OpenContext *open = context != 0 ? find_context_locked(context) : NULL;
    if (open && !(flags & RULES_ANY_CONTEXT))
        open->function = NULL;
    pthread_mutex_unlock(&lock);
}

void
rules_add_context(SCARDCONTEXT context)
{
    pthread_mutex_lock(&lock);
    OpenContext *place = find_context_locked(0);
    if (!place)
        shim_abort("more than %d contexts", CONTEXTS_MAX);
    *place = (OpenContext){.context = context};
    pthread_mutex_unlock(&lock);
}

void
rules_remove_context(SCARDCONTEXT context)
{
    pthread_mutex_lock(&lock);
    OpenContext *open = find_context_locked(context);
    if (open)
        *open = (OpenContext){0};
    for (size_t i = 0; i < CARDS_MAX; i++)
        if (cards[i].context == context)
            cards[i] = (OpenCard){0};
    pthread_mutex_unlock(&lock);
}

void
rules_add_card(SCARDHANDLE card, SCARDCONTEXT context)
{
    pthread_mutex_lock(&lock);
    OpenCard *place = find_card_locked(0);
    if (!place)
        shim_abort("more than %d handles", CARDS_MAX);
    *place = (OpenCard){.card = card, .context = context};
    pthread_mutex_unlock(&lock);
}

void
rules_remove_card(SCARDHANDLE card)
{
    pthread_mutex_lock(&lock);
    OpenCard *open = find_card_locked(card);
    if (open)
        *open = (OpenCard){0};
    pthread_mutex_unlock(&lock);
}

SCARDCONTEXT
rules_context_of(const char *function, SCARDHANDLE card)
{
    pthread_mutex_lock(&lock);
    OpenCard *open = card != 0 ? find_card_locked(card) : NULL;
    if (!open)
        shim_abort("%s with a handle that is not open", function);
    SCARDCONTEXT context = open->context;
    pthread_mutex_unlock(&lock);
    return context;
}

void
rules_lose_context(SCARDCONTEXT context)
{
    pthread_mutex_lock(&lock);
    OpenContext *open = find_context_locked(context);
    if (open)
        open->is_lost = true;
    pthread_mutex_unlock(&lock);
}

void
rules_lose_all(void)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < CONTEXTS_MAX; i++)
        contexts[i].is_lost = contexts[i].context != 0;
    pthread_mutex_unlock(&lock);
}

bool
rules_is_lost(SCARDCONTEXT context)
{
    pthread_mutex_lock(&lock);
    const OpenContext *open = context != 0 ? find_context_locked(context) : NULL;
    bool is_lost = open && open->is_lost;
    pthread_mutex_unlock(&lock);
    return is_lost;
}
