/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <reader.h>
#include <winscard.h>

#define READER_A "Simulated Reader A 00 00" /* has a card */
#define READER_B "Simulated Reader B 01 00" /* is empty */
#define READER_C "Simulated Reader C 02 00" /* is empty, as is its other slot */
#define READER_C2 "Simulated Reader C 02 01"

#define BOTH_PROTOCOLS (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)

/* Control codes and attributes that the driver of reader A supports, and that no driver supports.
 */
#define KNOWN_CODE SCARD_CTL_CODE(3401)
#define UNKNOWN_CODE SCARD_CTL_CODE(3402)
#define KNOWN_ATTRIBUTE SCARD_ATTR_VENDOR_NAME
#define UNKNOWN_ATTRIBUTE SCARD_ATTR_POWER_MGMT_SUPPORT

/* Commands of the simulated card: see tests/sim/card.c. */
extern const unsigned char select_command[4], verify_command[13], is_verified_command[4];

/*
 * Sends a request to the test, and blocks until it has been carried out. Returns its result, valid
 * until the next call. The program exits on failure.
 */
__attribute__((format(printf, 1, 2))) const char *request_action(const char *action, ...);

/* Exits with an error unless the code is SCARD_S_SUCCESS. */
void require_success(LONG code, const char *action);

SCARDCONTEXT new_context(void);
void release_context(SCARDCONTEXT context);
SCARDHANDLE new_card(SCARDCONTEXT context, const char *reader, DWORD share_mode, DWORD protocols);
void disconnect_card(SCARDHANDLE card, DWORD disposition);

const SCARD_IO_REQUEST *protocol_header(DWORD protocol);
/* Transmits a command with the active protocol, or T=1 if there is none. Returns SCardTransmit's
 * code. */
LONG transmit(SCARDHANDLE card, const unsigned char *command, DWORD length,
              unsigned char answer[2]);
void verify_pin(SCARDHANDLE card);
/* Appends to the line whether the PIN of verify_pin() is still verified, or "no answer". */
void show_verified(SCARDHANDLE card);

/* SCardGetStatusChange of an existing reader, repeated on known errors of pcsc-lite. */
LONG wait_for_change(SCARDCONTEXT context, DWORD milliseconds, SCARD_READERSTATE *state);

/* Returns when the reader's state has all of bits, and none of others. */
void wait_for_state(SCARDCONTEXT context, const char *reader, DWORD bits, DWORD others);
void insert_card(SCARDCONTEXT context, char reader);
void remove_card(SCARDCONTEXT context, char reader);
