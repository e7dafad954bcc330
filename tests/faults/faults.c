/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The faults of pcsc-lite 2.5, to order, on any version: a library to be
 * preloaded into the service, which passes all calls on to the real libpcsclite
 * and spoils some of the answers.
 *
 * The folder SCD_FAULTS holds the orders, a file each. These go on until the
 * file is taken away:
 *
 *   wait-error    every third SCardGetStatusChange ends in UNKNOWN_READER, and
 *                 every third in UNSUPPORTED_FEATURE, before it began
 *   wait-unknown  every second one says that a reader is unknown that is there
 *   list-garbage  every second SCardListReaders has garbage in it
 *   out-of-step   every seventh call of these two ends in INSUFFICIENT_BUFFER, and so
 *                 does any later one on its context
 *
 * ORDER.happened says that it did, and quiet.happened that a wait of more than a minute has begun,
 * which is for nothing but an event. These are taken away by the fault itself, so that there is one
 * of it:
 *
 *   list-hangs    SCardListReaders does not return
 *   list-stale    SCardListReaders fails from now on, in this process
 *   look-dwells   a SCardGetStatusChange that does not wait returns what it saw only when somebody
 *                 has opened the pipe look-dwells.end
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <winscard.h>

static void
order_path(char *path, size_t size, const char *order)
{
    const char *folder = getenv("SCD_FAULTS");
    snprintf(path, size, "%s/%s", folder ? folder : "/nonexistent", order);
}

static int
ordered(const char *order)
{
    char path[256];
    order_path(path, sizeof path, order);
    return access(path, F_OK) == 0;
}

static int
ordered_once(const char *order)
{
    char path[256];
    order_path(path, sizeof path, order);
    return unlink(path) == 0;
}

/* For the test, which wants to know that it tested something. */
static void
note_that_it_happened(const char *order)
{
    char name[64], path[256];
    snprintf(name, sizeof name, "%s.happened", order);
    order_path(path, sizeof path, name);
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (file >= 0)
        close(file);
}

static void *
real(const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (!symbol)
        abort();
    return symbol;
}

static int
is_out_of_step(SCARDCONTEXT context)
{
    static SCARDCONTEXT broken;
    static int calls;

    if (ordered("out-of-step") && ++calls % 7 == 0) {
        broken = context;
        note_that_it_happened("out-of-step");
    }
    return broken != 0 && context == broken;
}

/* A first name that is no UTF-8. */
static void
spoil_list(char *names, DWORD length)
{
    if (length > 8)
        memset(names + 2, 0xC3, 3);
}

__attribute__((visibility("default"))) LONG
SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR names, LPDWORD length)
{
    static int stale, calls;
    LONG (*next)(SCARDCONTEXT, LPCSTR, LPSTR, LPDWORD) = real("SCardListReaders");

    if (ordered_once("list-hangs"))
        for (;;)
            pause();
    if (ordered_once("list-stale"))
        stale = 1;
    if (stale)
        return SCARD_E_UNSUPPORTED_FEATURE;

    if (is_out_of_step(context))
        return SCARD_E_INSUFFICIENT_BUFFER;
    LONG code = next(context, groups, names, length);
    if (code == SCARD_S_SUCCESS && ordered("list-garbage") && ++calls % 2 == 0) {
        spoil_list(*(char **)names, *length);
        note_that_it_happened("list-garbage");
    }
    return code;
}

static void
dwell(void)
{
    char path[256];
    order_path(path, sizeof path, "look-dwells.end");
    note_that_it_happened("look-dwells");
    int pipe = open(path, O_RDONLY | O_CLOEXEC);
    if (pipe >= 0)
        close(pipe);
}

__attribute__((visibility("default"))) LONG
SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states, DWORD n)
{
    static int errors, waits;
    LONG (*next)(SCARDCONTEXT, DWORD, SCARD_READERSTATE *, DWORD) = real("SCardGetStatusChange");

    if (ordered("wait-error")) {
        int turn = ++errors % 3;
        note_that_it_happened("wait-error");
        if (turn == 1)
            return SCARD_E_UNKNOWN_READER;
        if (turn == 2)
            return SCARD_E_UNSUPPORTED_FEATURE;
    }
    if (is_out_of_step(context))
        return SCARD_E_INSUFFICIENT_BUFFER;
    if (timeout > 60000)
        note_that_it_happened("quiet");
    LONG code = next(context, timeout, states, n);
    if (timeout == 0 && ordered_once("look-dwells"))
        dwell();
    if (code == SCARD_S_SUCCESS && n > 1 && ordered("wait-unknown") && ++waits % 2 == 1) {
        states[0].dwEventState =
            SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE | SCARD_STATE_CHANGED;
        note_that_it_happened("wait-unknown");
    }
    return code;
}
