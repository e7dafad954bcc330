/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "device.h"
#include "slot.h"

#include <stdio.h>

/*
 * Opens the slot of the device for a logical unit, whose lower 16 bits are the number of the slot.
 */
bool table_open(DWORD lun, const struct device *device);
bool table_close(DWORD lun);

/* Returns the slot with its lock held, to be released by table_release(); NULL if there is none. */
struct slot *table_acquire(DWORD lun);
struct slot *table_acquire_by_address(const char *address);
void table_release(struct slot **slot);

/* Releases the slot at the end of the scope of the variable. */
#define TABLE_AUTORELEASE __attribute__((cleanup(table_release)))

/* Returns the number of slots of the reader; 1 for an unknown unit. */
unsigned table_count_slots(DWORD lun);

/* Writes the addresses of all open slots, each after a space. */
void table_list(FILE *stream);
