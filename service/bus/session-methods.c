/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The methods of a Session: each becomes a job of the reader's worker, which
 * replies to the call.
 */

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/words.h"
#include "bus/call.h"
#include "bus/error.h"
#include "bus/options.h"
#include "bus/script.h"
#include "bus/session-private.h"
#include "pcsc/code.h"
#include "scd-interface-info.h"

static const char *
reader_name(const ScdSession *session)
{
    return scd_reader_name(session->reader);
}

/* That has been replied then. */
static gboolean
refuse_lost_card(const ScdSession *session, GDBusMethodInvocation *invocation)
{
    if (!scd_session_has_lost_card(session))
        return FALSE;
    scd_call_fail(invocation, reader_name(session), scd_code_of_error(SCD_W_REMOVED_CARD));
    return TRUE;
}

static ScdJob *
new_job(const ScdSession *session, ScdJobKind kind, GDBusMethodInvocation *invocation,
        ScdReplyForm form)
{
    return scd_call_new_job(kind, invocation, reader_name(session), form);
}

static void
submit(ScdSession *session, ScdJob *job)
{
    if (scd_call_charge(job, session->quota))
        scd_job_queue_submit(session->handle, job);
}

static void
transmit_in_form(ScdSession *session, GVariant *arguments, GDBusMethodInvocation *invocation,
                 ScdReplyForm form)
{
    g_autoptr(GVariant) commands = g_variant_get_child_value(arguments, 0);
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 1);
    g_autoptr(GError) error = NULL;

    if (refuse_lost_card(session, invocation))
        return;
    ScdJob *job = new_job(session, SCD_JOB_TRANSMIT, invocation, form);
    if (scd_script_read(job, commands, options, NULL, &error))
        submit(session, job);
    else
        scd_call_refuse(job, error);
}

static void
transmit(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    transmit_in_form(owner, arguments, invocation, SCD_REPLY_BYTES);
}

static void
transmit_many(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    transmit_in_form(owner, arguments, invocation, SCD_REPLY_BYTES_LIST);
}

static void
begin_transaction(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 0);
    guint32 timeout_ms = SCD_NO_TIMEOUT;
    const ScdOption known[] = {{"timeout-ms", "u", &timeout_ms}, {NULL, NULL, NULL}};
    GError *error = NULL;

    if (!scd_options_read(options, known, &error)) {
        g_dbus_method_invocation_take_error(invocation, error);
        return;
    }
    if (refuse_lost_card(session, invocation))
        return;
    ScdJob *job = new_job(session, SCD_JOB_BEGIN, invocation, SCD_REPLY_NOTHING);
    if (!scd_call_charge(job, session->quota))
        return;
    if (timeout_ms != SCD_NO_TIMEOUT)
        scd_job_timeouts_add(session->timeouts, job, timeout_ms);
    scd_job_queue_submit(session->handle, job);
}

/* A method with one argument, a disposition. */
static ScdJob *
new_disposing_job(ScdSession *session, ScdJobKind kind, GVariant *arguments,
                  GDBusMethodInvocation *invocation)
{
    ScdDisposition disposition;
    GError *error = NULL;
    const char *word;

    g_variant_get(arguments, "(&s)", &word);
    if (!scd_disposition_from_word(word, &disposition, &error)) {
        g_dbus_method_invocation_take_error(invocation, error);
        return NULL;
    }
    ScdJob *job = new_job(session, kind, invocation, SCD_REPLY_NOTHING);
    job->action = disposition;
    return job;
}

static void
end_transaction(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    ScdJob *job = new_disposing_job(session, SCD_JOB_END, arguments, invocation);

    if (job)
        submit(session, job);
}

static void
get_status(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    const ScdReaderState *state = scd_reader_state(session->reader);

    if (refuse_lost_card(session, invocation))
        return;
    ScdJob *job = new_job(session, SCD_JOB_STATUS, invocation, SCD_REPLY_READY);
    GVariant *atr =
        g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, state->atr, state->atr_length, 1);
    scd_call_set_reply(
        job, g_variant_new("(sus@ay)", state->name, (guint32)state->bits,
                           scd_protocol_to_word(scd_job_queue_protocol(session->handle)), atr));
    submit(session, job);
}

static void
get_attribute(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    ScdJob *job = new_job(session, SCD_JOB_GET_ATTRIBUTE, invocation, SCD_REPLY_BYTES);

    g_variant_get(arguments, "(u)", &job->number);
    submit(session, job);
}

static void
submit_if_allowed(ScdSession *session, ScdJob *job, GDBusMethodInvocation *invocation)
{
    if (scd_call_charge(job, session->quota))
        scd_grants_ask(session->grants, invocation, job);
}

static void
control(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    ScdJob *job = new_job(session, SCD_JOB_CONTROL, invocation, SCD_REPLY_BYTES);
    g_autoptr(GVariant) data = g_variant_get_child_value(arguments, 1);

    g_variant_get_child(arguments, 0, "u", &job->number);
    scd_call_add_input(job, data);
    submit_if_allowed(session, job, invocation);
}

static void
set_attribute(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    ScdJob *job = new_job(session, SCD_JOB_SET_ATTRIBUTE, invocation, SCD_REPLY_NOTHING);
    g_autoptr(GVariant) value = g_variant_get_child_value(arguments, 1);

    g_variant_get_child(arguments, 0, "u", &job->number);
    scd_call_add_input(job, value);
    submit_if_allowed(session, job, invocation);
}

typedef struct {
    ScdSessions *sessions;
    guint64 number;
} SessionNumber;

/* Before the reply: the card that the session is connected to now. */
static void
reconnected(guint32 code, gpointer data)
{
    SessionNumber *which = data;
    ScdSession *session = scd_sessions_find(which->sessions, which->number);

    if (!session || code != 0)
        return;
    const ScdCard *card = scd_reader_card(session->reader);
    g_free(session->card_path);
    session->card_path = g_strdup(card ? scd_card_path(card) : "/");
    /* The rules may have changed while it waited for its turn. */
    if (scd_job_queue_share_mode(session->handle) == SCD_SHARE_EXCLUSIVE &&
        !scd_grants_has(session->grants, SCD_ACTION_EXCLUSIVE))
        scd_session_recheck(session);
}

static void
reconnect(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    g_autofree const char **words = NULL;
    const char *share_mode_word, *initialization_word;
    ScdShareMode share_mode;
    ScdProtocol protocols;
    ScdDisposition initialization;
    GError *error = NULL;

    g_variant_get(arguments, "(&s^a&s&s)", &share_mode_word, &words, &initialization_word);
    if (!scd_share_mode_from_word(share_mode_word, &share_mode, &error) ||
        !scd_protocols_from_words(words, &protocols, &error) ||
        !scd_initialization_from_word(initialization_word, &initialization, &error)) {
        g_dbus_method_invocation_take_error(invocation, error);
        return;
    }
    if (refuse_lost_card(session, invocation))
        return;
    ScdJob *job = new_job(session, SCD_JOB_RECONNECT, invocation, SCD_REPLY_PROTOCOL);
    job->share_mode = share_mode;
    job->protocols = protocols;
    job->action = initialization;
    SessionNumber *which = g_new(SessionNumber, 1);
    *which = (SessionNumber){session->sessions, session->number};
    scd_call_tell_main(job, reconnected, which, g_free);
    submit_if_allowed(session, job, invocation);
}

/* Both ends close on exec; NULL with an error when there are none to be had. */
static GUnixFDList *
new_channel(ScdJobQueue *handle, GError **error)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        g_set_error(error, SCD_ERROR, SCD_LIMIT_EXCEEDED, "No descriptors for a channel: %s",
                    g_strerror(errno));
        return NULL;
    }
    if (!scd_job_queue_open_channel(handle, ends[0])) {
        g_set_error_literal(error, SCD_ERROR, SCD_LIMIT_EXCEEDED,
                            "The session has a channel already: close that one first");
        close(ends[0]);
        close(ends[1]);
        return NULL;
    }
    return g_unix_fd_list_new_from_array(&ends[1], 1);
}

static void
open_channel(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 0);
    const ScdOption none[] = {{NULL, NULL, NULL}};
    g_autoptr(GUnixFDList) list = NULL;
    GError *error = NULL;

    if (refuse_lost_card(session, invocation))
        return;
    if (scd_options_read(options, none, &error))
        list = new_channel(session->handle, &error);
    if (list)
        g_dbus_method_invocation_return_value_with_unix_fd_list(invocation, g_variant_new("(h)", 0),
                                                                list);
    else
        g_dbus_method_invocation_take_error(invocation, error);
}

static void
close_session(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    ScdJob *job = new_disposing_job(session, SCD_JOB_DISCONNECT, arguments, invocation);

    if (job)
        scd_session_end_with(session, SCD_SESSION_CLOSED, job);
}

static const ScdMethod methods[] = {
    {"Transmit", transmit},
    {"TransmitMany", transmit_many},
    {"BeginTransaction", begin_transaction},
    {"EndTransaction", end_transaction},
    {"Reconnect", reconnect},
    {"GetStatus", get_status},
    {"Control", control},
    {"GetAttribute", get_attribute},
    {"SetAttribute", set_attribute},
    {"OpenChannel", open_channel},
    {"Close", close_session},
    {NULL, NULL},
};

static void
refresh(gpointer owner)
{
    ScdSession *session = owner;
    ScdObject *object = session->object;
    ScdJobQueue *handle = session->handle;

    scd_object_set(object, "Card", g_variant_new_object_path(session->card_path));
    scd_object_set(object, "ShareMode",
                   g_variant_new_string(scd_share_mode_to_word(scd_job_queue_share_mode(handle))));
    scd_object_set(object, "Protocol",
                   g_variant_new_string(scd_protocol_to_word(scd_job_queue_protocol(handle))));
    scd_object_set(object, "InTransaction",
                   g_variant_new_boolean(scd_job_queue_in_transaction(handle)));
}

const ScdInterface scd_session_methods = {&scd_session_interface, methods, refresh};
