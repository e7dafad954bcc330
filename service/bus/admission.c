/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/admission.h"

#include <string.h>

#include "base/error.h"
#include "bus/audit.h"

typedef struct {
    ScdAuthority *authority;
    ScdAudit *audit;
    GDBusMethodInvocation *invocation;
    GCancellable *cancellable;
    ScdReader *reader; /* not to be looked at once the cancellable is cancelled */
    ScdAction action;
    ScdClient *client;
    ScdAdmissionFunc func;
    gpointer data;
} Question;

ScdAction
scd_admission_action(GDBusMethodInvocation *invocation)
{
    /* org.smartcardd1.Session → Session.Control */
    const char *interface = g_dbus_method_invocation_get_interface_name(invocation);
    g_autofree char *member =
        g_strconcat(strrchr(interface, '.') + 1, ".",
                    g_dbus_method_invocation_get_method_name(invocation), NULL);

    return scd_action_for_call(member, g_dbus_method_invocation_get_parameters(invocation));
}

static void
answer(Question *question, gboolean authenticated, const GError *error)
{
    question->func(error ? NULL : scd_client_ref(question->client), authenticated, error,
                   question->data);
    g_clear_pointer(&question->client, scd_client_unref);
    g_clear_object(&question->cancellable);
    g_object_unref(question->invocation);
    g_free(question);
}

static GError *
error_if_cancelled(const Question *question)
{
    if (!g_cancellable_is_cancelled(question->cancellable))
        return NULL;
    return g_error_new_literal(SCD_ERROR, SCD_E_CANCELLED, "Nobody waits for the answer any more");
}

static void
got_verdict(ScdVerdict verdict, const GError *error, gpointer data)
{
    Question *question = data;
    g_autoptr(GError) refusal = error_if_cancelled(question);

    if (!error && !refusal && (verdict == SCD_VERDICT_NO || verdict == SCD_VERDICT_CHALLENGE))
        refusal = scd_action_refusal(question->action, verdict, scd_reader_name(question->reader));
    if (!g_cancellable_is_cancelled(question->cancellable) &&
        g_error_matches(error ? error : refusal, SCD_ERROR, SCD_NOT_AUTHORIZED))
        scd_audit_client(question->audit, SCD_AUDIT_REFUSED, question->client, question->reader,
                         scd_action_id(question->action));
    answer(question, verdict == SCD_VERDICT_AUTHENTICATED, error ? error : refusal);
}

static void
got_client(ScdClient *client, const GError *error, gpointer data)
{
    Question *question = data;
    g_autoptr(GError) cancelled = error_if_cancelled(question);

    question->client = client;
    if (!error)
        error = cancelled;
    if (error || question->action == SCD_ACTION_NONE) {
        answer(question, FALSE, error);
        return;
    }
    ScdAuthorityDetails details = scd_reader_details(question->reader);
    GDBusMessage *message = g_dbus_method_invocation_get_message(question->invocation);
    gboolean interactive = (g_dbus_message_get_flags(message) &
                            G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;
    scd_authority_check(question->authority, client, question->action, &details, interactive,
                        question->cancellable, got_verdict, question);
}

void
scd_admission_ask(const ScdAdmission *admission, GDBusMethodInvocation *invocation,
                  const ScdReader *reader, GCancellable *cancellable, ScdAdmissionFunc func,
                  gpointer data)
{
    Question *question = g_new0(Question, 1);

    question->authority = admission->authority;
    question->audit = admission->audit;
    question->invocation = g_object_ref(invocation);
    question->cancellable = g_object_ref(cancellable);
    question->reader = (ScdReader *)reader;
    question->action = scd_admission_action(invocation);
    question->func = func;
    question->data = data;
    scd_clients_get(admission->clients, g_dbus_method_invocation_get_sender(invocation), got_client,
                    question);
}
