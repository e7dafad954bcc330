/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Admission of method calls: decides whether a call enters the service, from the bytes of the
 * message and before GDBus reads them, and charges each admitted call until its reply is sent. So
 * clients cannot make the service hold more than a bounded amount for each user. The limits and
 * their reasons are in gate.c, and in gate-header.c those of single messages.
 *
 * The rate of calls is limited as well, and the replies to queries that wait for the bus, for each
 * user, so that no user takes the time of the main thread and of the bus from others. Calls above
 * these limits are held back, and pass later, the senders taking turns; those of a sender stay in
 * order. Calls of root, the few that a program makes one after the other, and successful calls on a
 * card are not counted. The gate drops queries whose sender wants no reply, signals to which the
 * service has not subscribed, and replies to calls that the service has not made.
 *
 * A call is charged to the user of its sender. New senders, whose user is not known yet, share one
 * pool until their user has been looked up. All functions may be called from any thread.
 */

#include "base/dbus-message.h"

/*
 * Bytes of the calls that wait for their replies. The longest call (TransmitManyHex) takes about 13
 * MiB; with the pool, which is for all senders whose user is not known yet, a user has 16 MiB. The
 * bus takes about a millisecond to report a user.
 */
#define SCD_GATE_USER_BYTES_MAX (14u * 1024 * 1024)
#define SCD_GATE_POOL_BYTES_MAX (2u * 1024 * 1024)
#define SCD_GATE_ALL_BYTES_MAX (80u * 1024 * 1024)

typedef enum {
    SCD_GATE_PASS,
    SCD_GATE_REFUSE, /* reply with the error instead */
    SCD_GATE_DROP,
    SCD_GATE_HOLD, /* the gate keeps the message: see scd_gate_take_held() */
} ScdGateVerdict;

/* The strings are static. */
typedef struct {
    const char *name; /* of the D-Bus error */
    const char *text;
} ScdGateError;

typedef struct {
    const char *method; /* interface and member, without the prefix; NULL: any other method */
    gsize body_max;
    guint percent; /* of the body: the memory for GDBus's copy and for the job's */
} ScdGateBodyLimit;

/*
 * The functions up to scd_gate_new() are in gate-header.c, and need no state: which messages the
 * gate refuses by their headers alone, and how long the body of a call may be.
 */

/* Returns the length in bytes, with the header, of the longest message that any method needs. */
gsize scd_gate_message_max(void);

/*
 * Returns the length in bytes of the longest header of a message of that type that is read: longer
 * messages are dropped. Calls with a long header are refused with an error, for which the names in
 * the header are needed.
 */
gsize scd_gate_header_max(ScdDbusType type);

/* Returns the limit for a call: a static table. */
const ScdGateBodyLimit *scd_gate_find_body_limit(const ScdDbusHeader *header);

/*
 * Checks a message by its header alone, so that the body of a refused message need not be kept.
 * length: of the whole message. SCD_GATE_PASS is not final.
 */
ScdGateVerdict scd_gate_check_header(const ScdDbusHeader *header, gsize length,
                                     ScdGateError *error);

/* Returns about how many KiB the reply to a query of a standard interface has, 0 for other calls.
 */
guint scd_gate_weigh_reply(const ScdDbusHeader *header);

/*
 * Returns whether the call is of a method that uses a card. The successful ones are not counted in
 * the rate of the user, because the card limits it.
 */
gboolean scd_gate_uses_card(const ScdDbusHeader *header);

typedef struct ScdGate ScdGate;

ScdGate *scd_gate_new(void);

/* Reference counted: the stream of the bus, which outlives the service, has references too. */
ScdGate *scd_gate_ref(ScdGate *gate);
void scd_gate_unref(ScdGate *gate);

/*
 * To be called when the service stops: drops all further calls and those that are held back, which
 * the bus answers with NoReply when the service disconnects.
 */
void scd_gate_close(ScdGate *gate);

/*
 * Called once for a sender whose user the gate does not know, and again only after
 * scd_gate_set_user() or scd_gate_forget(). Called in the thread that called scd_gate_admit(), with
 * a lock of the gate held.
 */
typedef void (*ScdGateUnknownSenderFunc)(const char *sender, gpointer data);

/* func: NULL for none; the former one is not called after this function has returned. */
void scd_gate_on_unknown_sender(ScdGate *gate, ScdGateUnknownSenderFunc func, gpointer data);

/*
 * Decides about a message that passed scd_gate_check_header(), and charges a call that passes or is
 * held back. For a call whose sender wants no reply, scd_gate_reply() must be called as well: it
 * ends the charge. length: of the message; the body is at its end.
 */
ScdGateVerdict scd_gate_admit(ScdGate *gate, const ScdDbusHeader *header, const guint8 *message,
                              gsize length, ScdGateError *error);

/*
 * Returns a call that was held back and may pass now, or NULL. The caller owns the message, and
 * wipes it. congested: the bus has not read earlier messages yet.
 */
GByteArray *scd_gate_take_held(ScdGate *gate, gboolean congested);

/* Returns whether there are calls that scd_gate_take_held() may return some time later. */
gboolean scd_gate_has_held(ScdGate *gate);

/*
 * To be called before a reply or an error is sent: ends the charge of its call. succeeded: it is no
 * error. Returns SCD_GATE_DROP if the caller wants no reply.
 */
ScdGateVerdict scd_gate_reply(ScdGate *gate, const char *destination, guint32 reply_serial,
                              gboolean succeeded);

/* To be called when the length of a reply to a query is known: charges its bytes as well. */
void scd_gate_charge_reply(ScdGate *gate, const char *destination, guint32 reply_serial,
                           gsize bytes);

/* To be called before a call of the service itself is sent: its reply passes, and no other. */
void scd_gate_expect_reply(ScdGate *gate, guint32 serial);

/* Sets the user of a sender, who is charged for its open calls from now on. */
void scd_gate_set_user(ScdGate *gate, const char *sender, guint32 uid);

/*
 * To be called when a sender has left the bus. Its calls that are held back are dropped; the others
 * stay charged until their replies.
 */
void scd_gate_forget(ScdGate *gate, const char *sender);

/* Sets the numbers of open calls, and of their bytes, for all senders. */
void scd_gate_get_usage(ScdGate *gate, guint *calls, gsize *bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdGate, scd_gate_unref)
