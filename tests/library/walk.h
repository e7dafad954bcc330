/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <winscard.h>

/* Calls every function on the card as it is now, and shows what each one gives. */
void walk(const char *state, SCARDHANDLE card);

/* Those of them alone that wait for no other program. */
void walk_promptly(const char *state, SCARDHANDLE card);

/* One case each. */
void show_status(const char *state, SCARDHANDLE card);
void show_transmit(const char *state, SCARDHANDLE card, const SCARD_IO_REQUEST *header);
