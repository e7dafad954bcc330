/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A library to be preloaded into the service that simulates the faults of pcsc-lite 2.5 on any
 * version. It passes all calls on to libpcsclite and changes some of the results.
 *
 * The directory SCD_FAULTS holds the orders, one file each. These are in effect while the file
 * exists:
 *
 *   wait-error    two of three calls of SCardGetStatusChange fail at once, with UNKNOWN_READER and
 *                 with UNSUPPORTED_FEATURE
 *   wait-unknown  every second call reports a reader as unknown that is present
 *   list-empty    SCardListReaders finds no readers
 *   list-gone     SCardListReaders finds that pcscd has ended, five times at least before the fault
 *                 counts as one that has occurred
 *   list-garbage  every second result of SCardListReaders contains garbage
 *   list-wrong    every second one contains the name of a reader that does not exist
 *   long-answer   SCardTransmit, SCardControl and SCardGetAttrib return a length above that of the
 *                 buffer
 *   padded-answer the same calls return a length that is greater by 100 than the bytes they write
 *   long-atr      every second call of SCardGetStatusChange returns ATRs of 34 bytes
 *   odd-code      SCardTransmit fails with a code that winscard.h does not have
 *   out-of-step   every seventh call of these two fails with INSUFFICIENT_BUFFER, and so do all
 *                 later calls with its context
 *   wait-breaks   SCardGetStatusChange fails like this if it is to wait; shown by the eighth time
 *   count-late    SCardGetStatusChange returns a card that comes twice with the event count of
 *                 before, as if it was called just before pcscd increases that
 *   plug-missed   the plug-and-play entry has a count, as since pcsc-lite 2.3, which stays the
 *                 same, and is not reported as changed, as for a slot that appears between two
 *                 calls
 *
 * ORDER.happened shows that the fault has occurred, and quiet.happened that a wait of more than a
 * minute has begun, which only an event ends. The following files are removed by the fault, which
 * occurs once:
 *
 *   list-hangs    SCardListReaders does not return
 *   list-stale    SCardListReaders fails from now on, in this process
 *   look-dwells   a call of SCardGetStatusChange that does not wait returns its result only after
 *                 the pipe look-dwells.end was opened
 *   probe-dwells  the same for a direct connection to a reader, which probes make
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
is_ordered(const char *order)
{
    char path[256];
    order_path(path, sizeof path, order);
    return access(path, F_OK) == 0;
}

static int
take_order(const char *order)
{
    char path[256];
    order_path(path, sizeof path, order);
    return unlink(path) == 0;
}

/* Shows the test that the fault has occurred. */
static void
note_fault(const char *order)
{
    char name[64], path[256];
    snprintf(name, sizeof name, "%s.happened", order);
    order_path(path, sizeof path, name);
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (file >= 0)
        close(file);
}

static void *
find_next(const char *name)
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

    if (is_ordered("out-of-step") && ++calls % 7 == 0) {
        broken = context;
        note_fault("out-of-step");
    }
    return broken != 0 && context == broken;
}

/* Makes the first name another one that is valid. */
static void
replace_name(char *names, DWORD length)
{
    if (length > 8)
        memcpy(names, "Wrong", 5);
}

/* Makes the first name invalid UTF-8. */
static void
spoil_list(char *names, DWORD length)
{
    if (length > 8)
        memset(names + 2, 0xC3, 3);
}

__attribute__((visibility("default"))) LONG
SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR names, LPDWORD length)
{
    static int stale, calls, gone;
    LONG (*next)(SCARDCONTEXT, LPCSTR, LPSTR, LPDWORD) = find_next("SCardListReaders");

    if (take_order("list-hangs"))
        for (;;)
            pause();
    if (take_order("list-stale"))
        stale = 1;
    if (stale)
        return SCARD_E_UNSUPPORTED_FEATURE;

    if (is_ordered("list-gone")) {
        if (++gone == 5)
            note_fault("list-gone");
        return SCARD_E_NO_SERVICE;
    }
    if (is_out_of_step(context))
        return SCARD_E_INSUFFICIENT_BUFFER;
    if (is_ordered("list-empty"))
        return SCARD_E_NO_READERS_AVAILABLE;
    LONG code = next(context, groups, names, length);
    if (code == SCARD_S_SUCCESS && is_ordered("list-garbage") && ++calls % 2 == 0) {
        spoil_list(*(char **)names, *length);
        note_fault("list-garbage");
    }
    if (code == SCARD_S_SUCCESS && is_ordered("list-wrong") && ++calls % 2 == 0) {
        replace_name(*(char **)names, *length);
        note_fault("list-wrong");
    }
    return code;
}

static void
wait_for_end(const char *order)
{
    char name[64], path[256];
    snprintf(name, sizeof name, "%s.end", order);
    order_path(path, sizeof path, name);
    note_fault(order);
    int pipe = open(path, O_RDONLY | O_CLOEXEC);
    if (pipe >= 0)
        close(pipe);
}

__attribute__((visibility("default"))) LONG
SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD share_mode, DWORD protocols,
             LPSCARDHANDLE card, LPDWORD protocol)
{
    LONG(*next)
    (SCARDCONTEXT, LPCSTR, DWORD, DWORD, LPSCARDHANDLE, LPDWORD) = find_next("SCardConnect");

    LONG code = next(context, reader, share_mode, protocols, card, protocol);
    if (share_mode == SCARD_SHARE_DIRECT && take_order("probe-dwells"))
        wait_for_end("probe-dwells");
    return code;
}

typedef LONG (*StatusChange)(SCARDCONTEXT, DWORD, SCARD_READERSTATE *, DWORD);

/* The last entry is the one for plug and play. */
static LONG
miss_plugging(StatusChange next, SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states,
              DWORD n)
{
    SCARD_READERSTATE *last = &states[n - 1];
    DWORD current = last->dwCurrentState;
    int is_plug_and_play = strstr(last->szReader, "PnP") != NULL;

    if (is_plug_and_play)
        last->dwCurrentState = 0;
    LONG code = next(context, timeout, states, n);
    last->dwCurrentState = current;
    if (is_plug_and_play)
        last->dwEventState = 1 << 16;
    return code;
}

static void
delay_counts(SCARD_READERSTATE *states, DWORD n)
{
    static struct {
        const char *name;
        int times;
    } late[16];

    for (DWORD i = 0; i < n && i < sizeof late / sizeof late[0]; i++) {
        DWORD was = states[i].dwCurrentState, *is = &states[i].dwEventState;
        int comes = (was & SCARD_STATE_EMPTY) && (*is & SCARD_STATE_PRESENT);

        if (late[i].name != states[i].szReader || comes)
            late[i].times = comes ? 2 : 0;
        late[i].name = states[i].szReader;
        if (late[i].times == 0)
            continue;
        *is -= 1 << 16;
        if (--late[i].times == 0)
            note_fault("count-late");
    }
}

__attribute__((visibility("default"))) LONG
SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states, DWORD n)
{
    static int errors, waits, breaks;
    LONG(*next)
    (SCARDCONTEXT, DWORD, SCARD_READERSTATE *, DWORD) = find_next("SCardGetStatusChange");

    if (is_ordered("wait-error")) {
        int index = ++errors % 3;
        note_fault("wait-error");
        if (index == 1)
            return SCARD_E_UNKNOWN_READER;
        if (index == 2)
            return SCARD_E_UNSUPPORTED_FEATURE;
    }
    if (is_out_of_step(context))
        return SCARD_E_INSUFFICIENT_BUFFER;
    if (timeout > 0 && is_ordered("wait-breaks")) {
        if (++breaks == 8)
            note_fault("wait-breaks");
        return SCARD_E_INSUFFICIENT_BUFFER;
    }
    if (timeout > 60000)
        note_fault("quiet");
    LONG code = is_ordered("plug-missed") ? miss_plugging(next, context, timeout, states, n)
                                          : next(context, timeout, states, n);
    if (timeout == 0 && take_order("look-dwells"))
        wait_for_end("look-dwells");
    if (code == SCARD_S_SUCCESS && n > 1 && is_ordered("wait-unknown") && ++waits % 2 == 1) {
        states[0].dwEventState =
            SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE | SCARD_STATE_CHANGED;
        note_fault("wait-unknown");
    }
    if (code == SCARD_S_SUCCESS && is_ordered("count-late"))
        delay_counts(states, n);
    if (code == SCARD_S_SUCCESS && is_ordered("long-atr") && ++waits % 2 == 1) {
        for (DWORD i = 0; i < n; i++)
            states[i].cbAtr = MAX_ATR_SIZE + 1;
        note_fault("long-atr");
    }
    return code;
}

/* size: of the buffer. */
static void
spoil_length(LONG code, DWORD size, DWORD *length)
{
    if (code == SCARD_S_SUCCESS && is_ordered("long-answer"))
        *length = size + 1;
    else if (code == SCARD_S_SUCCESS && is_ordered("padded-answer"))
        *length += 100;
}

__attribute__((visibility("default"))) LONG
SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *send_pci, LPCBYTE command,
              DWORD command_length, SCARD_IO_REQUEST *receive_pci, LPBYTE response, LPDWORD length)
{
    __typeof__(&SCardTransmit) next = find_next("SCardTransmit");
    DWORD size = *length;

    if (is_ordered("odd-code"))
        return (LONG)0xDEADBEEF;
    LONG code = next(card, send_pci, command, command_length, receive_pci, response, length);
    spoil_length(code, size, length);
    return code;
}

__attribute__((visibility("default"))) LONG
SCardControl(SCARDHANDLE card, DWORD control_code, LPCVOID input, DWORD input_length, LPVOID output,
             DWORD size, LPDWORD length)
{
    __typeof__(&SCardControl) next = find_next("SCardControl");
    LONG code = next(card, control_code, input, input_length, output, size, length);

    spoil_length(code, size, length);
    return code;
}

__attribute__((visibility("default"))) LONG
SCardGetAttrib(SCARDHANDLE card, DWORD id, LPBYTE value, LPDWORD length)
{
    __typeof__(&SCardGetAttrib) next = find_next("SCardGetAttrib");
    DWORD size = *length;
    LONG code = next(card, id, value, length);

    spoil_length(code, size, length);
    return code;
}
