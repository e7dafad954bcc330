/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Queues that are held while the authorization is checked again, and cards that are not authorized.
 */

#include "fake-pcsc.h"
#include "rig.h"

#define REMOVED_CARD 0x80100069

/* The fake card has an empty ATR. */
static GBytes *
new_atr(gboolean of_the_card)
{
    return g_bytes_new_static("\x3B", of_the_card ? 0 : 1);
}

static void
authorize_card(Rig *rig, gboolean this_one)
{
    g_autoptr(GBytes) atr = new_atr(this_one);
    scd_job_queue_set_held(rig->ours, FALSE, atr);
}

static void
test_jobs_wait(void)
{
    Rig *rig = rig_new(TRUE);

    scd_job_queue_set_held(rig->ours, TRUE, NULL);
    RigJob *held = rig_submit(rig, rig->ours, SCD_JOB_TRANSMIT);
    g_assert_cmpuint(rig_run(rig, rig->other, SCD_JOB_TRANSMIT), ==, 0);
    g_assert_cmpuint(rig_count_answers(held), ==, 0);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_TRANSMIT), ==, 1);
    scd_job_queue_set_held(rig->ours, FALSE, NULL);
    rig_wait(held);
    g_assert_cmpuint(held->code, ==, 0);
    rig_free(rig);
}

static void
test_closed(void)
{
    Rig *rig = rig_new(TRUE);

    scd_job_queue_set_held(rig->ours, TRUE, NULL);
    RigJob *held = rig_submit(rig, rig->ours, SCD_JOB_TRANSMIT);
    rig_close(rig, &rig->ours, 0);
    rig_wait(held);
    g_assert_cmpuint(held->code, ==, RIG_CODE_CLOSE);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_TRANSMIT), ==, 0);
    rig_free(rig);
}

static void
test_reconnect_to_another_card(void)
{
    Rig *rig = rig_new(TRUE);

    authorize_card(rig, FALSE);
    g_assert_cmpuint(rig_run(rig, rig->ours, SCD_JOB_RECONNECT), ==, REMOVED_CARD);
    g_assert_cmpuint(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, REMOVED_CARD);
    g_assert_cmpuint(rig_run(rig, rig->ours, SCD_JOB_CONTROL), ==, REMOVED_CARD);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_TRANSMIT), ==, 0);
    authorize_card(rig, TRUE);
    g_assert_cmpuint(rig_run(rig, rig->ours, SCD_JOB_RECONNECT), ==, 0);
    g_assert_cmpuint(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, 0);
    rig_free(rig);
}

static void
test_connect_to_another_card(void)
{
    Rig *rig = rig_new(FALSE);

    authorize_card(rig, FALSE);
    RigJob *connect = rig_submit(rig, rig->ours, SCD_JOB_CONNECT);
    g_assert_cmpuint(rig_run(rig, rig->other, SCD_JOB_STATUS), ==, 0);
    g_assert_cmpuint(rig_count_answers(connect), ==, 0);
    authorize_card(rig, TRUE);
    rig_advance_clock(G_USEC_PER_SEC);
    rig_wait(connect);
    g_assert_cmpuint(connect->code, ==, 0);
    rig_free(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/worker-held/jobs-wait", test_jobs_wait);
    g_test_add_func("/worker-held/closed", test_closed);
    g_test_add_func("/worker-held/reconnect-to-another-card", test_reconnect_to_another_card);
    g_test_add_func("/worker-held/connect-to-another-card", test_connect_to_another_card);
    return g_test_run();
}
