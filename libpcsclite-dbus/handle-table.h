/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Maps the numbers that programs use, SCARDCONTEXT and SCARDHANDLE, to reference-counted objects.
 * Numbers are random, positive, of 31 bits; contexts and card handles share them.
 *
 * A caller of pld_handle_table_get() owns a reference, so the object stays valid while another
 * thread closes it. The table has one lock of its own, held only inside the functions below; none
 * of them blocks otherwise. All of them may be called from any thread.
 *
 * After fork() both processes have the handles, but only one may go on with them: the first one
 * that uses any of them. A word in memory that both share decides: each process tries to set it
 * before its first use, by compare-and-swap. The other process loses these handles. A child that
 * wins must replace the connection, which it cannot share with its parent: PldHandle.inherited.
 *
 * If a call of another thread is using a handle at the fork, the parent keeps all, and the child
 * has none. A process that loses handles closes its descriptors of them, which does not affect the
 * other. It does not free the objects: threads that do not exist in a child may have been using
 * them, and sd-bus cannot free a connection in a child.
 */

#include <stdatomic.h>
#include <stdbool.h>

typedef enum {
    PLD_HANDLE_CONTEXT,
    PLD_HANDLE_CARD,
} PldHandleKind;

typedef struct PldHandle PldHandle;

typedef struct {
    PldHandleKind kind;

    /* Called without a lock, when the last reference is released. */
    void (*free)(PldHandle *handle);

    /*
     * Called for a handle that belongs to another process since fork(). The object may be in any
     * state, with its locks held by threads that do not exist: may only close file descriptors.
     */
    void (*close_lost)(PldHandle *handle);

    /*
     * Called in a child for a handle that it may win, and that no call is using: may only close
     * file descriptors. May be NULL, as may the next one.
     */
    void (*inherit)(PldHandle *handle);

    /*
     * Called when a process that has won its handles exits without having closed them: ends the
     * connection, of which a child may have a descriptor.
     */
    void (*hang_up)(PldHandle *handle);
} PldHandleClass;

/* The first member of each object with a number. All but inherited is protected by the table. */
struct PldHandle {
    const PldHandleClass *class;
    long number;
    unsigned references;
    PldHandle *next;
    atomic_uint *claim; /* the shared word; NULL: the handle is this process's alone */
    bool has_copies;    /* a child may have copies of the descriptors */

    /* The handle came by fork(), and its connection is the parent's; for the object's use. */
    atomic_bool inherited;
};

/*
 * Assigns a number and two references, one for the table and one for the caller. Returns false if
 * the kernel returns no random number.
 */
bool pld_handle_table_add(PldHandle *handle, const PldHandleClass *class);

/*
 * Returns a new reference, or NULL if the number is unknown, of another kind, or belongs to another
 * process since fork(). To be released by pld_handle_table_put(): until then, a call is using it.
 */
PldHandle *pld_handle_table_get(PldHandleKind kind, long number);
void pld_handle_table_put(PldHandle *handle);

/* Invalidates the number. Returns false if another thread has done so already. */
bool pld_handle_table_remove(PldHandle *handle);

/* Returns the number of contexts, without those that a child has not claimed. */
unsigned pld_handle_table_count_contexts(void);

PldHandle *pld_handle_ref(PldHandle *handle);
void pld_handle_unref(PldHandle *handle);
