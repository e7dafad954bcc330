/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <reader.h>
#include <winscard.h>

#define READER_A "Simulated Reader A 00 00" /* has a card */
#define READER_B "Simulated Reader B 01 00" /* is empty */
#define READER_C "Simulated Reader C 02 00" /* is empty, as is its other slot */
#define READER_C2 "Simulated Reader C 02 01"

#define BOTH_PROTOCOLS (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)

/* Code and attribute that reader A's driver knows, and such as no driver knows. */
#define KNOWN_CODE SCARD_CTL_CODE(3401)
#define UNKNOWN_CODE SCARD_CTL_CODE(3402)
#define KNOWN_ATTRIBUTE SCARD_ATTR_VENDOR_NAME
#define UNKNOWN_ATTRIBUTE SCARD_ATTR_POWER_MGMT_SUPPORT

/* The card's: see tests/sim/card.c. */
extern const unsigned char select_command[4], verify_command[13], is_verified_command[4];

/*
 * Has whoever runs this program do something, which must succeed; gives what comes of it, which
 * the next call overwrites.
 */
__attribute__((format(printf, 1, 2))) const char *ask(const char *what, ...);

/* Ends the program when what every case stands on does not hold. */
void demand(LONG code, const char *what);

SCARDCONTEXT new_context(void);
void release(SCARDCONTEXT context);
SCARDHANDLE new_card(SCARDCONTEXT context, const char *reader, DWORD share_mode, DWORD protocols);
void disconnect(SCARDHANDLE card, DWORD disposition);

const SCARD_IO_REQUEST *protocol_header(DWORD protocol);
/* One command by protocol T=1, unless there is another one; the code of the call. */
LONG transmit(SCARDHANDLE card, const unsigned char *command, DWORD length,
              unsigned char answer[2]);
void verify_pin(SCARDHANDLE card);
/* Adds to the line whether the card has the PIN of verify_pin() still, where it can be asked. */
void show_verified(SCARDHANDLE card);

/* SCardGetStatusChange of a reader that is there, while something happens to it. */
LONG wait_for_change(SCARDCONTEXT context, DWORD milliseconds, SCARD_READERSTATE *state);

/* Returns when the reader's state has these bits, and none of the others. */
void wait_for_state(SCARDCONTEXT context, const char *reader, DWORD bits, DWORD others);
void insert_card(SCARDCONTEXT context, char reader);
void remove_card(SCARDCONTEXT context, char reader);
