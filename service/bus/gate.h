/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Admission of method calls: decides whether a call enters the service, from the bytes of the
 * message and before GDBus reads them, and charges each admitted call until its reply is sent. So
 * clients cannot make the service hold more than a bounded amount for each user. The limits and
 * their reasons are in one table in gate.c.
 *
 * A call is charged to the user of its sender. New senders, whose user is not known yet, share one
 * pool until their user has been looked up. All functions may be called from any thread.
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
 * Called once for a sender whose user the gate does not know, and again only after
 * scd_gate_set_user() or scd_gate_forget(). Called in the thread that called scd_gate_admit(), with
 * a lock of the gate held.
 */
typedef void (*ScdGateUnknownSenderFunc)(const char *sender, gpointer data);

/* func: NULL for none; the former one is not called after this function has returned. */
void scd_gate_on_unknown_sender(ScdGate *gate, ScdGateUnknownSenderFunc func, gpointer data);

/* Returns the length in bytes, with the header, of the longest message that any method needs. */
gsize scd_gate_message_max(void);

/* Return how many bytes the open calls of one user, and of all users, may take. */
gsize scd_gate_user_bytes_max(void);
gsize scd_gate_all_bytes_max(void);

/*
 * Checks a message by its header alone, so that the body of a refused message need not be kept.
 * length: of the whole message. SCD_GATE_PASS is not final.
 */
ScdGateVerdict scd_gate_check_header(const ScdDbusHeader *header, gsize length,
                                     ScdGateError *error);

/*
 * Decides about a message that passed scd_gate_check_header(), and charges a call that passes. For
 * a call whose sender wants no reply, scd_gate_reply() must be called as well: it ends the charge.
 */
ScdGateVerdict scd_gate_admit(ScdGate *gate, const ScdDbusHeader *header, const guint8 *body,
                              ScdGateError *error);

/*
 * To be called before a reply or an error is sent: ends the charge of its call. Returns
 * SCD_GATE_DROP if the caller wants no reply.
 */
ScdGateVerdict scd_gate_reply(ScdGate *gate, const char *destination, guint32 reply_serial);

/* Sets the user of a sender, who is charged for its open calls from now on. */
void scd_gate_set_user(ScdGate *gate, const char *sender, guint32 uid);

/* To be called when a sender has left the bus. Its open calls stay charged until their replies. */
void scd_gate_forget(ScdGate *gate, const char *sender);

/* Sets the numbers of open calls, and of their bytes, for all senders. */
void scd_gate_get_usage(ScdGate *gate, guint *calls, gsize *bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdGate, scd_gate_unref)
