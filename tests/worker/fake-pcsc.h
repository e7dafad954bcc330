/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The functions of winscard.h that a worker calls, on one reader with one card, in
 * place of libpcsclite. A test may hold a function: the next call of it blocks
 * until the test releases it. No call waits for time.
 *
 * A handle that is used after SCardDisconnect, a second SCardDisconnect and a
 * context that is released with handles on it end the program.
 */

#include <glib.h>

typedef enum {
    FAKE_CONNECT,
    FAKE_RECONNECT,
    FAKE_RESTART, /* SCardReconnect to direct with a reset */
    FAKE_DISCONNECT,
    FAKE_BEGIN,
    FAKE_LOCK, /* in SCardBeginTransaction, after it has checked the handle */
    FAKE_END,
    FAKE_TRANSMIT,
    FAKE_CONTROL, /* any other code than these of a PIN pad */
    FAKE_PIN_START,
    FAKE_PIN_KEY,
    FAKE_PIN_FINISH,
    FAKE_PIN_ABORT,
    FAKE_GET_ATTRIBUTE,
    FAKE_N_FUNCTIONS,
} FakeFunction;

void fake_pcsc_reset(void);

/* The next call of the function blocks before it has any effect. */
void fake_pcsc_hold(FakeFunction function);
void fake_pcsc_wait_until_held(void);
void fake_pcsc_release(void);

/* Another program has a transaction. */
void fake_pcsc_set_foreign(gboolean foreign);
/* Until a call was refused because of it. */
void fake_pcsc_wait_until_refused(void);

/* Another program is connected to the card. */
void fake_pcsc_set_guest(gboolean guest);

/* The reader has a PIN pad, whose driver tells each key. */
void fake_pcsc_set_pin_pad(gboolean can_abort);
/* What each query for a key returns from now on (PC/SC part 10); 0: none was pressed. */
void fake_pcsc_set_key(guint8 key);

/* What SCardDisconnect returns when it has closed the handle. */
void fake_pcsc_set_disconnect_code(guint32 code);

void fake_pcsc_remove_card(void);
/* Inserts one after a removal that all handles have seen. */
void fake_pcsc_insert_card(void);
/* Removes the card with its reader. */
void fake_pcsc_unplug(void);
/* Another program resets the card. */
void fake_pcsc_reset_card(void);

/* The state of the card and its handles. It is verified from a command to the next reset. */
gboolean fake_pcsc_is_verified(void);
guint fake_pcsc_count_handles(void);
guint fake_pcsc_count_contexts(void);
guint fake_pcsc_transaction_depth(void);
guint fake_pcsc_count_resets(void);

/* How often the function was called since the reset. */
guint fake_pcsc_count_calls(FakeFunction function);
/* Returns when it has been called so many times more. */
void fake_pcsc_wait_for_calls(FakeFunction function, guint more);
