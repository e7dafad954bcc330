/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All functions that take a card handle, called on one handle. */

#include "all-calls.h"

#include "fixture.h"
#include "show.h"

#include <pcsclite.h>
#include <string.h>

void
show_status(const char *state, SCARDHANDLE card)
{
    char name[MAX_READERNAME];
    unsigned char atr[MAX_ATR_SIZE];
    DWORD name_length = sizeof name, atr_length = sizeof atr;
    DWORD bits = UNTOUCHED, protocol = UNTOUCHED;

    memset(name, FILLING, sizeof name);
    memset(atr, FILLING, sizeof atr);
    show(SCardStatus(card, name, &name_length, &bits, &protocol, atr, &atr_length), "%s, status",
         state);
    show_number("name-length", name_length);
    show_text("name", name, sizeof name);
    show_bits("state", bits);
    show_number("protocol", protocol);
    show_number("atr-length", atr_length);
    show_bytes("atr", atr, sizeof atr);
}

void
show_transmit(const char *state, SCARDHANDLE card, const SCARD_IO_REQUEST *header)
{
    unsigned char answer[16];
    DWORD length = sizeof answer;
    SCARD_IO_REQUEST given = {UNTOUCHED, sizeof given};

    memset(answer, FILLING, sizeof answer);
    show(
        SCardTransmit(card, header, select_command, sizeof select_command, &given, answer, &length),
        "%s, transmit by protocol %lu", state, (unsigned long)header->dwProtocol);
    show_number("length", length);
    show_bytes("answer", answer, sizeof answer);
    show_number("protocol", given.dwProtocol);
    show_number("header-length", given.cbPciLength);
}

static void
show_begin(const char *state, SCARDHANDLE card)
{
    LONG code = SCardBeginTransaction(card);

    show(code, "%s, begin", state);
    if (code == SCARD_S_SUCCESS)
        show(SCardEndTransaction(card, SCARD_LEAVE_CARD), "%s, end after begin", state);
}

static void
show_control(const char *state, SCARDHANDLE card, DWORD code)
{
    unsigned char answer[16];
    DWORD length = UNTOUCHED;

    memset(answer, FILLING, sizeof answer);
    show(SCardControl(card, code, select_command, sizeof select_command, answer, sizeof answer,
                      &length),
         "%s, control %#lx", state, (unsigned long)code);
    show_number("length", length);
    show_bytes("answer", answer, sizeof answer);
}

static void
show_attribute(const char *state, SCARDHANDLE card, DWORD id)
{
    unsigned char value[MAX_BUFFER_SIZE];
    DWORD length = sizeof value;

    memset(value, FILLING, sizeof value);
    show(SCardGetAttrib(card, id, value, &length), "%s, attribute %#lx", state, (unsigned long)id);
    show_number("length", length);
    show_bytes("value", value, sizeof value);
}

void
show_nonblocking_calls(const char *state, SCARDHANDLE card)
{
    show_control(state, card, KNOWN_CODE);
    show_control(state, card, UNKNOWN_CODE);
    show_attribute(state, card, SCARD_ATTR_ATR_STRING);
    show_attribute(state, card, SCARD_ATTR_DEVICE_FRIENDLY_NAME);
    show_attribute(state, card, KNOWN_ATTRIBUTE);
    show_attribute(state, card, UNKNOWN_ATTRIBUTE);
    show(SCardSetAttrib(card, UNKNOWN_ATTRIBUTE, select_command, sizeof select_command),
         "%s, set attribute", state);
    show(SCardEndTransaction(card, SCARD_LEAVE_CARD), "%s, end", state);
}

void
show_all_calls(const char *state, SCARDHANDLE card)
{
    show_status(state, card);
    show(SCardStatus(card, NULL, NULL, NULL, NULL, NULL, NULL), "%s, bare status", state);
    show_transmit(state, card, SCARD_PCI_T0);
    show_transmit(state, card, SCARD_PCI_T1);
    show_transmit(state, card, SCARD_PCI_RAW);
    show_begin(state, card);
    show_nonblocking_calls(state, card);
}
