/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Method calls to the service. The caller holds the context's lock from before the call to after
 * the reply, so at most one thread of a context waits for a reply; further calls may be
 * pending beside it (see PldPendingCall).
 *
 * All D-Bus messages of calls are created and unreferenced here: they share reference counts with
 * their connection, so this must happen under the lock.
 *
 * PC/SC waits without a time limit, so each call that may wait has the option timeout-ms of no
 * limit. A call that other threads can end (see PldCallLifetime) has the option call-id, too: when
 * it is ended, this thread calls Manager.CancelCall, and then waits for the reply, which arrives at
 * once.
 */

#include <systemd/sd-bus.h>

#include "context.h"
#include "pcsc.h"

typedef enum {
    PLD_CALL_SHORT,           /* does not wait: without options */
    PLD_CALL_UNTIL_REPLY,     /* nothing ends it */
    PLD_CALL_UNTIL_CLOSED,    /* SCardReleaseContext ends it, and SCardDisconnect of its session */
    PLD_CALL_UNTIL_CANCELLED, /* both of these end it, and SCardCancel */
} PldCallLifetime;

typedef struct {
    const char *path;
    const char *interface;
    const char *method;
    PldCallLifetime lifetime;
    unsigned cancels_seen;     /* PldContext.cancels when PLD_CALL_UNTIL_CANCELLED began */
    bool no_wait;              /* fail with SCARD_E_TIMEOUT instead of waiting for others */
    uint32_t limit_ms;         /* unless no_wait: fail with it after this time; 0: no limit */
    const char *flag;          /* another option, a boolean that is true; NULL for none */
    const PldSession *session; /* that the call belongs to, or NULL */
    int (*append)(sd_bus_message *call, const void *arguments); /* NULL: no arguments */
    const void *arguments;
    LONG (*read)(sd_bus_message *reply, void *result); /* NULL: no result; called on success */
    void *result;
} PldMethodCall;

/*
 * Blocks until the reply arrives, without a time limit. Returns what read() returns, or
 *
 *   SCARD_E_CANCELLED       another thread ended the call; it may have had an effect
 *   SCARD_E_INVALID_HANDLE  the object does not exist (any more)
 *   SCARD_E_NO_SERVICE      the connection is lost, the service has ended meanwhile, which has
 *                           detached the connection, or out of memory
 *
 * or else the code of the D-Bus error.
 */
LONG pld_method_call_locked(PldContext *context, const PldMethodCall *call);

/*
 * A call whose reply arrives while messages are processed, during which the lock may be released.
 * The call, and what it points to, must stay valid until pld_pending_call_end_locked().
 */
#define PLD_CALL_ID_SIZE 16

typedef struct {
    PldContext *context;
    const PldMethodCall *call;
    char id[PLD_CALL_ID_SIZE]; /* the number of the call on its connection */
    sd_bus_slot *slot;
    sd_bus_message *reply; /* a reference; NULL until it arrives */
    bool cancelled;        /* CancelCall was sent */
} PldPendingCall;

/* Returns a negative errno if the call could not be sent. */
int pld_pending_call_send_locked(PldPendingCall *pending, PldContext *context,
                                 const PldMethodCall *call);

/* Drops the call and its reply. If there is no reply yet, sends CancelCall to the service. */
void pld_pending_call_end_locked(PldPendingCall *pending);

/*
 * The arguments of SCardConnect, SCardReconnect and SCardDisconnect, and the words that stand for
 * them on the bus. The functions that append to a message fit PldMethodCall.append; they return a
 * negative errno on failure.
 */

typedef struct {
    DWORD share_mode;
    DWORD protocols;
    DWORD initialization; /* for SCardReconnect only */
} PldConnectArguments;

/* arguments: a PldConnectArguments. Leaves out protocols that the service does not support. */
int pld_append_connect_arguments(sd_bus_message *call, const void *arguments);
int pld_append_reconnect_arguments(sd_bus_message *call, const void *arguments);

/* disposition: a DWORD. */
int pld_append_disposition(sd_bus_message *call, const void *disposition);

/*
 * Returns the protocol of a connection, SCARD_PROTOCOL_UNDEFINED for an unknown word. A direct
 * connection for SCARD_PROTOCOL_RAW has that protocol in pcsc-lite. The service does not set it,
 * since the protocol is common to all handles of the card.
 */
DWORD pld_parse_active_protocol(const char *word, const PldConnectArguments *arguments);
