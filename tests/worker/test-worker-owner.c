/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The state in which a session leaves the card that ends without its owner's Close: a verified PIN
 * is not left behind, and not taken from others who have the card.
 */

#include "fake-pcsc.h"
#include "rig.h"

#define SHARING_VIOLATION 0x8010000B

typedef enum {
    DO_TRANSMIT = 1 << 0,
    DO_CONTROL = 1 << 1, /* of a PIN pad, for example */
    DO_BEGIN = 1 << 2,
    DO_RECONNECT_RESET = 1 << 3,
    DO_RECONNECT_LEAVE = 1 << 4,
    DO_END_RESET = 1 << 5,
    RESET_BY_OTHERS = 1 << 6,
    CARD_REMOVED = 1 << 7,
    OTHER_SESSION = 1 << 8,
    GUEST = 1 << 9,         /* another program is connected */
    GUEST_HOLDS = 1 << 10,  /* and has a transaction */
    OTHER_BEGINS = 1 << 11, /* the other session has a transaction */
    DIRECT = 1 << 12,
} OwnerDeed;

typedef struct {
    const char *name;
    guint deeds;  /* in the order of their numbers, as far as it matters */
    guint resets; /* by the end of the session */
} OwnerCase;

static const OwnerCase cases[] = {
    {"nothing", 0, 0},
    {"commands", DO_TRANSMIT, 1},
    {"control", DO_CONTROL, 1},
    {"transaction", DO_BEGIN, 1},
    {"transaction-commands", DO_TRANSMIT | DO_BEGIN, 1},
    {"reconnect-reset", DO_TRANSMIT | DO_RECONNECT_RESET, 0},
    {"reconnect-leave", DO_TRANSMIT | DO_RECONNECT_LEAVE, 1},
    {"end-reset", DO_TRANSMIT | DO_BEGIN | DO_END_RESET, 0},
    {"reset-by-others", DO_TRANSMIT | RESET_BY_OTHERS, 0},
    {"reset-by-others-in-transaction", DO_TRANSMIT | DO_BEGIN | RESET_BY_OTHERS, 0},
    {"card-removed", DO_TRANSMIT | DO_BEGIN | CARD_REMOVED, 0},
    {"other-session", DO_TRANSMIT | OTHER_SESSION, 0},
    {"other-session-transaction", DO_TRANSMIT | DO_BEGIN | OTHER_SESSION, 1},
    {"other-session-holds", DO_TRANSMIT | OTHER_SESSION | OTHER_BEGINS, 0},
    {"guest", DO_TRANSMIT | GUEST, 0},
    {"guest-transaction", DO_TRANSMIT | DO_BEGIN | GUEST, 1},
    {"guest-holds", DO_TRANSMIT | GUEST | GUEST_HOLDS, 0},
    {"direct", DO_CONTROL | DIRECT, 0},
    {"direct-transaction", DO_BEGIN | DIRECT, 0},
};

static RigJob *
last_job(const Rig *rig)
{
    return rig->jobs->pdata[rig->jobs->len - 1];
}

static void
close_and_wait(Rig *rig, ScdJobQueue **queue, guint32 disposition)
{
    rig_close(rig, queue, disposition);
    rig_wait(last_job(rig));
    g_assert_cmphex(last_job(rig)->code, ==, 0);
}

static void
run_with_action(Rig *rig, ScdJobKind kind, guint32 action)
{
    RigJob *job = rig_new_job(rig, kind);

    job->job->action = action;
    if (kind == SCD_JOB_CONTROL)
        scd_bytes_list_add(&job->job->inputs, g_bytes_new_static("", 0));
    scd_job_queue_submit(rig->ours, scd_job_ref(job->job));
    rig_wait(job);
    g_assert_cmphex(job->code, ==, 0);
}

static void
connect_ours(Rig *rig, guint32 share_mode)
{
    RigJob *job = rig_new_job(rig, SCD_JOB_CONNECT);

    job->job->share_mode = share_mode;
    scd_job_queue_submit(rig->ours, scd_job_ref(job->job));
    rig_wait(job);
    g_assert_cmphex(job->code, ==, 0);
}

static void
do_deeds(Rig *rig, guint deeds)
{
    if (deeds & DO_TRANSMIT)
        g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, 0);
    if (deeds & DO_CONTROL)
        run_with_action(rig, SCD_JOB_CONTROL, 0);
    if (deeds & DO_BEGIN)
        run_with_action(rig, SCD_JOB_BEGIN, 0);
    if (deeds & DO_RECONNECT_RESET)
        run_with_action(rig, SCD_JOB_RECONNECT, 1);
    if (deeds & DO_RECONNECT_LEAVE)
        run_with_action(rig, SCD_JOB_RECONNECT, 0);
    if (deeds & DO_END_RESET)
        run_with_action(rig, SCD_JOB_END, 1);
    if (deeds & OTHER_BEGINS)
        g_assert_cmphex(rig_run(rig, rig->other, SCD_JOB_BEGIN), ==, 0);
    if (deeds & RESET_BY_OTHERS)
        fake_pcsc_reset_card();
    if (deeds & CARD_REMOVED)
        fake_pcsc_remove_card();
    fake_pcsc_set_guest((deeds & GUEST) != 0);
    fake_pcsc_set_foreign((deeds & GUEST_HOLDS) != 0);
}

static void
test_case(gconstpointer data)
{
    const OwnerCase *row = data;
    Rig *rig = rig_new(FALSE);

    connect_ours(rig, row->deeds & DIRECT ? 3 : 2);
    if (!(row->deeds & OTHER_SESSION))
        close_and_wait(rig, &rig->other, 0);
    do_deeds(rig, row->deeds);
    guint before = fake_pcsc_count_resets();
    close_and_wait(rig, &rig->ours, SCD_JOB_DISPOSITION_OWNER_LEFT);
    g_assert_cmpuint(fake_pcsc_count_resets() - before, ==, row->resets);
    rig_free(rig);
}

/* The last session resets the card that an earlier one has left to it, however it ends itself. */
static void
test_last_session_cleans(gconstpointer disposition)
{
    Rig *rig = rig_new(TRUE);

    g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, 0);
    close_and_wait(rig, &rig->ours, SCD_JOB_DISPOSITION_OWNER_LEFT);
    g_assert_true(fake_pcsc_is_verified());
    close_and_wait(rig, &rig->other, GPOINTER_TO_UINT(disposition));
    g_assert_false(fake_pcsc_is_verified());
    g_assert_cmpuint(fake_pcsc_count_resets(), ==, 1);
    rig_free(rig);
}

/* The disposition that the owner has chosen is applied before the disconnect. */
static void
test_close_with_disposition(gconstpointer disposition)
{
    Rig *rig = rig_new(TRUE);

    g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, 0);
    close_and_wait(rig, &rig->ours, GPOINTER_TO_UINT(disposition));
    g_assert_false(fake_pcsc_is_verified());
    g_assert_cmpuint(fake_pcsc_count_resets(), ==, 1);
    g_assert_cmphex(rig_run(rig, rig->other, SCD_JOB_STATUS), ==, 0x80100068);
    rig_free(rig);
}

/* The report of a removal that comes after the end of the session, as when the service stops. */
static void
test_removal_is_reported_late(void)
{
    Rig *rig = rig_new(TRUE);

    g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, 0);
    run_with_action(rig, SCD_JOB_BEGIN, 0);
    RigJob *running = rig_new_job(rig, SCD_JOB_TRANSMIT);
    fake_pcsc_hold(FAKE_TRANSMIT);
    scd_job_queue_submit(rig->ours, scd_job_ref(running->job));
    fake_pcsc_wait_until_held();
    rig_close(rig, &rig->ours, SCD_JOB_DISPOSITION_OWNER_LEFT);
    scd_workers_card_removed(rig->workers, "Reader");
    fake_pcsc_release();
    rig_wait(last_job(rig));
    g_assert_false(fake_pcsc_is_verified());
    g_assert_cmpuint(fake_pcsc_count_resets(), ==, 1);
    rig_free(rig);
}

/* The service has replaced the handle, and the new one would be that of the next card. */
static void
test_card_after_a_removal_within_begin(void)
{
    Rig *rig = rig_new(TRUE);

    close_and_wait(rig, &rig->other, 0);
    g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, 0);
    fake_pcsc_hold(FAKE_LOCK);
    RigJob *begin = rig_submit(rig, rig->ours, SCD_JOB_BEGIN);
    fake_pcsc_wait_until_held();
    fake_pcsc_remove_card();
    fake_pcsc_release();
    rig_wait(begin);
    fake_pcsc_insert_card();
    close_and_wait(rig, &rig->ours, SCD_JOB_DISPOSITION_OWNER_LEFT);
    g_assert_cmpuint(fake_pcsc_count_resets(), ==, 0);
    rig_free(rig);
}

/* A state that an owner leaves on purpose stays. */
static void
test_close_leaves(void)
{
    Rig *rig = rig_new(TRUE);

    g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, 0);
    close_and_wait(rig, &rig->ours, 0);
    close_and_wait(rig, &rig->other, SCD_JOB_DISPOSITION_OWNER_LEFT);
    g_assert_true(fake_pcsc_is_verified());
    rig_free(rig);
}

/* It is not the refusal before, which the worker tries again: the handle is closed. */
static void
test_refusal_by_disconnect(void)
{
    for (guint disposition = 0; disposition <= 3; disposition++) {
        Rig *rig = rig_new(TRUE);

        fake_pcsc_set_disconnect_code(SHARING_VIOLATION);
        rig_close(rig, &rig->ours, disposition);
        rig_wait(last_job(rig));
        g_assert_cmphex(last_job(rig)->code, ==, SHARING_VIOLATION);
        g_assert_cmpuint(fake_pcsc_count_handles(), ==, 1);
        rig_free(rig);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/worker/owner/%s", cases[i].name);
        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_data_func("/worker/owner/last-leaves", GUINT_TO_POINTER(0),
                         test_last_session_cleans);
    g_test_add_data_func("/worker/owner/last-resets", GUINT_TO_POINTER(1),
                         test_last_session_cleans);
    g_test_add_data_func("/worker/owner/last-left",
                         GUINT_TO_POINTER(SCD_JOB_DISPOSITION_OWNER_LEFT),
                         test_last_session_cleans);
    g_test_add_data_func("/worker/owner/close-resets", GUINT_TO_POINTER(1),
                         test_close_with_disposition);
    g_test_add_data_func("/worker/owner/close-unpowers", GUINT_TO_POINTER(2),
                         test_close_with_disposition);
    g_test_add_data_func("/worker/owner/close-ejects", GUINT_TO_POINTER(3),
                         test_close_with_disposition);
    g_test_add_func("/worker/owner/removal-is-reported-late", test_removal_is_reported_late);
    g_test_add_func("/worker/owner/card-after-a-removal-within-begin",
                    test_card_after_a_removal_within_begin);
    g_test_add_func("/worker/owner/close-leaves", test_close_leaves);
    g_test_add_func("/worker/owner/refusal-by-disconnect", test_refusal_by_disconnect);
    return g_test_run();
}
