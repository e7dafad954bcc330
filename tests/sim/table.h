/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "device.h"
#include "slot.h"

#include <stdio.h>

/* Opens the slot of the device that the logical unit names: its lower 16 bits are the number. */
bool table_open(DWORD lun, const struct device *device);
bool table_close(DWORD lun);

/* The slot with its lock held, to be given back by table_release(); NULL when there is none. */
struct slot *table_acquire(DWORD lun);
struct slot *table_acquire_by_address(const char *address);
void table_release(struct slot **slot);

/* A variable so marked gives its slot back at the end of its scope. */
#define TABLE_AUTORELEASE __attribute__((cleanup(table_release)))

/* The number of slots of the reader; 1 for an unknown unit. */
unsigned table_count_slots(DWORD lun);

/* Writes each open slot's address, each after a space. */
void table_list(FILE *stream);
