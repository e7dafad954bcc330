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
 * After fork() the table of the child is empty: the handles of the parent are unknown there. The
 * child closes the file descriptors that it inherited, which does not affect the parent. It does
 * not free the objects: other threads of the parent may have been using them, and sd-bus cannot
 * free a connection in a child.
 */

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
     * Called in a child after fork(). The object may be in any state, with its locks held by
     * threads that do not exist in the child: may only close file descriptors.
     */
    void (*close_in_child)(PldHandle *handle);
} PldHandleClass;

/* The first member of each object with a number. */
struct PldHandle {
    const PldHandleClass *class;
    long number;
    unsigned references; /* protected by the table's lock, as is next */
    PldHandle *next;
};

/*
 * Assigns a number and two references, one for the table and one for the caller. Returns false if
 * the kernel returns no random number.
 */
bool pld_handle_table_add(PldHandle *handle, const PldHandleClass *class);

/* Returns a new reference, or NULL if the number is unknown or of another kind. */
PldHandle *pld_handle_table_get(PldHandleKind kind, long number);

/* Invalidates the number. Returns false if another thread has done so already. */
bool pld_handle_table_remove(PldHandle *handle);

PldHandle *pld_handle_ref(PldHandle *handle);
void pld_handle_unref(PldHandle *handle);
