/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Common parts of the library that makes calls fail at random: the rules for threads, and the
 * choice of faults. calls.c has the functions of libpcsclite.
 */

#include <stdbool.h>
#include <stdint.h>
#include <winscard.h>

/* Returns the function of libpcsclite. */
void *shim_find_next(const char *name);

/* Ends the process with a message on standard error. */
__attribute__((format(printf, 1, 2), noreturn)) void shim_abort(const char *format, ...);

/*
 * The rules. Each call is announced with its context before it begins, and after it has ended. A
 * call that breaks a rule ends the process: see rules.c.
 */
typedef enum {
    RULES_NONE = 0,
    RULES_MONITOR_ONLY = 1, /* the call uses the table of readers */
    RULES_ALONE = 2,        /* the call changes the lists of contexts and handles */
    RULES_ANY_CONTEXT = 4,  /* the call may be made while another thread uses the context */
} RulesFlags;

void rules_begin(const char *function, SCARDCONTEXT context, RulesFlags flags);
void rules_end(SCARDCONTEXT context, RulesFlags flags);

/* Contexts and handles that the process has opened. */
void rules_add_context(SCARDCONTEXT context);
void rules_remove_context(SCARDCONTEXT context);
void rules_add_card(SCARDHANDLE card, SCARDCONTEXT context);
void rules_remove_card(SCARDHANDLE card);

/* Returns the context of a handle; a handle that is not open ends the process. */
SCARDCONTEXT rules_context_of(const char *function, SCARDHANDLE card);

/* Marks one context, or all that are open now, as those of a pcscd that has gone. */
void rules_lose_context(SCARDCONTEXT context);
void rules_lose_all(void);
bool rules_is_lost(SCARDCONTEXT context);

/* Returns whether this is the thread of the monitor. */
bool rules_is_monitor(void);

/* The faults of one call, as random.c chooses them. */
typedef struct {
    uint64_t dice;   /* random bits, different for each call */
    LONG code;       /* the call returns this code; SCARD_S_SUCCESS: its own */
    bool is_lost;    /* the code means that there is no pcscd */
    bool has_length; /* the call returns a length that makes no sense */
} Fault;

/* Chooses the faults of a call, and waits if it is to return late. */
Fault random_choose(const char *function, SCARDCONTEXT context);

/* Returns a length, which may be any, for a buffer of this size with so many bytes. */
DWORD random_length(const Fault *fault, DWORD size, DWORD length);
