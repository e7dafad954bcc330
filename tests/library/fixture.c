/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preconditions of the cases: cards that are inserted and removed, other programs, and calls that
 * must succeed before the one that is tested. The test controls the cards and the other programs:
 * this program prints a line "? REQUEST", and reads a line with the result when it has been carried
 * out (see the test's Conformance class). So it uses no interface but PC/SC.
 */

#include "fixture.h"

#include "show.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIME_LIMIT_MS = 30000 };

const unsigned char select_command[4] = {0x00, 0xA4, 0x04, 0x00};
const unsigned char verify_command[13] = {0x00, 0x20, 0x00, 0x80, 0x08, '1', '2',
                                          '3',  '4',  '5',  '6',  '7',  '8'};
const unsigned char is_verified_command[4] = {0x80, 0x22, 0x00, 0x00};

static _Noreturn void
exit_with_error(const char *action, const char *why)
{
    show_end();
    printf("! %s: %s\n", action, why);
    exit(EXIT_FAILURE);
}

const char *
request_action(const char *action, ...)
{
    static char answer[200];
    va_list arguments;

    show_end();
    fputs("? ", stdout);
    va_start(arguments, action);
    vprintf(action, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) == NULL)
        exit_with_error(action, "no answer");
    answer[strcspn(answer, "\n")] = '\0';
    return answer;
}

void
require_success(LONG code, const char *action)
{
    if (code != SCARD_S_SUCCESS)
        exit_with_error(action, pcsc_stringify_error(code));
}

SCARDCONTEXT
new_context(void)
{
    SCARDCONTEXT context;

    require_success(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context),
                    "a new context");
    return context;
}

void
release_context(SCARDCONTEXT context)
{
    require_success(SCardReleaseContext(context), "release");
}

SCARDHANDLE
new_card(SCARDCONTEXT context, const char *reader, DWORD share_mode, DWORD protocols)
{
    SCARDHANDLE card;
    DWORD protocol;

    require_success(SCardConnect(context, reader, share_mode, protocols, &card, &protocol),
                    "connect");
    return card;
}

void
disconnect_card(SCARDHANDLE card, DWORD disposition)
{
    require_success(SCardDisconnect(card, disposition), "disconnect");
}

const SCARD_IO_REQUEST *
protocol_header(DWORD protocol)
{
    switch (protocol) {
    case SCARD_PROTOCOL_T0:
        return SCARD_PCI_T0;
    case SCARD_PROTOCOL_RAW:
        return SCARD_PCI_RAW;
    default:
        return SCARD_PCI_T1;
    }
}

LONG
transmit(SCARDHANDLE card, const unsigned char *command, DWORD length, unsigned char answer[2])
{
    DWORD protocol = SCARD_PROTOCOL_T1, answer_length = 2;

    SCardStatus(card, NULL, NULL, NULL, &protocol, NULL, NULL);
    return SCardTransmit(card, protocol_header(protocol), command, length, NULL, answer,
                         &answer_length);
}

void
verify_pin(SCARDHANDLE card)
{
    unsigned char answer[2];

    require_success(transmit(card, verify_command, sizeof verify_command, answer), "verify");
    if (answer[0] != 0x90)
        exit_with_error("verify", "the card refuses the PIN");
}

void
show_verified(SCARDHANDLE card)
{
    unsigned char answer[2];
    LONG code = transmit(card, is_verified_command, sizeof is_verified_command, answer);

    if (code != SCARD_S_SUCCESS)
        show_word("no answer");
    else
        show_word(answer[0] == 0x90 ? "verified" : "not verified");
}

/* While a reader changes, pcsc-lite 2.5 sometimes returns one of these two codes. */
LONG
wait_for_change(SCARDCONTEXT context, DWORD milliseconds, SCARD_READERSTATE *state)
{
    LONG code;

    do
        code = SCardGetStatusChange(context, milliseconds, state, 1);
    while (code == (LONG)SCARD_E_UNKNOWN_READER || code == (LONG)SCARD_E_UNSUPPORTED_FEATURE);
    return code;
}

void
wait_for_state(SCARDCONTEXT context, const char *reader, DWORD bits, DWORD others)
{
    SCARD_READERSTATE state = {.szReader = reader, .dwCurrentState = SCARD_STATE_UNAWARE};

    do {
        require_success(wait_for_change(context, TIME_LIMIT_MS, &state), "waiting for a state");
        state.dwCurrentState = state.dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    } while ((state.dwEventState & (bits | others)) != bits);
}

static const char *
find_reader_name(char reader)
{
    return reader == 'A' ? READER_A : reader == 'B' ? READER_B : READER_C;
}

void
insert_card(SCARDCONTEXT context, char reader)
{
    request_action("insert %c", reader);
    wait_for_state(context, find_reader_name(reader), SCARD_STATE_PRESENT, SCARD_STATE_MUTE);
}

void
remove_card(SCARDCONTEXT context, char reader)
{
    request_action("remove %c", reader);
    wait_for_state(context, find_reader_name(reader), SCARD_STATE_EMPTY, 0);
}
