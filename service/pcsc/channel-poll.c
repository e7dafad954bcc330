/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/channel-poll.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "pcsc/code.h"

struct ScdChannelPoll {
    int wake_fd;
    gboolean sleeping;   /* the thread is about to sleep, or does */
    gboolean polled_all; /* since the last job */
    GArray *polled;      /* of struct pollfd: the wake-up, then the channels */
    GPtrArray *speakers; /* the queues of these channels, in that order */
    ScdChannelInput input;
};

ScdChannelPoll *
scd_channel_poll_new(void)
{
    int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (wake_fd < 0)
        return NULL;
    ScdChannelPoll *poll = g_new0(ScdChannelPoll, 1);
    poll->wake_fd = wake_fd;
    poll->polled = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    poll->speakers = g_ptr_array_new();
    poll->input.buffer = g_malloc(SCD_CHANNEL_BUFFER);
    poll->input.jobs = g_ptr_array_new();
    return poll;
}

void
scd_channel_poll_free(ScdChannelPoll *poll)
{
    close(poll->wake_fd);
    g_array_unref(poll->polled);
    g_ptr_array_unref(poll->speakers);
    g_free(poll->input.buffer);
    g_ptr_array_unref(poll->input.jobs);
    g_free(poll);
}

void
scd_channel_poll_wake_locked(gboolean new_channel, gpointer data)
{
    ScdChannelPoll *poll = data;
    guint64 one = 1;

    if (new_channel)
        poll->polled_all = FALSE;
    if (poll->sleeping && write(poll->wake_fd, &one, sizeof one) < 0)
        g_warning("Cannot wake a worker: %s", g_strerror(errno));
    poll->sleeping = FALSE;
}

/* The queue that was polled may have gone since, and another be at its address. */
static gboolean
is_only_speaker_locked(const ScdChannelPoll *poll, const ScdQueueGroup *group,
                       const ScdJobQueue *queue)
{
    const GList *speakers = group->lists[SCD_LIST_SPEAKERS].head;

    if (!speakers)
        return TRUE;
    return !speakers->next && speakers->data == queue && poll->speakers->len == 1 &&
           poll->speakers->pdata[0] == queue &&
           !scd_channel_has_unsent(scd_job_queue_channel(queue));
}

gboolean
scd_channel_poll_may_run_locked(ScdChannelPoll *poll, ScdQueueGroup *group, ScdJobQueue *queue)
{
    gboolean may_run = poll->polled_all;

    if (may_run)
        poll->polled_all = is_only_speaker_locked(poll, group, queue);
    return may_run;
}

static void
choose_channels_locked(ScdChannelPoll *poll, ScdQueueGroup *group)
{
    const struct pollfd wake = {.fd = poll->wake_fd, .events = POLLIN};

    g_array_set_size(poll->polled, 0);
    g_ptr_array_set_size(poll->speakers, 0);
    g_array_append_val(poll->polled, wake);
    for (const GList *link = group->lists[SCD_LIST_SPEAKERS].head, *next; link; link = next) {
        ScdJobQueue *queue = link->data;
        next = link->next;
        scd_job_queue_drop_ended_channel_locked(queue);
        const ScdChannel *channel = scd_job_queue_channel(queue);
        if (!channel || scd_channel_has_ended(channel) || scd_job_queue_is_closed_locked(queue))
            continue;
        struct pollfd polled = {scd_channel_fd(channel), scd_channel_events(channel), 0};
        g_array_append_val(poll->polled, polled);
        g_ptr_array_add(poll->speakers, queue);
    }
}

static void
serve_channel_locked(ScdChannelPoll *poll, ScdJobQueue *queue, short events)
{
    ScdChannel *channel = scd_job_queue_channel(queue);
    ScdChannelInput *input = &poll->input;

    input->cancel = FALSE;
    g_ptr_array_set_size(input->jobs, 0);
    scd_channel_serve_in_worker(channel, events, input);
    if (input->cancel)
        scd_job_queue_refuse_channel_locked(queue, scd_code_of_error(SCD_E_CANCELLED));
    for (guint i = 0; i < input->jobs->len; i++)
        scd_job_queue_append_locked(queue, input->jobs->pdata[i], NULL);
    if (scd_channel_has_ended(channel))
        scd_job_queue_refuse_channel_locked(queue, scd_code_of_error(SCD_E_CANCELLED));
    else
        scd_job_queue_schedule_locked(queue);
}

static void
serve_channels_locked(ScdChannelPoll *poll)
{
    for (guint i = 0; i < poll->speakers->len; i++) {
        ScdJobQueue *queue = poll->speakers->pdata[i];
        short events = g_array_index(poll->polled, struct pollfd, i + 1).revents;
        /* A queue may have been closed meanwhile: its last job is there. */
        if (events != 0 && !scd_job_queue_is_closed_locked(queue))
            serve_channel_locked(poll, queue, events);
    }
}

void
scd_channel_poll_wait_in_worker(ScdChannelPoll *poll, ScdQueueGroup *group, gint64 now,
                                gint64 until)
{
    gint64 time_us = MAX(until - now, 0);
    struct timespec time = {time_us / G_USEC_PER_SEC, time_us % G_USEC_PER_SEC * 1000};
    GMutex *lock = &group->lock;
    guint64 count;

    choose_channels_locked(poll, group);
    poll->polled_all = TRUE;
    poll->sleeping = time_us > 0;
    g_mutex_unlock(lock);
    struct pollfd *polled = (struct pollfd *)poll->polled->data;
    if (ppoll(polled, poll->polled->len, until == SCD_JOB_NO_LIMIT ? NULL : &time, NULL) > 0 &&
        polled[0].revents && read(poll->wake_fd, &count, sizeof count) < 0)
        g_warning("A worker's descriptor is broken: %s", g_strerror(errno));
    g_mutex_lock(lock);
    poll->sleeping = FALSE;
    serve_channels_locked(poll);
}
