/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Puts cards into simulated readers and takes them out, and remembers when. */

#include <stdint.h>

/* The path of the simulator's socket. */
void sim_client_connect(const char *path);

/* what: "insert" or "remove". Returns when it is done. */
void sim_client_order(const char *what, const char *reader);

/* When the last order was about to be given. */
int64_t sim_client_ordered_at(void);
