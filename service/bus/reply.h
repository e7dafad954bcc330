/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Replies to method calls, and signals. They go to the bus without GDBus, from the thread that
 * makes them, and in the order of the calls: GDBus would encode each in several steps, and wake a
 * thread of its own to write it.
 *
 * Each function that replies takes over the invocation, and does not block. From any thread.
 */

#include <gio/gio.h>

#include "bus/error.h"

/* value: a tuple of the results; a floating one is sunk. NULL: none. */
void scd_reply(GDBusMethodInvocation *invocation, GVariant *value);

/* The reply has one result, an array of bytes, of which it keeps a reference until it is sent. */
void scd_reply_bytes(GDBusMethodInvocation *invocation, GBytes *bytes);

/* The same with a body that is encoded already. */
void scd_reply_body(GDBusMethodInvocation *invocation, const char *signature, GBytes *body);

/*
 * To be called before a long reply to a query: charges the caller's user with so many bytes until
 * the reply is sent.
 */
void scd_reply_charge(GDBusMethodInvocation *invocation, gsize bytes);

/*
 * Reply with an error under its D-Bus name. The text is cut where errors would be too long. The
 * second one takes the error, too.
 */
void scd_reply_error(GDBusMethodInvocation *invocation, const GError *error);
void scd_reply_take_error(GDBusMethodInvocation *invocation, GError *error);

typedef struct {
    const char *client; /* the unique name of the only receiver; NULL: all */
    const char *path;
    const char *interface;
    const char *member;
    const char *signature;
} ScdSignalHeader;

/* Returns the header of a signal, to which the caller appends the body. */
GByteArray *scd_signal_begin(GDBusConnection *bus, const ScdSignalHeader *header);

/* Takes the signal. */
void scd_signal_send(GDBusConnection *bus, GByteArray *signal);
