/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits of transactions and of waiting, and whose turn it is, with a clock that the test sets. */

#include "fake-pcsc.h"
#include "rig.h"

#define RESET_CARD 0x80100068
#define REMOVED_CARD 0x80100069
#define INVALID_HANDLE 0x80100003
#define UNKNOWN_READER 0x80100009

static guint n_taken;

static gboolean
transaction_taken(gpointer data)
{
    n_taken++;
    return G_SOURCE_REMOVE;
}

/* "ours" has a transaction, and "other" waits for the card. */
static RigJob *
begin_and_wait(Rig *rig)
{
    n_taken = 0;
    const ScdJobQueueEvents events = {transaction_taken, NULL, NULL};
    scd_job_queue_on_events(rig->ours, &events, g_atomic_rc_box_new(int));
    g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_BEGIN), ==, 0);
    RigJob *waiting = rig_submit(rig, rig->other, SCD_JOB_TRANSMIT);
    rig_run(rig, rig->ours, SCD_JOB_STATUS); /* the worker has executed the jobs before */
    return waiting;
}

static void
assert_taken(Rig *rig, RigJob *waiting)
{
    rig_wait(waiting);
    g_assert_cmphex(waiting->code, ==, RESET_CARD);
    rig_iterate();
    g_assert_cmpuint(n_taken, ==, 1);
    g_assert_cmpuint(fake_pcsc_count_resets(), ==, 1);
    g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, RESET_CARD);
    g_assert_false(scd_job_queue_in_transaction(rig->ours));
}

/* The transaction can only be ended with its handle, and the reader has gone. */
static void
lose_handle(Rig *rig, RigJob *waiting)
{
    fake_pcsc_reset_card();
    fake_pcsc_hold(FAKE_CONNECT);
    rig_advance_clock(6 * G_TIME_SPAN_SECOND);
    RigJob *awake = rig_submit(rig, rig->other, SCD_JOB_STATUS);
    fake_pcsc_wait_until_held();
    fake_pcsc_unplug();
    fake_pcsc_release();
    rig_wait(awake);
    g_assert_cmphex(awake->code, ==, INVALID_HANDLE);
    rig_wait(waiting);
}

static void
test_connect_after_a_lost_handle(void)
{
    Rig *rig = rig_new(FALSE);

    g_assert_cmphex(rig_run(rig, rig->other, SCD_JOB_BEGIN), ==, 0);
    RigJob *connect = rig_submit(rig, rig->ours, SCD_JOB_CONNECT);
    rig_run(rig, rig->other, SCD_JOB_STATUS); /* the worker knows that it waits */
    lose_handle(rig, connect);
    g_assert_cmphex(connect->code, ==, UNKNOWN_READER);
    g_assert_cmpuint(fake_pcsc_count_handles(), ==, 0);
    rig_free(rig);
}

/* As pcscd may see it: else the transaction would last until the handle is closed. */
static void
test_removal_within_begin(void)
{
    Rig *rig = rig_new(TRUE);

    fake_pcsc_hold(FAKE_LOCK);
    RigJob *begin = rig_submit(rig, rig->ours, SCD_JOB_BEGIN);
    fake_pcsc_wait_until_held();
    fake_pcsc_remove_card();
    fake_pcsc_release();
    rig_wait(begin);
    g_assert_cmphex(begin->code, ==, REMOVED_CARD);
    g_assert_cmpuint(fake_pcsc_transaction_depth(), ==, 0);
    g_assert_false(scd_job_queue_in_transaction(rig->ours));
    g_assert_cmpuint(fake_pcsc_count_handles(), ==, 2);
    g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, REMOVED_CARD);
    rig_free(rig);
}

/* The transaction is one with the next card, and pcscd would let a connect wait for its end. */
static void
test_removal_is_reported_late(void)
{
    Rig *rig = rig_new(TRUE);
    RigJob *waiting = begin_and_wait(rig);

    scd_workers_card_removed(rig->workers, "Reader");
    g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, 0);
    g_assert_true(scd_job_queue_in_transaction(rig->ours));
    g_assert_cmpuint(rig_count_answers(waiting), ==, 0);
    g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_END), ==, 0);
    rig_wait(waiting);
    g_assert_cmphex(waiting->code, ==, 0);
    rig_free(rig);
}

/* Requests that are no commands keep the worker awake, but do not count. */
static void
test_idle(void)
{
    Rig *rig = rig_new(TRUE);
    RigJob *waiting = begin_and_wait(rig);

    for (guint i = 0; i < 4; i++) {
        rig_advance_clock(G_TIME_SPAN_SECOND);
        g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_STATUS), ==, 0);
    }
    g_assert_cmpuint(rig_count_answers(waiting), ==, 0);
    rig_advance_clock(2 * G_TIME_SPAN_SECOND);
    rig_run(rig, rig->ours, SCD_JOB_STATUS);
    assert_taken(rig, waiting);
    rig_free(rig);
}

static void
test_commands_are_activity_up_to_the_total(void)
{
    Rig *rig = rig_new(TRUE);
    RigJob *waiting = begin_and_wait(rig);

    for (guint i = 0; i < 14; i++) {
        rig_advance_clock(4 * G_TIME_SPAN_SECOND);
        g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, 0);
    }
    g_assert_cmpuint(rig_count_answers(waiting), ==, 0);
    rig_advance_clock(5 * G_TIME_SPAN_SECOND);
    rig_run(rig, rig->ours, SCD_JOB_STATUS); /* the worker has read the clock since */
    g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, RESET_CARD);
    assert_taken(rig, waiting);
    rig_free(rig);
}

/* A script ends after the command under way. */
static void
test_total_within_a_script(void)
{
    Rig *rig = rig_new(TRUE);
    RigJob *waiting = begin_and_wait(rig);
    RigJob *script = rig_new_job(rig, SCD_JOB_TRANSMIT);

    for (guint i = 0; i < 9; i++)
        scd_bytes_list_add(&script->job->inputs, g_bytes_new_static("\0\xB0\0\0", 4));
    fake_pcsc_hold(FAKE_TRANSMIT);
    scd_job_queue_submit(rig->ours, scd_job_ref(script->job));
    fake_pcsc_wait_until_held();
    rig_advance_clock(61 * G_TIME_SPAN_SECOND);
    fake_pcsc_release();
    rig_wait(script);
    g_assert_cmphex(script->code, ==, RESET_CARD);
    g_assert_cmpuint(scd_job_n_answered(script->job), ==, 1);
    g_assert_cmpuint(scd_job_n_commands(script->job), ==, 10);
    assert_taken(rig, waiting);
    rig_free(rig);
}

static void
test_no_waiting(void)
{
    Rig *rig = rig_new(TRUE);
    RigJob *job = rig_new_job(rig, SCD_JOB_TRANSMIT);

    job->job->wait_until = SCD_JOB_NO_WAIT;
    scd_job_queue_submit(rig->ours, scd_job_ref(job->job));
    rig_wait(job);
    g_assert_cmphex(job->code, ==, 0);

    fake_pcsc_hold(FAKE_TRANSMIT);
    RigJob *running = rig_submit(rig, rig->other, SCD_JOB_TRANSMIT);
    fake_pcsc_wait_until_held();
    RigJob *refused = rig_new_job(rig, SCD_JOB_TRANSMIT);
    refused->job->wait_until = SCD_JOB_NO_WAIT;
    scd_job_queue_submit(rig->ours, scd_job_ref(refused->job));
    g_assert_cmpuint(rig_count_answers(refused), ==, 1);
    g_assert_cmphex(refused->code, ==, RIG_TIMEOUT);
    fake_pcsc_release();
    rig_wait(running);

    fake_pcsc_set_foreign(TRUE);
    RigJob *busy = rig_new_job(rig, SCD_JOB_BEGIN);
    busy->job->wait_until = SCD_JOB_NO_WAIT;
    scd_job_queue_submit(rig->ours, scd_job_ref(busy->job));
    rig_wait(busy);
    g_assert_cmphex(busy->code, ==, RIG_TIMEOUT);
    fake_pcsc_set_foreign(FALSE);
    rig_free(rig);
}

/* Close is answered when its time is over, and the handle is closed all the same. */
static void
test_disconnect_with_a_limit(void)
{
    Rig *rig = rig_new(TRUE);
    RigJob *disconnect = rig_new_job(rig, SCD_JOB_DISCONNECT);

    disconnect->job->action = 1;
    disconnect->job->end_by = g_get_monotonic_time() + G_TIME_SPAN_HOUR;
    fake_pcsc_set_foreign(TRUE);
    scd_job_queue_close(g_steal_pointer(&rig->ours), scd_job_ref(disconnect->job), 0);
    fake_pcsc_wait_until_refused();
    rig_advance_clock(2 * G_TIME_SPAN_HOUR);
    rig_iterate();
    rig_wait(disconnect);
    g_assert_cmphex(disconnect->code, ==, RIG_TIMEOUT);
    g_assert_cmpuint(fake_pcsc_count_handles(), ==, 2);
    fake_pcsc_set_foreign(FALSE);
    while (rig->n_destroyed == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(fake_pcsc_count_handles(), ==, 1);
    g_assert_cmpuint(fake_pcsc_count_resets(), ==, 1);
    rig_free(rig);
}

/* Else another queue's transaction might come between them, and the control be refused. */
static void
test_chain_is_one_turn(void)
{
    Rig *rig = rig_new(FALSE);

    fake_pcsc_hold(FAKE_CONNECT);
    RigJob *connect = rig_submit(rig, rig->ours, SCD_JOB_CONNECT);
    fake_pcsc_wait_until_held();
    RigJob *begin = rig_submit(rig, rig->other, SCD_JOB_BEGIN);
    RigJob *control = rig_new_job(rig, SCD_JOB_CONTROL);
    scd_bytes_list_add(&control->job->inputs, g_bytes_new_static("", 0));
    control->job->chained = TRUE;
    scd_job_queue_submit(rig->ours, scd_job_ref(control->job));
    fake_pcsc_release();
    rig_wait(control);
    g_assert_cmphex(control->code, ==, 0);
    rig_wait(begin);
    rig_wait(connect);
    rig_free(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/worker-limits/idle", test_idle);
    g_test_add_func("/worker-limits/lost-handle", test_connect_after_a_lost_handle);
    g_test_add_func("/worker-limits/removal-within-begin", test_removal_within_begin);
    g_test_add_func("/worker-limits/late-removal", test_removal_is_reported_late);
    g_test_add_func("/worker-limits/total", test_commands_are_activity_up_to_the_total);
    g_test_add_func("/worker-limits/total-script", test_total_within_a_script);
    g_test_add_func("/worker-limits/no-waiting", test_no_waiting);
    g_test_add_func("/worker-limits/disconnect", test_disconnect_with_a_limit);
    g_test_add_func("/worker-limits/chain", test_chain_is_one_turn);
    return g_test_run();
}
