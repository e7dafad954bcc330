/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <winscard.h>

/* Calls each function that takes a card handle, and shows its results. state: for the case's name.
 */
void show_all_calls(const char *state, SCARDHANDLE card);

/* The same, without the functions that wait for other programs' transactions. */
void show_nonblocking_calls(const char *state, SCARDHANDLE card);

/* Each shows one case. */
void show_status(const char *state, SCARDHANDLE card);
void show_transmit(const char *state, SCARDHANDLE card, const SCARD_IO_REQUEST *header);
