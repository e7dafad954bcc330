/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Common to the programs of the bench: clock, child processes, and an exit on errors. */

#include <stdint.h>

int64_t now_ns(void);
void sleep_ns(int64_t time);

/* Exits with an error unless ok. */
void check(int ok, const char *what);

/*
 * For a loop over rounds: returns 0 after the last one. rounds: their number, or "-" if each
 * begins with a line of standard input, so that the rounds of several programs can alternate.
 */
int next_round(const char *rounds);

/* Returns size bytes of memory, all zero, that the process shares with its children. */
void *new_shared(unsigned long size);

/* Waits for count children, all of which must succeed. */
void wait_for_children(int count);
