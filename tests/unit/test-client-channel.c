/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The channel of the client library, whose other end is this test instead of the service. */

#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"

#define CANCELLED 0x80100002u

typedef struct {
    SmartcarddChannel *channel;
    int service;
    GCancellable *cancellables[3];
    SmartcarddRequest *requests[3];
    guint ended;
} ChannelTest;

static void
note_end(SmartcarddRequest *request, gpointer data)
{
    (*(guint *)data)++;
}

/* Submits the requests 0 to 2, whose arguments are their numbers. */
static void
set_up(ChannelTest *test, gconstpointer unused)
{
    int sockets[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), ==, 0);
    test->channel = smartcardd_channel_new(sockets[0]);
    test->service = sockets[1];
    for (guint i = 0; i < G_N_ELEMENTS(test->requests); i++) {
        test->cancellables[i] = g_cancellable_new();
        test->requests[i] = smartcardd_request_new(SCD_FRAME_GET_ATTRIBUTE, i, G_MAXINT);
        test->requests[i]->done = note_end;
        test->requests[i]->data = &test->ended;
        smartcardd_channel_submit(test->channel, &test->requests[i], 1, test->cancellables[i]);
    }
}

static void
tear_down(ChannelTest *test, gconstpointer unused)
{
    smartcardd_channel_close(test->channel);
    smartcardd_channel_unref(test->channel);
    close(test->service);
    for (guint i = 0; i < G_N_ELEMENTS(test->requests); i++) {
        smartcardd_request_unref(test->requests[i]);
        g_object_unref(test->cancellables[i]);
    }
}

static void
run_main_context(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

/* Asserts that the next packet is this operation with the argument. */
static void
assert_packet(ChannelTest *test, ScdFrameOperation operation, guint8 argument)
{
    guint8 packet[SCD_FRAME_REQUEST_HEADER];

    g_assert_cmpint(recv(test->service, packet, sizeof packet, MSG_DONTWAIT), ==, sizeof packet);
    g_assert_cmpint(packet[0], ==, operation);
    g_assert_cmpint(packet[4], ==, argument);
}

static void
assert_no_packet(ChannelTest *test)
{
    guint8 packet[SCD_FRAME_REQUEST_HEADER];

    g_assert_cmpint(recv(test->service, packet, sizeof packet, MSG_DONTWAIT), <, 0);
}

/* Answers the first request that has no answer. */
static void
answer(ChannelTest *test, guint32 code)
{
    guint32 packet[2] = {GUINT32_TO_LE(code), 0};

    g_assert_cmpint(send(test->service, packet, sizeof packet, 0), ==, sizeof packet);
    run_main_context();
}

static void
cancel(ChannelTest *test, guint number)
{
    g_cancellable_cancel(test->cancellables[number]);
    run_main_context();
}

static void
test_others_are_sent_again(ChannelTest *test, gconstpointer unused)
{
    for (guint8 i = 0; i < 3; i++)
        assert_packet(test, SCD_FRAME_GET_ATTRIBUTE, i);
    cancel(test, 1);
    assert_packet(test, SCD_FRAME_CANCEL, 0);
    for (guint i = 0; i < 3; i++)
        answer(test, CANCELLED);
    g_assert_cmpint(test->requests[1]->state, ==, SMARTCARDD_REQUEST_CANCELLED);
    assert_packet(test, SCD_FRAME_GET_ATTRIBUTE, 0);
    assert_packet(test, SCD_FRAME_GET_ATTRIBUTE, 2);
    answer(test, 0);
    answer(test, 0);
    g_assert_cmpuint(test->ended, ==, 3);
}

static void
test_cancelled_before_it_is_sent_again(ChannelTest *test, gconstpointer unused)
{
    for (guint8 i = 0; i < 3; i++)
        assert_packet(test, SCD_FRAME_GET_ATTRIBUTE, i);
    cancel(test, 1);
    assert_packet(test, SCD_FRAME_CANCEL, 0);
    answer(test, CANCELLED);
    cancel(test, 0);
    g_assert_cmpint(test->requests[0]->state, ==, SMARTCARDD_REQUEST_CANCELLED);
    g_assert_false(test->requests[0]->sent);
    answer(test, CANCELLED);
    answer(test, CANCELLED);
    assert_packet(test, SCD_FRAME_GET_ATTRIBUTE, 2);
    assert_no_packet(test);
    answer(test, 0);
    g_assert_cmpuint(test->ended, ==, 3);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/client-channel/others-are-sent-again", ChannelTest, NULL, set_up,
               test_others_are_sent_again, tear_down);
    g_test_add("/client-channel/cancelled-before-it-is-sent-again", ChannelTest, NULL, set_up,
               test_cancelled_before_it_is_sent_again, tear_down);
    return g_test_run();
}
