/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The cost of PC/SC through the library over the bus, compared with pcsc-lite's own in the same
 * process.
 *
 *   library transmit|connect LIBRARY READER ROUNDS CALLS
 *
 * Prints one line for each round (see next_round()): microseconds for each of CALLS calls,
 * directly, directly again, and through the library, a file.
 *
 *   library wait LIBRARY READER
 *
 * Waits through the library for a change of a reader with a card, without end; prints a line first.
 */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

#include "measure.h"

#define PROTOCOLS (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)

typedef struct {
    __typeof__(SCardEstablishContext) *establish;
    __typeof__(SCardConnect) *connect;
    __typeof__(SCardDisconnect) *disconnect;
    __typeof__(SCardTransmit) *transmit;
    __typeof__(SCardGetStatusChange) *get_status_change;
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
} PcscLibrary;

typedef void LibraryCall(PcscLibrary *library, const char *reader);

static void
check_code(LONG code, const char *what)
{
    check(code == SCARD_S_SUCCESS, what);
}

static void
load_library(PcscLibrary *library, const char *file)
{
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    check(handle != NULL, file);

    library->establish = dlsym(handle, "SCardEstablishContext");
    library->connect = dlsym(handle, "SCardConnect");
    library->disconnect = dlsym(handle, "SCardDisconnect");
    library->transmit = dlsym(handle, "SCardTransmit");
    library->get_status_change = dlsym(handle, "SCardGetStatusChange");
    check_code(library->establish(SCARD_SCOPE_SYSTEM, NULL, NULL, &library->context), "establish");
}

static void
connect_card(PcscLibrary *library, const char *reader)
{
    check_code(library->connect(library->context, reader, SCARD_SHARE_SHARED, PROTOCOLS,
                                &library->card, &library->protocol),
               "connect");
}

static void
transmit_command(PcscLibrary *library, const char *reader)
{
    static const unsigned char command[] = {0x00, 0xA4, 0x04, 0x00, 0x00};
    unsigned char response[2];
    DWORD length = sizeof response;
    SCARD_IO_REQUEST header = {library->protocol, sizeof header};

    check_code(
        library->transmit(library->card, &header, command, sizeof command, NULL, response, &length),
        "transmit");
}

static void
connect_and_disconnect(PcscLibrary *library, const char *reader)
{
    connect_card(library, reader);
    check_code(library->disconnect(library->card, SCARD_LEAVE_CARD), "disconnect");
}

static double
measure_calls(PcscLibrary *library, LibraryCall *call, const char *reader, int calls)
{
    int64_t start = now_ns();

    for (int i = 0; i < calls; i++)
        call(library, reader);
    return (double)(now_ns() - start) / 1000 / calls;
}

static void
compare_libraries(PcscLibrary *direct, PcscLibrary *library, LibraryCall *call, const char *reader,
                  const char *rounds, int calls)
{
    measure_calls(direct, call, reader, calls);
    measure_calls(library, call, reader, calls);
    while (next_round(rounds)) {
        double once = measure_calls(direct, call, reader, calls);
        double again = measure_calls(direct, call, reader, calls);

        printf("%f %f %f\n", once, again, measure_calls(library, call, reader, calls));
        fflush(stdout);
    }
}

static void
wait_for_change(PcscLibrary *library, const char *reader)
{
    SCARD_READERSTATE state = {.szReader = reader, .dwCurrentState = SCARD_STATE_PRESENT};

    puts("waiting");
    fflush(stdout);
    library->get_status_change(library->context, INFINITE, &state, 1);
}

int
main(int argc, char **argv)
{
    check(argc > 3, "usage");
    const char *reader = argv[3];
    PcscLibrary direct, library;

    /*
     * pcsc-lite is loaded first, by its name. The other library has the same name, and is loaded by
     * its path.
     */
    if (strcmp(argv[1], "wait") != 0)
        load_library(&direct, "libpcsclite.so.1");
    load_library(&library, argv[2]);
    if (strcmp(argv[1], "wait") == 0) {
        wait_for_change(&library, reader);
        return 0;
    }

    check(argc == 6, "usage");
    LibraryCall *call = connect_and_disconnect;
    if (strcmp(argv[1], "transmit") == 0) {
        connect_card(&direct, reader);
        connect_card(&library, reader);
        call = transmit_command;
    }
    compare_libraries(&direct, &library, call, reader, argv[4], atoi(argv[5]));
    return 0;
}
