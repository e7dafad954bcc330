/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel-queue.h"

SmartcarddChannel *
smartcardd_channel_new(int fd)
{
    SmartcarddChannel *channel = g_new0(SmartcarddChannel, 1);

    channel->refs = 1;
    channel->fd = fd;
    channel->buffer = g_malloc((gsize)SMARTCARDD_RECEIVE_BATCH * SMARTCARDD_ANSWER_MAX);
    g_mutex_init(&channel->lock);
    g_cond_init(&channel->changed);
    return channel;
}

SmartcarddChannel *
smartcardd_channel_ref(SmartcarddChannel *channel)
{
    g_atomic_int_inc(&channel->refs);
    return channel;
}

void
smartcardd_channel_unref(SmartcarddChannel *channel)
{
    if (!g_atomic_int_dec_and_test(&channel->refs))
        return;
    g_assert(channel->in_flight.length == 0 && channel->waiting.length == 0);
    close(channel->fd);
    g_free(channel->buffer);
    g_mutex_clear(&channel->lock);
    g_cond_clear(&channel->changed);
    g_free(channel);
}

static gboolean
prepare_watch(GSource *source, gint *timeout)
{
    SmartcarddChannelWatch *watch = (SmartcarddChannelWatch *)source;
    SmartcarddChannel *channel = watch->channel;

    *timeout = -1;
    g_mutex_lock(&channel->lock);
    watch->polled.events = (gushort)((watch->pending > 0 && !channel->reading ? G_IO_IN : 0) |
                                     (channel->blocked ? G_IO_OUT : 0));
    gboolean ready = channel->attention;
    g_mutex_unlock(&channel->lock);
    return ready;
}

static gboolean
check_watch(GSource *source)
{
    SmartcarddChannelWatch *watch = (SmartcarddChannelWatch *)source;

    return watch->polled.revents != 0;
}

/* GLib calls this also when the alarm is due. */
static gboolean
dispatch_watch(GSource *source, GSourceFunc callback, gpointer data)
{
    SmartcarddChannelWatch *watch = (SmartcarddChannelWatch *)source;
    SmartcarddEndedRequests ended = G_QUEUE_INIT;

    g_autoptr(SmartcarddChannel) channel = smartcardd_channel_ref(watch->channel);
    g_mutex_lock(&channel->lock);
    if (!channel->reading && (watch->polled.revents & (G_IO_IN | G_IO_HUP | G_IO_ERR)))
        smartcardd_channel_queue_receive_locked(channel, MSG_DONTWAIT, &ended);
    smartcardd_channel_queue_check_locked(channel, &ended);
    smartcardd_channel_queue_send_locked(channel, &ended);
    g_mutex_unlock(&channel->lock);
    smartcardd_channel_queue_call_functions(&ended);
    return G_SOURCE_CONTINUE;
}

static void
finalize_watch(GSource *source)
{
    smartcardd_channel_unref(((SmartcarddChannelWatch *)source)->channel);
}

static GSourceFuncs watch_functions = {
    .prepare = prepare_watch,
    .check = check_watch,
    .dispatch = dispatch_watch,
    .finalize = finalize_watch,
};

/* Removes those of contexts that wait for nothing, or that were freed. */
static void
remove_idle_watches_locked(SmartcarddChannel *channel)
{
    for (GList *link = channel->watches, *next; link; link = next) {
        next = link->next;
        smartcardd_channel_queue_remove_watch_locked(channel, link->data);
    }
}

/* Returns that of the thread-default main context. */
static SmartcarddChannelWatch *
get_watch_locked(SmartcarddChannel *channel)
{
    g_autoptr(GMainContext) context = g_main_context_ref_thread_default();

    for (GList *link = channel->watches; link; link = link->next) {
        SmartcarddChannelWatch *watch = link->data;
        if (!g_source_is_destroyed(&watch->source) &&
            g_source_get_context(&watch->source) == context)
            return watch;
    }
    remove_idle_watches_locked(channel);
    GSource *source = g_source_new(&watch_functions, sizeof(SmartcarddChannelWatch));
    SmartcarddChannelWatch *watch = (SmartcarddChannelWatch *)source;
    watch->channel = smartcardd_channel_ref(channel);
    watch->polled.fd = channel->fd;
    g_source_set_static_name(source, "smartcardd channel");
    /* A callback may run the main loop. And without this, GLib wakes the loop twice per dispatch.
     */
    g_source_set_can_recurse(source, TRUE);
    g_source_add_poll(source, &watch->polled);
    g_source_attach(source, context);
    channel->watches = g_list_prepend(channel->watches, watch);
    return watch;
}

/* A context that no other thread runs need not be woken. */
static void
wake_context(GMainContext *context)
{
    if (g_main_context_acquire(context))
        g_main_context_release(context);
    else
        g_main_context_wakeup(context);
}

static void
wake_watches_locked(SmartcarddChannel *channel)
{
    for (GList *link = channel->watches; link; link = link->next) {
        SmartcarddChannelWatch *watch = link->data;
        GMainContext *context =
            g_source_is_destroyed(&watch->source) ? NULL : g_source_get_context(&watch->source);
        if (context && (watch->pending > 0 || channel->attention))
            wake_context(context);
    }
}

/* In the thread that cancels, perhaps within a function of the caller: so it ends nothing here. */
static void
note_cancellation(GCancellable *cancellable, gpointer data)
{
    SmartcarddRequest *request = data;
    SmartcarddChannel *channel = request->channel;

    g_mutex_lock(&channel->lock);
    request->is_cancelled = TRUE;
    channel->attention = TRUE;
    wake_watches_locked(channel);
    smartcardd_channel_queue_wake_locked(channel);
    g_mutex_unlock(&channel->lock);
}

static void
unref_request(gpointer data)
{
    SmartcarddRequest *request = data;
    SmartcarddChannel *channel = request->channel;

    smartcardd_request_unref(request);
    smartcardd_channel_unref(channel);
}

/* Before the request is submitted. If it is cancelled already, it is_cancelled afterwards. */
static void
watch_cancellable(SmartcarddChannel *channel, SmartcarddRequest *request, GCancellable *cancellable)
{
    g_set_object(&request->cancellable, cancellable);
    request->channel = smartcardd_channel_ref(channel);
    request->cancel_handler = g_cancellable_connect(cancellable, G_CALLBACK(note_cancellation),
                                                    smartcardd_request_ref(request), unref_request);
}

/* Takes a reference to the request. */
static void
enqueue_locked(SmartcarddChannel *channel, SmartcarddRequest *request,
               SmartcarddEndedRequests *ended)
{
    smartcardd_request_ref(request);
    if (request->cancellable)
        channel->n_cancellable++;
    if (request->timeout_ms > 0 && request->timeout_ms < G_MAXINT) {
        if (request->deadline == 0)
            request->deadline = g_get_monotonic_time() +
                                smartcardd_channel_queue_grace_of_limit(request) +
                                (gint64)request->timeout_ms * G_TIME_SPAN_MILLISECOND;
        smartcardd_channel_queue_set_alarm_locked(channel, request->deadline);
    }
    if (channel->closed)
        request->code = channel->last_code;
    if (channel->closed)
        smartcardd_channel_queue_end_locked(channel, request, SMARTCARDD_REQUEST_LOST, ended);
    else if (request->is_cancelled)
        smartcardd_channel_queue_end_locked(channel, request, SMARTCARDD_REQUEST_CANCELLED, ended);
    else
        g_queue_push_tail_link(&channel->waiting, &request->link);
}

void
smartcardd_channel_submit(SmartcarddChannel *channel, SmartcarddRequest **requests,
                          guint n_requests, GCancellable *cancellable)
{
    SmartcarddEndedRequests ended = G_QUEUE_INIT;

    for (guint i = 0; i < n_requests && cancellable; i++)
        watch_cancellable(channel, requests[i], cancellable);
    g_mutex_lock(&channel->lock);
    SmartcarddChannelWatch *watch = channel->closed ? NULL : get_watch_locked(channel);
    for (guint i = 0; i < n_requests; i++) {
        requests[i]->watch = watch;
        if (watch)
            watch->pending++;
        enqueue_locked(channel, requests[i], &ended);
    }
    smartcardd_channel_queue_send_locked(channel, &ended);
    wake_watches_locked(channel);
    g_mutex_unlock(&channel->lock);
    smartcardd_channel_queue_call_functions(&ended);
}

/* Returns the next time at which the request has to be looked at; 0 for none. */
static gint64
get_alarm(const SmartcarddRequest *request)
{
    if (request->give_up_at != 0 &&
        (request->deadline == 0 || request->give_up_at < request->deadline))
        return request->give_up_at;
    return request->deadline;
}

/* Whether all requests are those of the calling thread. */
static gboolean
is_alone_locked(const SmartcarddChannel *channel)
{
    for (const GList *link = channel->watches; link; link = link->next)
        if (((const SmartcarddChannelWatch *)link->data)->pending > 0)
            return FALSE;
    return channel->n_waiters == 0;
}

/* Waits in poll() when something but an answer may end the wait. */
static void
receive_for_locked(SmartcarddChannel *channel, SmartcarddRequest *request, GPollFD *cancelled,
                   SmartcarddEndedRequests *ended)
{
    gint64 alarm = get_alarm(request);
    gboolean plain = alarm == 0 && !cancelled && !channel->blocked;

    if (plain) {
        smartcardd_channel_queue_receive_locked(
            channel, is_alone_locked(channel) ? 0 : MSG_WAITFORONE, ended);
        return;
    }
    struct pollfd polled[2] = {
        {channel->fd, (short)(POLLIN | (channel->blocked ? POLLOUT : 0)), 0},
        {cancelled && !request->is_cancelled ? cancelled->fd : -1, POLLIN, 0}};
    gint64 wait_us = MAX(alarm - g_get_monotonic_time(), 0);
    struct timespec wait = {wait_us / G_USEC_PER_SEC, wait_us % G_USEC_PER_SEC * 1000};
    channel->reading = TRUE;
    g_mutex_unlock(&channel->lock);
    int ready = ppoll(polled, 2, alarm != 0 ? &wait : NULL, NULL);
    g_mutex_lock(&channel->lock);
    channel->reading = FALSE;
    smartcardd_channel_queue_wake_locked(channel);
    if (ready > 0 && (polled[0].revents & (POLLIN | POLLHUP | POLLERR)))
        smartcardd_channel_queue_receive_locked(channel, MSG_DONTWAIT, ended);
    else if (ready > 0 && (polled[0].revents & POLLOUT))
        smartcardd_channel_queue_send_locked(channel, ended);
}

/* Waits for another thread to receive the answer, or to stop receiving. */
static void
wait_for_reader_locked(SmartcarddChannel *channel, SmartcarddRequest *request)
{
    gint64 alarm = get_alarm(request);

    channel->n_waiters++;
    if (alarm == 0)
        g_cond_wait(&channel->changed, &channel->lock);
    else
        g_cond_wait_until(&channel->changed, &channel->lock, alarm);
    channel->n_waiters--;
}

/* Releases and takes the lock, to call functions. */
static void
call_functions_unlocked(SmartcarddChannel *channel, SmartcarddEndedRequests *ended)
{
    if (ended->length == 0)
        return;
    g_mutex_unlock(&channel->lock);
    smartcardd_channel_queue_call_functions(ended);
    g_mutex_lock(&channel->lock);
}

static void
wait_for_request_locked(SmartcarddChannel *channel, SmartcarddRequest *request, GPollFD *cancelled,
                        SmartcarddEndedRequests *ended)
{
    while (request->state == SMARTCARDD_REQUEST_PENDING) {
        if (channel->reading)
            wait_for_reader_locked(channel, request);
        else
            receive_for_locked(channel, request, cancelled, ended);
        gint64 alarm = get_alarm(request);
        if (alarm != 0 && g_get_monotonic_time() >= alarm)
            channel->attention = TRUE;
        smartcardd_channel_queue_check_locked(channel, ended);
        call_functions_unlocked(channel, ended);
    }
}

void
smartcardd_channel_exchange(SmartcarddChannel *channel, SmartcarddRequest **requests,
                            guint n_requests, GCancellable *cancellable)
{
    SmartcarddEndedRequests ended = G_QUEUE_INIT;
    GPollFD cancelled;
    gboolean is_polled = cancellable && g_cancellable_make_pollfd(cancellable, &cancelled);

    for (guint i = 0; i < n_requests && cancellable; i++)
        watch_cancellable(channel, requests[i], cancellable);
    g_mutex_lock(&channel->lock);
    for (guint i = 0; i < n_requests; i++) {
        requests[i]->watch = NULL;
        enqueue_locked(channel, requests[i], &ended);
    }
    smartcardd_channel_queue_send_locked(channel, &ended);
    for (guint i = 0; i < n_requests; i++)
        wait_for_request_locked(channel, requests[i], is_polled ? &cancelled : NULL, &ended);
    wake_watches_locked(channel);
    g_mutex_unlock(&channel->lock);
    smartcardd_channel_queue_call_functions(&ended);
    if (is_polled)
        g_cancellable_release_fd(cancellable);
}

void
smartcardd_channel_close(SmartcarddChannel *channel)
{
    SmartcarddEndedRequests ended = G_QUEUE_INIT;

    g_mutex_lock(&channel->lock);
    smartcardd_channel_queue_close_locked(channel, &ended);
    g_mutex_unlock(&channel->lock);
    smartcardd_channel_queue_call_functions(&ended);
}

gboolean
smartcardd_channel_is_closed(SmartcarddChannel *channel)
{
    g_mutex_lock(&channel->lock);
    gboolean closed = channel->closed;
    g_mutex_unlock(&channel->lock);
    return closed;
}
