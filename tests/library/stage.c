/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the cases stand on: cards that come and go, other programs, and the calls that must succeed
 * before the one that is looked at. Cards and other programs are somebody else's to move: a line
 * "? WHAT" on standard output asks for it, and the answer, a line on standard input, comes when it
 * is done (see tests/scdtest/conformance.py). So the program sees nothing but PC/SC.
 */

#include "stage.h"

#include "show.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 30000 };

const unsigned char select_command[4] = {0x00, 0xA4, 0x04, 0x00};
const unsigned char verify_command[13] = {0x00, 0x20, 0x00, 0x80, 0x08, '1', '2',
                                          '3',  '4',  '5',  '6',  '7',  '8'};
const unsigned char is_verified_command[4] = {0x80, 0x22, 0x00, 0x00};

static _Noreturn void
give_up(const char *what, const char *why)
{
    show_end();
    printf("! %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

const char *
ask(const char *what, ...)
{
    static char answer[200];
    va_list arguments;

    show_end();
    fputs("? ", stdout);
    va_start(arguments, what);
    vprintf(what, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) == NULL)
        give_up(what, "nobody answers");
    answer[strcspn(answer, "\n")] = '\0';
    return answer;
}

void
demand(LONG code, const char *what)
{
    if (code != SCARD_S_SUCCESS)
        give_up(what, pcsc_stringify_error(code));
}

SCARDCONTEXT
new_context(void)
{
    SCARDCONTEXT context;

    demand(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context), "a new context");
    return context;
}

void
release(SCARDCONTEXT context)
{
    demand(SCardReleaseContext(context), "release");
}

SCARDHANDLE
new_card(SCARDCONTEXT context, const char *reader, DWORD share_mode, DWORD protocols)
{
    SCARDHANDLE card;
    DWORD protocol;

    demand(SCardConnect(context, reader, share_mode, protocols, &card, &protocol), "connect");
    return card;
}

void
disconnect(SCARDHANDLE card, DWORD disposition)
{
    demand(SCardDisconnect(card, disposition), "disconnect");
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

    demand(transmit(card, verify_command, sizeof verify_command, answer), "verify");
    if (answer[0] != 0x90)
        give_up("verify", "the card refuses the PIN");
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

/* At such a moment pcsc-lite 2.5 at times calls the reader unknown, or the call unsupported. */
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
        demand(wait_for_change(context, PATIENCE_MS, &state), "waiting for a state");
        state.dwCurrentState = state.dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    } while ((state.dwEventState & (bits | others)) != bits);
}

static const char *
name_of(char reader)
{
    return reader == 'A' ? READER_A : reader == 'B' ? READER_B : READER_C;
}

void
insert_card(SCARDCONTEXT context, char reader)
{
    ask("insert %c", reader);
    wait_for_state(context, name_of(reader), SCARD_STATE_PRESENT, SCARD_STATE_MUTE);
}

void
remove_card(SCARDCONTEXT context, char reader)
{
    ask("remove %c", reader);
    wait_for_state(context, name_of(reader), SCARD_STATE_EMPTY, 0);
}
