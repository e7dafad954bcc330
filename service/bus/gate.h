/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Admission of method calls: decides, from the bytes of a message and before
 * GDBus reads them, whether a call enters the service, and charges the calls
 * that did until their replies leave. So the service holds a bounded amount for
 * each user whatever its clients send: the limits and their reasons are in one
 * table in gate.c.
 *
 * A call is charged to the user of its sender. The user of a new sender is not
 * known yet: such senders share one pool until the user has been looked up. All functions may be
 * called from any thread.
 */

#include "base/dbus-message.h"

typedef struct ScdGate ScdGate;

typedef enum {
    SCD_GATE_PASS,
    SCD_GATE_REFUSE, /* reply with the error instead */
    SCD_GATE_DROP,
} ScdGateVerdict;

/* The strings are static. */
typedef struct {
    const char *name; /* of the D-Bus error */
    const char *text;
} ScdGateError;

ScdGate *scd_gate_new(void);

/* Reference counted: the stream of the bus, which outlives the service, has references too. */
ScdGate *scd_gate_ref(ScdGate *gate);
void scd_gate_unref(ScdGate *gate);

/*
 * Called in the thread that called scd_gate_admit(), with a lock of the gate
 * held, for a sender whose user the gate does not know: once, until
 * scd_gate_set_user() or scd_gate_forget().
 */
typedef void (*ScdGateUnknownSenderFunc)(const char *sender, gpointer data);

/* func: NULL when there is no one to look up users; it is not called after this has returned. */
void scd_gate_on_unknown_sender(ScdGate *gate, ScdGateUnknownSenderFunc func, gpointer data);

/* The longest message that any method needs, header included, in bytes. */
gsize scd_gate_message_max(void);

/* Bytes that the open calls of one user, and of all users, take at most. */
gsize scd_gate_user_bytes_max(void);
gsize scd_gate_all_bytes_max(void);

/*
 * Checks a message by its header alone, so that the body of a refused one need
 * not be kept. length: of the whole message. PASS is not final.
 */
ScdGateVerdict scd_gate_check_header(const ScdDbusHeader *header, gsize length,
                                     ScdGateError *error);

/*
 * Decides about a message that passed scd_gate_check_header(), and charges a
 * call that passes. *no_reply is set for a call whose sender wants no reply;
 * the reply must be sent to scd_gate_reply() all the same, which ends the charge.
 */
ScdGateVerdict scd_gate_admit(ScdGate *gate, const ScdDbusHeader *header, const guint8 *body,
                              ScdGateError *error);

/*
 * A reply or an error is about to be sent: ends the charge of its call. DROP when
 * the caller wants none.
 */
ScdGateVerdict scd_gate_reply(ScdGate *gate, const char *destination, guint32 reply_serial);

/* The user of a sender became known; its open calls are charged to that user from now on. */
void scd_gate_set_user(ScdGate *gate, const char *sender, guint32 uid);

/* The sender left the bus. Its open calls stay charged until they are replied to. */
void scd_gate_forget(ScdGate *gate, const char *sender);

/* The open calls and their bytes, for all senders. */
void scd_gate_get_usage(ScdGate *gate, guint *calls, gsize *bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdGate, scd_gate_unref)
