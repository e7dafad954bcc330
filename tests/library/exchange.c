/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SCardTransmit: arguments, protocols, and commands and responses of all lengths. */

#include "all-calls.h"
#include "fixture.h"
#include "show.h"
#include "subjects.h"

#include <pcsclite.h>
#include <string.h>

static unsigned char command[MAX_BUFFER_SIZE_EXTENDED + 1];
static unsigned char answer[MAX_BUFFER_SIZE_EXTENDED + 8];

static void
show_exchange(SCARDHANDLE card, const char *case_name, DWORD length, DWORD size)
{
    DWORD answer_length = size;

    memset(answer, FILLING, sizeof answer);
    show(SCardTransmit(card, SCARD_PCI_T1, command, length, NULL, answer, &answer_length), "%s",
         case_name);
    show_number("sent", length);
    show_number("room", size);
    show_number("length", answer_length);
    show_bytes("answer", answer, sizeof answer);
}

/* Writes header and data of a command; returns its length. */
static DWORD
compose(unsigned char instruction, unsigned char p1, unsigned char p2)
{
    memset(command, 0, sizeof command);
    command[0] = 0x80;
    command[1] = instruction;
    command[2] = p1;
    command[3] = p2;
    return 4;
}

static DWORD
compose_echo(DWORD data_length)
{
    DWORD start = data_length < 256 ? 5 : 7;

    compose(0x10, 0, 0);
    if (start == 5) {
        command[4] = (unsigned char)data_length;
    } else {
        command[5] = (unsigned char)(data_length >> 8);
        command[6] = (unsigned char)data_length;
    }
    for (DWORD i = 0; i < data_length; i++)
        command[start + i] = (unsigned char)(i * 3);
    return start + data_length;
}

static void
show_null_arguments(SCARDHANDLE card)
{
    DWORD length = 16;

    show(SCardTransmit(card, SCARD_PCI_T1, NULL, 4, NULL, answer, &length), "no command");
    show_number("length", length);
    show(SCardTransmit(card, SCARD_PCI_T1, select_command, 4, NULL, NULL, &length), "no room");
    show_number("length", length);
    show(SCardTransmit(card, SCARD_PCI_T1, select_command, 4, NULL, answer, NULL), "no length");
    show(SCardTransmit(card, NULL, select_command, 4, NULL, answer, &length), "no header");
    show_number("length", length);
    length = SCARD_AUTOALLOCATE;
    show(SCardTransmit(card, SCARD_PCI_T1, select_command, 4, NULL, NULL, &length),
         "allocated nowhere");
}

static void
show_headers(SCARDHANDLE card)
{
    static const SCARD_IO_REQUEST headers[] = {
        {SCARD_PROTOCOL_T1, 0},    {SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST) + 4},
        {SCARD_PROTOCOL_T0, 16},   {SCARD_PROTOCOL_RAW, 16},
        {SCARD_PROTOCOL_T15, 16},  {BOTH_PROTOCOLS, 16},
        {SCARD_PROTOCOL_UNSET, 16}};

    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        show_transmit("header", card, &headers[i]);
        show_number("said", headers[i].cbPciLength);
    }
}

static void
show_short_commands(SCARDHANDLE card)
{
    compose(0x14, 0x61, 0x10);
    for (DWORD length = 0; length <= 5; length++)
        show_exchange(card, "short command", length, 16);
}

static void
show_room(SCARDHANDLE card)
{
    for (DWORD size = 0; size <= 4; size++)
        show_exchange(card, "room for a status word", compose(0x14, 0x90, 0x00), size);
    show_exchange(card, "room for all", compose(0x12, 0, 8), 10);
    show_exchange(card, "a byte too little", compose(0x12, 0, 8), 9);
    show_exchange(card, "room for a status word only", compose(0x12, 0, 8), 2);
    show_exchange(card, "the card goes on", compose(0x14, 0x12, 0x34), 16);
}

static void
show_lengths(SCARDHANDLE card)
{
    static const DWORD data[] = {1, 255, 256, 257, 4096, 65535};
    static const DWORD pattern[] = {1, 256, 257, 4096, 65533, 65534, 65535, 0};

    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++)
        show_exchange(card, "echo", compose_echo(data[i]), MAX_BUFFER_SIZE_EXTENDED);
    for (size_t i = 0; i < sizeof pattern / sizeof pattern[0]; i++)
        show_exchange(card, "pattern",
                      compose(0x12, (unsigned char)(pattern[i] >> 8), (unsigned char)pattern[i]),
                      MAX_BUFFER_SIZE_EXTENDED);
    show_exchange(card, "more room than any answer has", compose(0x12, 0, 0), sizeof answer);
    show_exchange(card, "too little room for a long one", compose(0x12, 0, 0), 65537);
    compose_echo(65535);
    show_exchange(card, "the longest command", 65544, 16);
    show_exchange(card, "longer than any card takes", MAX_BUFFER_SIZE_EXTENDED, 16);
    show_exchange(card, "longer than all buffers", MAX_BUFFER_SIZE_EXTENDED + 1, 16);
    show_exchange(card, "and on", compose(0x14, 0x90, 0x00), 16);
}

/* Status words 61xx and 6Cxx are returned to the program. */
static void
show_status_words(SCARDHANDLE card)
{
    show_exchange(card, "more waits", compose(0x16, 0, 20), 100);
    compose(0xC0, 0, 0);
    command[4] = 20;
    show_exchange(card, "fetched", 5, 100);
    compose(0x18, 0, 7);
    command[4] = 1;
    show_exchange(card, "wrong length", 5, 100);
    command[4] = 7;
    show_exchange(card, "right length", 5, 100);
}

void
run_transmit(void)
{
    SCARDCONTEXT context = new_context();
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    show_null_arguments(card);
    show_headers(card);
    show_short_commands(card);
    show_room(card);
    show_lengths(card);
    show_status_words(card);
    disconnect_card(card, SCARD_UNPOWER_CARD);
    release_context(context);
}
