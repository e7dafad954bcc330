/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inserts cards into simulated readers and removes them, and records the time. */

#include <stdint.h>

/* path: of the socket of the simulator. */
void sim_client_connect(const char *path);

/* what: "insert" or "remove". Blocks until the simulator has done it. */
void sim_client_order(const char *what, const char *reader);

/* Returns the time just before the last order. */
int64_t sim_client_ordered_at(void);
