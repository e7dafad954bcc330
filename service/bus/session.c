/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/session.h"

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/words.h"
#include "bus/call.h"
#include "bus/error.h"
#include "bus/grants.h"
#include "bus/options.h"
#include "bus/patience.h"
#include "bus/script.h"
#include "pcsc/code.h"
#include "scd-interface-info.h"

struct ScdSession {
    ScdSessions *sessions;
    guint64 number;
    ScdReader *reader;
    ScdReaderWatch watch;
    char *card_path; /* NULL when there was no card */
    GBytes *atr;     /* of the only card it is for; NULL: for any */
    gboolean card_left;
    ScdClient *client;
    guint leave;
    ScdHandle *handle;
    ScdPatience *patience;
    ScdUserCharge charge;
    ScdQuota *quota;
    ScdObject *object;
    ScdGrants *grants;
};

static const char *const reasons[] = {
    [SCD_SESSION_CLOSED] = "closed",
    [SCD_SESSION_READER_REMOVED] = "reader-removed",
    [SCD_SESSION_SERVICE_UNAVAILABLE] = "service-unavailable",
    [SCD_SESSION_REVOKED] = "revoked",
    [SCD_SESSION_OWNER_LEFT] = NULL,
};

/* What becomes of the calls that wait. */
static const ScdErrorCode codes[] = {
    [SCD_SESSION_CLOSED] = SCD_E_CANCELLED,
    [SCD_SESSION_READER_REMOVED] = SCD_E_READER_UNAVAILABLE,
    [SCD_SESSION_SERVICE_UNAVAILABLE] = SCD_E_NO_SERVICE,
    [SCD_SESSION_REVOKED] = SCD_E_CANCELLED,
    [SCD_SESSION_OWNER_LEFT] = SCD_E_CANCELLED,
};

/* What being connected so needs. */
static ScdAction
action_of(ScdShareMode share_mode)
{
    return share_mode == SCD_SHARE_EXCLUSIVE ? SCD_ACTION_EXCLUSIVE : SCD_ACTION_CONNECT;
}

static const char *
reader_name(const ScdSession *session)
{
    return scd_reader_name(session->reader);
}

/* Whether the card for which alone the session was opened has gone. */
static gboolean
has_lost_card(const ScdSession *session)
{
    return session->atr && session->card_left;
}

/* That has been replied then. */
static gboolean
refuse_lost_card(const ScdSession *session, GDBusMethodInvocation *invocation)
{
    if (!has_lost_card(session))
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
        scd_handle_submit(session->handle, job);
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
        scd_patience_limit(session->patience, job, timeout_ms);
    scd_handle_submit(session->handle, job);
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
                           scd_protocol_to_word(scd_handle_protocol(session->handle)), atr));
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

/* Once it is allowed. */
static void
granted(ScdJob *job, gpointer data)
{
    ScdSession *session = data;

    /* The card may have been swapped while the question was open. */
    if (job->kind == SCD_JOB_RECONNECT && has_lost_card(session))
        scd_job_finish(job, scd_code_of_error(SCD_W_REMOVED_CARD));
    else
        scd_handle_submit(session->handle, job);
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
    if (scd_handle_share_mode(session->handle) == SCD_SHARE_EXCLUSIVE &&
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
new_channel(ScdHandle *handle, GError **error)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        g_set_error(error, SCD_ERROR, SCD_LIMIT_EXCEEDED, "No descriptors for a channel: %s",
                    g_strerror(errno));
        return NULL;
    }
    if (!scd_handle_open_channel(handle, ends[0])) {
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

/* The card is in a state that only the session knew: others get it without. */
static ScdJob *
new_resetting_disconnect(void)
{
    ScdJob *job = scd_job_new(SCD_JOB_DISCONNECT, NULL, NULL, NULL);
    job->action = SCD_DISPOSITION_RESET;
    return job;
}

static void
end(ScdSession *session, ScdSessionEnd why, ScdJob *disconnect)
{
    scd_sessions_remove(session->sessions, session->number);
    scd_grants_end(session->grants, scd_code_of_error(codes[why]));
    scd_patience_free(session->patience);
    scd_handle_close(session->handle, disconnect, scd_code_of_error(codes[why]));
    if (reasons[why])
        scd_object_emit(session->object, "Closed", g_variant_new("(s)", reasons[why]));
    scd_reader_unwatch(session->reader, &session->watch);
    scd_client_remove_leave(session->client, session->leave);
    scd_client_unref(session->client);
    scd_object_free(session->object);
    scd_user_charge_give_back(&session->charge);
    scd_quota_unref(session->quota);
    g_clear_pointer(&session->atr, g_bytes_unref);
    g_free(session->card_path);
    g_free(session);
}

static void
close_session(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    ScdJob *job = new_disposing_job(session, SCD_JOB_DISCONNECT, arguments, invocation);

    if (job)
        end(session, SCD_SESSION_CLOSED, job);
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
    ScdHandle *handle = session->handle;

    scd_object_set(object, "Card", g_variant_new_object_path(session->card_path));
    scd_object_set(object, "ShareMode",
                   g_variant_new_string(scd_share_mode_to_word(scd_handle_share_mode(handle))));
    scd_object_set(object, "Protocol",
                   g_variant_new_string(scd_protocol_to_word(scd_handle_protocol(handle))));
    scd_object_set(object, "InTransaction",
                   g_variant_new_boolean(scd_handle_in_transaction(handle)));
}

static const ScdInterface interface = {&scd_session_interface, methods, refresh};

static void
reader_left(ScdSessionEnd why, gpointer data)
{
    scd_session_end(data, why);
}

static void
card_left(gpointer data)
{
    ScdSession *session = data;
    session->card_left = TRUE;
}

static void
owner_left(gpointer data)
{
    scd_session_end(data, SCD_SESSION_OWNER_LEFT);
}

static void
revoked(gpointer data)
{
    scd_session_end(data, SCD_SESSION_REVOKED);
}

static ScdGrants *
new_grants(ScdSession *session)
{
    const ScdAdmission admission = {scd_sessions_clients(session->sessions),
                                    scd_sessions_authority(session->sessions)};
    const ScdGrantsOwner owner = {granted, revoked, session};

    return scd_grants_new(&admission, session->client, session->reader, &owner);
}

ScdSession *
scd_session_new(ScdSessions *sessions, const ScdSessionParts *parts)
{
    ScdSession *session = g_new0(ScdSession, 1);
    g_autoptr(GError) error = NULL;

    session->sessions = sessions;
    session->reader = parts->reader;
    session->card_path = g_strdup(parts->card_path);
    session->atr = parts->atr ? g_bytes_ref(parts->atr) : NULL;
    session->client = parts->client;
    session->handle = parts->handle;
    session->patience = scd_patience_new(session->handle);
    session->charge = parts->charge;
    session->quota = scd_quota_new(scd_sessions_config(sessions));
    session->grants = new_grants(session);
    if (parts->authenticated)
        scd_grants_set_authenticated(session->grants,
                                     action_of(scd_handle_share_mode(session->handle)));
    session->watch = (ScdReaderWatch){reader_left, card_left, session};
    scd_reader_watch(session->reader, &session->watch);
    session->leave = scd_client_on_leave(session->client, owner_left, session);
    session->number = scd_sessions_add(sessions, session);

    g_autofree char *path =
        g_strdup_printf(SCD_ROOT_PATH "/sessions/%" G_GUINT64_FORMAT, session->number);
    session->object = scd_object_new(scd_sessions_bus(sessions), path, &interface, session,
                                     scd_client_name(session->client), &error);
    if (!session->object)
        g_error("A session's path was in use: %s", error->message);
    scd_object_set(session->object, "Reader",
                   g_variant_new_object_path(scd_reader_path(session->reader)));
    return session;
}

const char *
scd_session_path(const ScdSession *session)
{
    return scd_object_path(session->object);
}

void
scd_session_end(ScdSession *session, ScdSessionEnd why)
{
    end(session, why, new_resetting_disconnect());
}

void
scd_session_recheck(ScdSession *session)
{
    scd_grants_recheck(session->grants, action_of(scd_handle_share_mode(session->handle)));
}
