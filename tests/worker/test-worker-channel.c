/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests of a channel: time limits, cancelling, and a client or a session that goes away. */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake-pcsc.h"
#include "frame-format.h"
#include "rig.h"

#define CANCELLED 0x80100002
#define TIMEOUT 0x8010000A
#define NONE SCD_FRAME_NO_LIMIT

static int
open_channel(Rig *rig)
{
    int ends[2];

    int result = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
    g_assert_cmpint(result, ==, 0);
    ScdUserCharge uncharged = {0};
    g_assert_true(scd_job_queue_open_channel(rig->ours, ends[0], FALSE, &uncharged));
    return ends[1];
}

static void
send_request(int fd, ScdFrameOperation operation, guint32 limit_ms)
{
    guint8 packet[SCD_FRAME_REQUEST_HEADER + 4] = {operation, SCD_FRAME_VERSION};
    guint32 number = GUINT32_TO_LE(limit_ms);
    gsize length = SCD_FRAME_REQUEST_HEADER + (operation == SCD_FRAME_TRANSMIT ? 4 : 0);

    memcpy(packet + 8, &number, sizeof number);
    g_assert_cmpint(send(fd, packet, length, MSG_NOSIGNAL), ==, (gssize)length);
}

static void
assert_answer(int fd, guint32 code)
{
    guint8 packet[64];
    guint32 number;

    gssize length = recv(fd, packet, sizeof packet, 0);
    g_assert_cmpint(length, >=, SCD_FRAME_ANSWER_HEADER);
    memcpy(&number, packet, sizeof number);
    g_assert_cmphex(GUINT32_FROM_LE(number), ==, code);
}

static void
assert_end(int fd)
{
    guint8 packet[64];

    g_assert_cmpint(recv(fd, packet, sizeof packet, 0), ==, 0);
    close(fd);
}

static void
test_answers(void)
{
    Rig *rig = rig_new(TRUE);
    int fd = open_channel(rig);

    send_request(fd, SCD_FRAME_BEGIN, NONE);
    send_request(fd, SCD_FRAME_TRANSMIT, 60000);
    send_request(fd, SCD_FRAME_END, NONE);
    for (guint i = 0; i < 3; i++)
        assert_answer(fd, 0);
    rig_close(rig, &rig->ours, 0);
    assert_end(fd);
    rig_free(rig);
}

static void
test_cancel_behind_a_transaction(void)
{
    Rig *rig = rig_new(TRUE);
    int fd = open_channel(rig);

    g_assert_cmphex(rig_run(rig, rig->other, SCD_JOB_BEGIN), ==, 0);
    for (guint i = 0; i < 3; i++)
        send_request(fd, SCD_FRAME_TRANSMIT, NONE);
    send_request(fd, SCD_FRAME_CANCEL, NONE);
    send_request(fd, SCD_FRAME_TRANSMIT, NONE);
    for (guint i = 0; i < 3; i++)
        assert_answer(fd, CANCELLED);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_TRANSMIT), ==, 0);
    rig_run(rig, rig->other, SCD_JOB_END);
    assert_answer(fd, 0);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_TRANSMIT), ==, 1);
    close(fd);
    rig_free(rig);
}

/* The one on the card goes on. */
static void
test_cancel_behind_a_command(void)
{
    Rig *rig = rig_new(TRUE);
    int fd = open_channel(rig);

    fake_pcsc_hold(FAKE_TRANSMIT);
    send_request(fd, SCD_FRAME_TRANSMIT, NONE);
    fake_pcsc_wait_until_held();
    send_request(fd, SCD_FRAME_CANCEL, NONE);
    fake_pcsc_release();
    assert_answer(fd, 0);
    send_request(fd, SCD_FRAME_CANCEL, NONE); /* of none */
    send_request(fd, SCD_FRAME_TRANSMIT, NONE);
    assert_answer(fd, 0);
    close(fd);
    rig_free(rig);
}

static void
test_no_waiting(void)
{
    Rig *rig = rig_new(TRUE);
    int fd = open_channel(rig);

    send_request(fd, SCD_FRAME_TRANSMIT, 0);
    assert_answer(fd, 0);
    g_assert_cmphex(rig_run(rig, rig->other, SCD_JOB_BEGIN), ==, 0);
    send_request(fd, SCD_FRAME_TRANSMIT, 0);
    assert_answer(fd, TIMEOUT);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_TRANSMIT), ==, 1);
    close(fd);
    rig_free(rig);
}

/* The answer of a request with a limit does not overtake the one before. */
static void
test_limits_keep_the_order(void)
{
    Rig *rig = rig_new(TRUE);
    int fd = open_channel(rig);

    g_assert_cmphex(rig_run(rig, rig->other, SCD_JOB_BEGIN), ==, 0);
    send_request(fd, SCD_FRAME_TRANSMIT, 1);
    assert_answer(fd, TIMEOUT);
    send_request(fd, SCD_FRAME_TRANSMIT, NONE);
    send_request(fd, SCD_FRAME_TRANSMIT, 0);
    rig_run(rig, rig->other, SCD_JOB_TRANSMIT); /* by now they have been read */
    rig_run(rig, rig->other, SCD_JOB_TRANSMIT);
    rig_run(rig, rig->other, SCD_JOB_END);
    assert_answer(fd, 0);
    assert_answer(fd, TIMEOUT);
    close(fd);
    rig_free(rig);
}

static void
test_session_closes(void)
{
    Rig *rig = rig_new(TRUE);
    int fd = open_channel(rig);

    fake_pcsc_hold(FAKE_TRANSMIT);
    for (guint i = 0; i < 3; i++)
        send_request(fd, SCD_FRAME_TRANSMIT, NONE);
    fake_pcsc_wait_until_held();
    rig_close(rig, &rig->ours, 1);
    fake_pcsc_release();
    assert_answer(fd, 0);
    rig_free(rig);
    guint8 packet[64];
    for (guint32 code = RIG_CODE_CLOSE; recv(fd, packet, sizeof packet, 0) > 0;)
        g_assert_cmpmem(packet, 4, &code, 4);
    close(fd);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_TRANSMIT), ==, 1);
}

static void
test_client_leaves_while_it_waits(void)
{
    Rig *rig = rig_new(TRUE);
    int fd = open_channel(rig);

    g_assert_cmphex(rig_run(rig, rig->other, SCD_JOB_BEGIN), ==, 0);
    send_request(fd, SCD_FRAME_BEGIN, NONE);
    send_request(fd, SCD_FRAME_TRANSMIT, NONE);
    rig_run(rig, rig->other, SCD_JOB_TRANSMIT);
    close(fd);
    rig_run(rig, rig->other, SCD_JOB_TRANSMIT);
    rig_run(rig, rig->other, SCD_JOB_TRANSMIT);
    rig_run(rig, rig->other, SCD_JOB_END);
    rig_run(rig, rig->ours, SCD_JOB_STATUS);
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_BEGIN), ==, 1);
    g_assert_false(scd_job_queue_in_transaction(rig->ours));
    rig_free(rig);
}

/* The transaction that it is granted then is ended at once. */
static void
test_client_leaves_while_it_is_granted(void)
{
    Rig *rig = rig_new(TRUE);
    int fd = open_channel(rig);

    fake_pcsc_hold(FAKE_BEGIN);
    send_request(fd, SCD_FRAME_BEGIN, NONE);
    send_request(fd, SCD_FRAME_TRANSMIT, NONE);
    fake_pcsc_wait_until_held();
    close(fd);
    fake_pcsc_release();
    rig_run(rig, rig->ours, SCD_JOB_STATUS);
    g_assert_cmpuint(fake_pcsc_transaction_depth(), ==, 0);
    g_assert_false(scd_job_queue_in_transaction(rig->ours));
    g_assert_cmpuint(fake_pcsc_count_calls(FAKE_TRANSMIT), ==, 0);
    rig_free(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/worker-channel/answers", test_answers);
    g_test_add_func("/worker-channel/cancel-transaction", test_cancel_behind_a_transaction);
    g_test_add_func("/worker-channel/cancel-command", test_cancel_behind_a_command);
    g_test_add_func("/worker-channel/no-waiting", test_no_waiting);
    g_test_add_func("/worker-channel/order", test_limits_keep_the_order);
    g_test_add_func("/worker-channel/session-closes", test_session_closes);
    g_test_add_func("/worker-channel/client-leaves", test_client_leaves_while_it_waits);
    g_test_add_func("/worker-channel/client-leaves-granted",
                    test_client_leaves_while_it_is_granted);
    return g_test_run();
}
