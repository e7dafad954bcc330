/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/job.h"

#include <winscard.h>

#include "base/words.h"

ScdJob *
scd_job_new(ScdJobKind kind, ScdJobFunc done, gpointer data, GDestroyNotify free_data)
{
    ScdJob *job = g_new0(ScdJob, 1);
    g_atomic_ref_count_init(&job->references);
    job->kind = kind;
    job->done = done;
    job->data = data;
    job->free_data = free_data;
    job->wait_until = SCD_JOB_NO_LIMIT;
    job->end_by = SCD_JOB_NO_LIMIT;
    return job;
}

ScdJob *
scd_job_ref(ScdJob *job)
{
    g_atomic_ref_count_inc(&job->references);
    return job;
}

void
scd_job_unref(ScdJob *job)
{
    if (!g_atomic_ref_count_dec(&job->references))
        return;
    g_assert(job->state == SCD_JOB_NEW || job->state == SCD_JOB_DONE);
    if (job->free_data)
        job->free_data(job->data);
    scd_bytes_list_clear(&job->inputs);
    scd_bytes_list_clear(&job->outputs);
    scd_user_charge_give_back(&job->memory);
    g_clear_pointer(&job->atr, g_bytes_unref);
    g_free(job);
}

gboolean
scd_job_charge(ScdJob *job, ScdAccount *account, GError **error)
{
    gsize amount = SCD_JOB_COST;

    g_assert(job->state == SCD_JOB_NEW);
    for (guint i = 0; i < job->inputs.length; i++)
        amount += SCD_SECRET_COST + g_bytes_get_size(scd_bytes_list_get(&job->inputs, i));
    return scd_user_charge_take_from(&job->memory, account, amount, error);
}

ScdJobState
scd_job_state(const ScdJob *job)
{
    return g_atomic_int_get(&job->state);
}

static gboolean
is_legal(ScdJobState from, ScdJobState to)
{
    switch (from) {
    case SCD_JOB_NEW:
        return to == SCD_JOB_QUEUED || to == SCD_JOB_DONE;
    case SCD_JOB_QUEUED:
        return to == SCD_JOB_RUNNING || to == SCD_JOB_DONE;
    case SCD_JOB_RUNNING:
        return to == SCD_JOB_QUEUED || to == SCD_JOB_DONE;
    case SCD_JOB_DONE:
        break;
    }
    return FALSE;
}

static void
measure_inputs(ScdJob *job)
{
    job->n_commands = job->inputs.length;
    for (guint i = 0; i < job->inputs.length; i++)
        job->n_bytes += g_bytes_get_size(scd_bytes_list_get(&job->inputs, i));
}

void
scd_job_set_state(ScdJob *job, ScdJobState from, ScdJobState to)
{
    g_assert(is_legal(from, to));
    if (to == SCD_JOB_DONE)
        scd_bytes_list_clear(&job->inputs);
    else if (from == SCD_JOB_NEW)
        measure_inputs(job);
    gboolean was_so = g_atomic_int_compare_and_exchange(&job->state, from, to);
    g_assert(was_so);
}

gboolean
scd_job_claim(ScdJob *job, guint32 code)
{
    if (!g_atomic_int_compare_and_exchange(&job->answered, FALSE, TRUE))
        return FALSE;
    job->answer = code;
    return TRUE;
}

void
scd_job_deliver(ScdJob *job)
{
    if (job->done)
        job->done(job, job->answer, job->data);
}

gboolean
scd_job_is_answered(const ScdJob *job)
{
    return g_atomic_int_get(&job->answered);
}

void
scd_job_answers_add(GQueue *answers, ScdJob *job, guint32 code)
{
    if (scd_job_claim(job, code))
        g_queue_push_tail(answers, job);
    else
        scd_job_unref(job);
}

void
scd_job_answers_deliver(GQueue *answers)
{
    for (ScdJob *job = NULL; (job = g_queue_pop_head(answers));) {
        scd_job_deliver(job);
        scd_job_unref(job);
    }
}

void
scd_job_finish(ScdJob *job, guint32 code)
{
    gboolean claimed = scd_job_claim(job, code);

    g_assert(claimed);
    scd_job_set_state(job, SCD_JOB_NEW, SCD_JOB_DONE);
    scd_job_deliver(job);
    scd_job_unref(job);
}

gboolean
scd_job_was_sent(const ScdJob *job)
{
    return g_atomic_int_get(&job->sent);
}

void
scd_job_set_sent_in_worker(ScdJob *job, gboolean sent)
{
    g_atomic_int_set(&job->sent, sent);
}

guint
scd_job_n_commands(const ScdJob *job)
{
    return job->n_commands;
}

guint
scd_job_n_answered(const ScdJob *job)
{
    return g_atomic_int_get(&job->n_answered);
}

gsize
scd_job_n_bytes(const ScdJob *job)
{
    return job->n_bytes;
}

void
scd_job_add_output_in_worker(ScdJob *job, GBytes *output)
{
    job->n_output_bytes += g_bytes_get_size(output);
    scd_bytes_list_add(&job->outputs, output);
    g_atomic_int_set(&job->n_answered, (gint)job->outputs.length);
}

GBytes *
scd_job_new_output(const ScdJob *job, gconstpointer bytes, gsize length)
{
    return scd_secret_new_charged(bytes, length, job->memory.account);
}

GBytes *
scd_job_new_output_of_size(const ScdJob *job, gsize length, guint8 **bytes)
{
    return scd_secret_new_of_size(length, job->memory.account, bytes);
}

gboolean
scd_job_has_room_in_worker(const ScdJob *job)
{
    if (job->n_output_bytes + SCD_RESPONSE_MAX > SCD_JOB_OUTPUTS_MAX)
        return FALSE;
    return !job->memory.account ||
           scd_account_has_room(job->memory.account, SCD_SECRET_CHARGE(SCD_RESPONSE_MAX));
}

gboolean
scd_job_needs_card(const ScdJob *job)
{
    if (job->refused)
        return FALSE;
    if (job->meets_other_card)
        return TRUE;
    switch (job->kind) {
    case SCD_JOB_CONNECT:
    case SCD_JOB_RECONNECT:
    case SCD_JOB_BEGIN:
    case SCD_JOB_TRANSMIT:
    case SCD_JOB_ENTER_PIN:
        return TRUE;
    case SCD_JOB_DISCONNECT:
        return job->action != SCD_DISPOSITION_LEAVE &&
               job->action != SCD_JOB_DISPOSITION_OWNER_LEFT;
    case SCD_JOB_END: /* pcscd answers these at once, even while another handle has the card */
    case SCD_JOB_CONTROL:
    case SCD_JOB_GET_ATTRIBUTE:
    case SCD_JOB_SET_ATTRIBUTE:
    case SCD_JOB_STATUS:
        return FALSE;
    }
    g_assert_not_reached();
}

gboolean
scd_job_is_command(const ScdJob *job)
{
    return job->kind == SCD_JOB_TRANSMIT || job->kind == SCD_JOB_ENTER_PIN;
}

ScdHoldActivity
scd_job_hold_activity(const ScdJob *job)
{
    if (job->kind == SCD_JOB_CONTROL) /* of a PIN pad, perhaps */
        return SCD_HOLD_BUSY;
    return scd_job_is_command(job) ? SCD_HOLD_COMMAND : SCD_HOLD_IDLE;
}

void
scd_job_report_in_worker(ScdJob *job, ScdPinEvent event)
{
    if (job->report)
        job->report(job, event, job->data);
}

gboolean
scd_job_is_over(gint64 limit, gint64 now)
{
    return limit != SCD_JOB_NO_WAIT && now >= limit;
}

void
scd_job_set_atr(ScdJob *job, GBytes *atr)
{
    g_clear_pointer(&job->atr, g_bytes_unref);
    job->atr = atr ? g_bytes_ref(atr) : NULL;
}

guint32
scd_job_reason_to_give_up(const ScdJob *job, gint64 now, gboolean patient)
{
    if (job->kind == SCD_JOB_DISCONNECT)
        return 0;
    if (scd_job_is_answered(job))
        return SCARD_E_CANCELLED;
    if (now >= job->wait_until || now >= job->end_by)
        return SCARD_E_TIMEOUT;
    return patient ? 0 : SCARD_E_SHARING_VIOLATION;
}

gint64
scd_job_limit(const ScdJob *job)
{
    if (job->wait_until == SCD_JOB_NO_WAIT) /* decided at once, without a timer */
        return job->end_by;
    return MIN(job->wait_until, job->end_by);
}
