/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the programs of the bench have in common: the time, children, and an end when all is lost.
 */

#include <stdint.h>

int64_t now_ns(void);
void sleep_ns(int64_t time);

/* Ends the program unless ok. */
void check(int ok, const char *what);

/* A share of what the process and its children write: so many bytes, all zero. */
void *new_shared(unsigned long size);

/* Waits for so many children, which must have succeeded. */
void wait_for_children(int count);
