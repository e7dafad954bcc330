/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each kind of job at each step of its life, with each pair of events. The job always has one
 * answer, and leaves no handle, no transaction and no memory behind.
 */

#include "fake-pcsc.h"
#include "rig.h"

#define NO_SMARTCARD 0x8010000C
#define REMOVED_CARD 0x80100069

typedef enum {
    STEP_BEHIND_RUNNING, /* another queue's command is on the card */
    STEP_BEHIND_HOLDER,  /* another queue has a transaction */
    STEP_BUSY,           /* another program has a transaction */
    STEP_INSIDE,         /* libpcsclite has been entered */
    STEP_RETURNING,      /* libpcsclite returns just now */
    STEP_ANSWERING,      /* the answer is being given */
    STEP_ANSWERED,
    N_STEPS,
} Step;

typedef enum {
    EVENT_NONE,
    EVENT_CANCEL,
    EVENT_WAIT_LIMIT,
    EVENT_END_LIMIT,
    EVENT_CLOSE,
    EVENT_CLOSE_RESET,
    EVENT_OWNER_LEFT,
    EVENT_CARD_REMOVED,
    EVENT_READER_REMOVED,
    EVENT_STOP,
    N_EVENTS,
} Event;

typedef struct {
    ScdJobKind kind;
    FakeFunction function;
    const char *name;
} Kind;

static const Kind kinds[] = {
    {SCD_JOB_CONNECT, FAKE_CONNECT, "connect"},
    {SCD_JOB_RECONNECT, FAKE_RECONNECT, "reconnect"},
    {SCD_JOB_BEGIN, FAKE_BEGIN, "begin"},
    {SCD_JOB_TRANSMIT, FAKE_TRANSMIT, "transmit"},
};

static gboolean
is_queued(Step step)
{
    return step == STEP_BEHIND_RUNNING || step == STEP_BEHIND_HOLDER || step == STEP_BUSY;
}

static RigJob *
submit(Rig *rig, const Kind *kind, Step step)
{
    RigJob *job = rig_new_job(rig, kind->kind);

    if (kind->kind == SCD_JOB_TRANSMIT) /* a script of two */
        scd_bytes_list_add(&job->job->inputs, g_bytes_new_static("\0\xB0\0\0", 4));
    job->job->wait_until = g_get_monotonic_time() + G_TIME_SPAN_HOUR;
    job->job->end_by = g_get_monotonic_time() + 3 * G_TIME_SPAN_HOUR;
    job->holds_worker = step == STEP_ANSWERING;
    scd_job_queue_submit(rig->ours, scd_job_ref(job->job));
    return job;
}

/* Brings a new job to that step. */
static RigJob *
go_to(Rig *rig, const Kind *kind, Step step)
{
    if (step == STEP_BEHIND_RUNNING) {
        fake_pcsc_hold(FAKE_TRANSMIT);
        rig_submit(rig, rig->other, SCD_JOB_TRANSMIT);
        fake_pcsc_wait_until_held();
    } else if (step == STEP_BEHIND_HOLDER) {
        g_assert_cmphex(rig_run(rig, rig->other, SCD_JOB_BEGIN), ==, 0);
    } else if (step == STEP_BUSY) {
        fake_pcsc_set_foreign(TRUE);
    } else if (step == STEP_INSIDE || step == STEP_RETURNING) {
        fake_pcsc_hold(kind->function);
    }

    RigJob *job = submit(rig, kind, step);
    if (step == STEP_BUSY)
        fake_pcsc_wait_until_refused();
    else if (step == STEP_INSIDE || step == STEP_RETURNING)
        fake_pcsc_wait_until_held();
    else if (step == STEP_ANSWERING)
        rig_wait_until_answer_blocks(job);
    else if (step == STEP_ANSWERED)
        rig_wait(job);
    if (step == STEP_RETURNING)
        fake_pcsc_release();
    return job;
}

static void
close_queue(Rig *rig, guint32 disposition)
{
    if (rig->ours)
        rig_close(rig, &rig->ours, disposition);
}

static void
close_all(Rig *rig)
{
    close_queue(rig, 0);
    if (rig->other)
        rig_close(rig, &rig->other, 0);
}

static void
happen(Rig *rig, RigJob *job, Event event)
{
    switch (event) {
    case EVENT_CANCEL:
        if (rig->ours)
            scd_job_queue_cancel(rig->ours, job->job, RIG_CODE_CANCEL);
        break;
    case EVENT_WAIT_LIMIT:
        rig_advance_clock(2 * G_TIME_SPAN_HOUR);
        rig_iterate();
        break;
    case EVENT_END_LIMIT:
        rig_advance_clock(4 * G_TIME_SPAN_HOUR);
        rig_iterate();
        break;
    case EVENT_CLOSE:
        close_queue(rig, 0);
        break;
    case EVENT_CLOSE_RESET:
        close_queue(rig, 1);
        break;
    case EVENT_OWNER_LEFT:
        close_queue(rig, SCD_JOB_DISPOSITION_OWNER_LEFT);
        break;
    case EVENT_CARD_REMOVED:
        fake_pcsc_remove_card();
        scd_workers_card_removed(rig->workers, "Reader");
        break;
    case EVENT_READER_REMOVED:
        fake_pcsc_remove_card();
        close_all(rig);
        scd_workers_reader_removed(rig->workers, "Reader");
        break;
    case EVENT_STOP:
        close_all(rig);
        break;
    case EVENT_NONE:
    case N_EVENTS:
        break;
    }
}

/* The code of the answer that the event alone causes; 0 if the job is left as it is. */
static guint32
code_after(Step step, Event event)
{
    if (!is_queued(step) && step != STEP_INSIDE)
        return 0;
    switch (event) {
    case EVENT_CANCEL:
        return RIG_CODE_CANCEL;
    case EVENT_WAIT_LIMIT:
        return is_queued(step) ? RIG_TIMEOUT : 0;
    case EVENT_END_LIMIT:
        return RIG_TIMEOUT;
    case EVENT_CLOSE:
    case EVENT_CLOSE_RESET:
    case EVENT_OWNER_LEFT:
    case EVENT_READER_REMOVED:
    case EVENT_STOP:
        return RIG_CODE_CLOSE;
    default:
        return 0;
    }
}

/* Answered at once, though the worker may be inside libpcsclite. */
static void
check_answer(RigJob *job, Step step, Event event)
{
    guint32 code = code_after(step, event);

    if (code == 0)
        return;
    /* A worker that is awake may try again, or answer a job whose time is over, at this moment. */
    if (step == STEP_BUSY || event == EVENT_WAIT_LIMIT || event == EVENT_END_LIMIT)
        rig_wait(job);
    g_assert_cmpuint(rig_count_answers(job), ==, 1);
    /* One that tries again may see that the card has gone before its queue is closed. */
    gboolean may_see_removal = step == STEP_BUSY && event == EVENT_READER_REMOVED;
    if (!may_see_removal || (job->code != NO_SMARTCARD && job->code != REMOVED_CARD))
        g_assert_cmphex(job->code, ==, code);
    if (step != STEP_BUSY)
        g_assert_cmpint(job->sent, ==, step == STEP_INSIDE);
}

/* Ends whatever the step waits for. */
static void
let_go(Rig *rig, RigJob *job, Step step)
{
    fake_pcsc_set_foreign(FALSE);
    fake_pcsc_release();
    if (step == STEP_ANSWERING)
        rig_let_answer(job);
    if (step == STEP_BEHIND_HOLDER && rig->other)
        rig_submit(rig, rig->other, SCD_JOB_END);
}

/* The transaction is there if it was granted, and else it is not. */
static void
check_transaction(Rig *rig, const RigJob *job)
{
    rig_run(rig, rig->ours, SCD_JOB_STATUS);
    rig_run(rig, rig->other, SCD_JOB_STATUS);
    gboolean granted = job->job->kind == SCD_JOB_BEGIN && job->code == 0;
    g_assert_cmpint(scd_job_queue_in_transaction(rig->ours), ==, granted);
    g_assert_cmpuint(fake_pcsc_transaction_depth(), ==, granted ? 1 : 0);
}

static void
run_case(const Kind *kind, Step step, Event first, Event second)
{
    Rig *rig = rig_new(kind->kind != SCD_JOB_CONNECT);
    RigJob *job = go_to(rig, kind, step);
    guint calls = fake_pcsc_count_calls(kind->function);

    happen(rig, job, first);
    check_answer(job, step, first);
    happen(rig, job, second);
    let_go(rig, job, step);
    if (first != EVENT_STOP && second != EVENT_STOP) {
        rig_wait(job);
        if (first == EVENT_NONE && second == EVENT_NONE)
            g_assert_cmphex(job->code, ==, 0);
        if (rig->ours && rig->other && first != EVENT_CARD_REMOVED && second != EVENT_CARD_REMOVED)
            check_transaction(rig, job);
    }
    rig_free(rig);
    if (is_queued(step) && step != STEP_BUSY && code_after(step, first) != 0)
        g_assert_cmpuint(fake_pcsc_count_calls(kind->function), ==, calls);
}

static void
test_step(gconstpointer data)
{
    guint number = GPOINTER_TO_UINT(data);
    const Kind *kind = &kinds[number / N_STEPS];

    for (Event first = 0; first < N_EVENTS; first++) {
        for (Event second = 0; second < N_EVENTS; second++) {
            g_test_message("events %d, %d", first, second);
            run_case(kind, number % N_STEPS, first, second);
        }
    }
}

int
main(int argc, char **argv)
{
    static const char *const steps[] = {"behind-running", "behind-holder", "busy",    "inside",
                                        "returning",      "answering",     "answered"};

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        for (guint step = 0; step < N_STEPS; step++) {
            g_autofree char *path = g_strdup_printf("/worker/%s/%s", kinds[i].name, steps[step]);
            g_test_add_data_func(path, GUINT_TO_POINTER(i * N_STEPS + step), test_step);
        }
    }
    return g_test_run();
}
