/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/grants.h"

#include "base/error.h"
#include "bus/audit.h"
#include "bus/call.h"

struct ScdGrants {
    grefcount references; /* one for the owner, one for each question to polkit */
    gboolean ended;
    ScdAdmission admission;
    ScdClient *client;
    ScdReader *reader;
    ScdGrantsOwner owner;
    GCancellable *questions; /* to polkit */
    GQueue waiting;          /* of Question, by its link: for a job */
    guint allowed;           /* bits by ScdAction: since the rules last changed */
    guint authenticated;     /* likewise: for which the user had to do so, ever */
};

typedef struct {
    ScdGrants *grants;
    GList link;
    ScdAction action;
    ScdJob *job; /* NULL when it is about the session itself */
} Question;

static void
release(ScdGrants *grants)
{
    if (!g_ref_count_dec(&grants->references))
        return;
    g_object_unref(grants->questions);
    g_free(grants);
}

static Question *
new_question(ScdGrants *grants, ScdAction action, ScdJob *job)
{
    Question *question = g_new0(Question, 1);

    g_ref_count_inc(&grants->references);
    question->grants = grants;
    question->link.data = question;
    question->action = action;
    question->job = job;
    return question;
}

static void
free_question(Question *question)
{
    release(question->grants);
    g_free(question);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Question, free_question)

ScdGrants *
scd_grants_new(const ScdAdmission *admission, ScdClient *client, ScdReader *reader,
               const ScdGrantsOwner *owner)
{
    ScdGrants *grants = g_new0(ScdGrants, 1);

    g_ref_count_init(&grants->references);
    grants->admission = *admission;
    grants->client = client;
    grants->reader = reader;
    grants->owner = *owner;
    grants->questions = g_cancellable_new();
    g_queue_init(&grants->waiting);
    return grants;
}

void
scd_grants_end(ScdGrants *grants, guint32 code)
{
    GList *link;

    grants->ended = TRUE;
    g_cancellable_cancel(grants->questions);
    while ((link = g_queue_pop_head_link(&grants->waiting)))
        scd_job_finish(((Question *)link->data)->job, code);
    release(grants);
}

void
scd_grants_set_authenticated(ScdGrants *grants, ScdAction action)
{
    grants->authenticated |= 1u << action;
}

gboolean
scd_grants_has(const ScdGrants *grants, ScdAction action)
{
    return (grants->allowed & 1u << action) != 0;
}

static void
admitted(ScdClient *client, gboolean authenticated, const GError *error, gpointer data)
{
    g_autoptr(Question) question = data;
    g_autoptr(ScdClient) asked_for G_GNUC_UNUSED = client;
    ScdGrants *grants = question->grants;

    if (grants->ended)
        return;
    g_queue_unlink(&grants->waiting, &question->link);
    if (error) {
        scd_call_refuse(question->job, error);
        return;
    }
    grants->allowed |= 1u << question->action;
    if (authenticated)
        scd_grants_set_authenticated(grants, question->action);
    grants->owner.granted(question->job, grants->owner.data);
}

void
scd_grants_ask(ScdGrants *grants, GDBusMethodInvocation *invocation, ScdJob *job)
{
    ScdAction action = scd_admission_action(invocation);

    if (action == SCD_ACTION_NONE || scd_grants_has(grants, action)) {
        grants->owner.granted(job, grants->owner.data);
        return;
    }
    Question *question = new_question(grants, action, job);
    g_queue_push_tail_link(&grants->waiting, &question->link);
    scd_admission_ask(&grants->admission, invocation, grants->reader, grants->questions, admitted,
                      question);
}

static void
rechecked(ScdVerdict verdict, const GError *error, gpointer data)
{
    g_autoptr(Question) question = data;
    ScdGrants *grants = question->grants;
    gboolean authenticated = (grants->authenticated & 1u << question->action) != 0;

    if (grants->ended || g_error_matches(error, SCD_ERROR, SCD_E_CANCELLED))
        return;
    if (verdict != SCD_VERDICT_NO && (verdict != SCD_VERDICT_CHALLENGE || authenticated))
        return;
    scd_audit_client(grants->admission.audit, SCD_AUDIT_REVOKED, grants->client, grants->reader,
                     NULL);
    grants->owner.revoked(grants->owner.data);
}

void
scd_grants_recheck(ScdGrants *grants, ScdAction action)
{
    ScdAuthorityDetails details = scd_reader_details(grants->reader);

    grants->allowed = 0;
    scd_authority_check(grants->admission.authority, grants->client, action, &details, FALSE,
                        grants->questions, rechecked, new_question(grants, action, NULL));
}
