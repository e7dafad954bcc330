/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What programs hold by number: contexts and card handles. A number is random,
 * positive, of 31 bits, and stands for one thing only.
 *
 * Whoever looks something up has a reference, so that it stays while another
 * thread closes it. The lock of the table is held for no longer than a look
 * takes; no other lock is taken meanwhile.
 *
 * A child of the process has none of it: all its numbers are unknown, and what
 * it inherited of descriptors is closed, which its parent does not notice.
 */

#include <stdbool.h>

typedef enum {
    SCD_KIND_CONTEXT,
    SCD_KIND_CARD,
} ScdKind;

typedef struct ScdEntry ScdEntry;

typedef struct {
    ScdKind kind;
    void (*free)(ScdEntry *entry);

    /* In a child, whatever other threads were doing: closes descriptors, and nothing else. */
    void (*abandon_in_child)(ScdEntry *entry);
} ScdEntryClass;

/* The first member of what has a number. */
struct ScdEntry {
    const ScdEntryClass *class;
    long number;
    unsigned references; /* under the table's lock */
    ScdEntry *next;
};

/* Gives it a number and two references, the table's and the caller's; false: out of luck. */
bool scd_table_add(ScdEntry *entry, const ScdEntryClass *class);

/* A reference; NULL for an unknown number, and for one of another kind. */
ScdEntry *scd_table_get(ScdKind kind, long number);

/* Nobody finds it any more; false when another thread was first. */
bool scd_table_remove(ScdEntry *entry);

ScdEntry *scd_entry_ref(ScdEntry *entry);
void scd_entry_unref(ScdEntry *entry);
