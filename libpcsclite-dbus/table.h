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
    PLD_KIND_CONTEXT,
    PLD_KIND_CARD,
} PldKind;

typedef struct PldEntry PldEntry;

typedef struct {
    PldKind kind;
    void (*free)(PldEntry *entry);

    /* In a child, whatever other threads were doing: closes descriptors, and nothing else. */
    void (*abandon_in_child)(PldEntry *entry);
} PldEntryClass;

/* The first member of what has a number. */
struct PldEntry {
    const PldEntryClass *class;
    long number;
    unsigned references; /* under the table's lock */
    PldEntry *next;
};

/* Gives it a number and two references, the table's and the caller's; false: out of luck. */
bool pld_table_add(PldEntry *entry, const PldEntryClass *class);

/* A reference; NULL for an unknown number, and for one of another kind. */
PldEntry *pld_table_get(PldKind kind, long number);

/* Nobody finds it any more; false when another thread was first. */
bool pld_table_remove(PldEntry *entry);

PldEntry *pld_entry_ref(PldEntry *entry);
void pld_entry_unref(PldEntry *entry);
