/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A SCARDHANDLE: a session of the service, and the session's channel. The channel is opened for the
 * first request that needs it, and opened again after the service has closed it, for example
 * because the card was removed.
 *
 * When the service ends, the session does, too; the handle stays, and all its calls return
 * SCARD_W_RESET_CARD until SCardReconnect has opened a session of the next service.
 *
 * Functions whose names end in _locked expect the card's lock to be held, and may take the
 * context's lock. All others take the card's lock, or none.
 *
 * If PCSCLITE_NO_BLOCKING is set in the environment, some functions of winscard.h return
 * SCARD_E_SHARING_VIOLATION instead of waiting for another handle's transaction, as in pcsc-lite.
 */

#include "channel.h"
#include "method-call.h"

typedef struct {
    PldHandle handle;
    PldContext *context; /* a reference */
    char *reader;        /* PC/SC name */
    PldSession session;  /* in the context's list until the card is closed */

    pthread_mutex_t lock; /* context.h documents the order of locks; protects the fields below */
    PldChannel channel;
    DWORD protocol;
    DWORD share_mode;
    unsigned depth;        /* of nested transactions, counted by this end */
    unsigned cancels_seen; /* PldContext.cancels when the program's call began */
    bool closed;
} PldCard;

/*
 * Opens a session, adds it to the context, and sets *number and *protocol; these stay unchanged on
 * error. Blocks until the service has replied, including the time that polkit takes to ask the
 * user.
 */
LONG pld_card_connect(PldContext *context, const char *reader, const PldConnectArguments *arguments,
                      SCARDHANDLE *number, DWORD *protocol);

/*
 * Returns the card with a new reference and its lock taken, or NULL if there is no such handle.
 * Blocks while another thread uses the handle. pld_card_leave() reverts both.
 */
PldCard *pld_card_enter(SCARDHANDLE number);
void pld_card_leave(PldCard *card);

/*
 * Closes the session and invalidates the number. A thread that waits with this handle, for a
 * transaction, for others or for the user, returns SCARD_E_INVALID_HANDLE; a command that the card
 * is executing is completed first. If the service is lost, fails with SCARD_E_NO_SERVICE, and if a
 * limit of the service was reached, with SCARD_E_NO_MEMORY; as in pcsc-lite, the handle then stays
 * valid until its context is released.
 */
LONG pld_card_disconnect(SCARDHANDLE number, DWORD disposition);

/*
 * Closes all card handles of a released context. As in pcscd, the card is reset if the handle was
 * exclusive or had a transaction.
 */
void pld_card_close_all(PldContext *context);

/*
 * Returns what pld_context_check_locked() returns for the call with this card, and what
 * pld_card_exchange_locked() returns if another thread ended it: may block. The first one takes the
 * context's lock, and the caller of the second one holds it.
 */
LONG pld_card_check_locked(PldCard *card);
LONG pld_card_check_connection_locked(PldCard *card);

LONG pld_card_reconnect_locked(PldCard *card, const PldConnectArguments *arguments);

/*
 * Sends a request on the channel and blocks until its reply arrives. Returns the code of the reply,
 * or an error if there is none: SCARD_E_CANCELLED if SCardCancel ended the request, and
 * SCARD_E_INVALID_HANDLE if SCardDisconnect or SCardReleaseContext did. The length of the reply may
 * exceed the size of its buffer.
 */
LONG pld_card_exchange_locked(PldCard *card, const PldRequest *request, PldReply *reply);

/* The same for SCD_FRAME_BEGIN and SCD_FRAME_END. SCardCancel ends the first one. */
LONG pld_card_begin_locked(PldCard *card);
LONG pld_card_end_locked(PldCard *card, DWORD disposition);

/* Returns false if PCSCLITE_NO_BLOCKING was set at the first call. */
bool pld_card_may_block(void);

/*
 * Checks whether pcscd would let this handle use the card. Waits for the end of another handle's
 * transaction, or returns SCARD_E_SHARING_VIOLATION unless pld_card_may_block(). Returns the error
 * for a card that was reset or removed.
 */
LONG pld_card_wait_for_access_locked(PldCard *card);

/*
 * Calls attempt(), once if pld_card_may_block(). Otherwise attempt() must not wait, and is called
 * until it returns another code than SCARD_E_TIMEOUT, with which it reports that the reader is
 * busy. Returns that other code, or SCARD_E_SHARING_VIOLATION if another handle has a transaction.
 */
typedef LONG (*PldAttempt)(PldCard *card, void *data);
LONG pld_card_attempt_locked(PldCard *card, PldAttempt attempt, void *data);

/*
 * Calls a method of the session on the bus; sets path, interface, session and cancels_seen. Fails
 * with the reason for which the session has ended, and as pld_card_exchange_locked() if another
 * thread ended the call. Takes the context's lock: the caller must not hold it.
 */
LONG pld_card_call_locked(PldCard *card, PldMethodCall call);
