/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The entry of a PIN by keys: its time limit, with a clock that the test sets, and its queries. */

#include "fake-pcsc.h"
#include "rig.h"

#include "base/pin-format.h"

#define ENTRY_LIMIT_US (10 * G_TIME_SPAN_MINUTE)
#define KEY_ENTER 0x0D

static RigJob *
submit_entry(Rig *rig)
{
    static const guint8 template[] = {0x00, 0x20, 0x00, 0x80, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    g_autoptr(GError) error = NULL;
    ScdPinFormat format;
    RigJob *entry = rig_new_job(rig, SCD_JOB_ENTER_PIN);

    scd_pin_format_init(&format);
    entry->job->number = SCD_PIN_VERIFY;
    scd_bytes_list_add(&entry->job->inputs, scd_pin_format_build(&format, SCD_PIN_VERIFY, template,
                                                                 sizeof template, &error));
    g_assert_no_error(error);
    scd_job_queue_submit(rig->ours, scd_job_ref(entry->job));
    return entry;
}

static void
assert_response(RigJob *entry, const char *expected)
{
    gsize length;

    rig_wait(entry);
    g_assert_cmphex(entry->code, ==, 0);
    const void *response = g_bytes_get_data(scd_bytes_list_get(&entry->job->outputs, 0), &length);
    g_assert_cmpmem(response, length, expected, 2);
}

/* The user neither presses a key nor goes, and the driver does not end the entry. */
static void
test_time_limit(gconstpointer can_abort)
{
    Rig *rig = rig_new(TRUE);

    fake_pcsc_set_pin_pad(can_abort != NULL);
    RigJob *entry = submit_entry(rig);
    fake_pcsc_wait_for_calls(FAKE_PIN_KEY, 1);
    rig_advance_clock(ENTRY_LIMIT_US - G_TIME_SPAN_MINUTE);
    fake_pcsc_wait_for_calls(FAKE_PIN_KEY, 3);
    g_assert_cmpuint(rig_count_answers(entry), ==, 0);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_PIN_ABORT), ==, 0);
    rig_advance_clock(G_TIME_SPAN_MINUTE);
    assert_response(entry, "\x64\x00");
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_PIN_START), ==, 1);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_PIN_FINISH), ==, 0);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_PIN_ABORT), ==, can_abort ? 1 : 0);
    g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_TRANSMIT), ==, 0);
    rig_free(rig);
}

/*
 * Of the access to the card: before the entry, after the begin of its transaction and before each
 * key, and none after a success.
 */
static void
test_queries(void)
{
    Rig *rig = rig_new(TRUE);
    guint before = fake_pcsc_count_calls(FAKE_GET_ATTRIBUTE);

    fake_pcsc_set_pin_pad(TRUE);
    fake_pcsc_set_key(KEY_ENTER);
    assert_response(submit_entry(rig), "\x90\x00");
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_GET_ATTRIBUTE), ==, before + 3);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_PIN_FINISH), ==, 1);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_PIN_ABORT), ==, 0);
    rig_free(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/worker-pin/time-limit", NULL, test_time_limit);
    g_test_add_data_func("/worker-pin/time-limit-with-abort", "", test_time_limit);
    g_test_add_func("/worker-pin/queries", test_queries);
    return g_test_run();
}
