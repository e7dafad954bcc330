/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/monitor.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <winscard.h>

#include "pcsc/code.h"
#include "pcsc/context.h"
#include "pcsc/main-thread.h"
#include "pcsc/pcscd-socket.h"
#include "pcsc/watch-list.h"

/*
 * The duration of a wait. Events end it; the time-outs are for failures that cause no event: a
 * library that hangs, and a reader that appears between two waits. pcsc-lite since 2.3 counts
 * readers, but those of a device once, with the first slot, and lists a name before it counts it.
 * Both happen together with other events, so a short wait follows any event, and then the list is
 * read again. (A finite wait is one poll() in libpcsclite, INFINITE one a minute.)
 */
#define SETTLING_WAIT_MS 1000
#define QUIET_WAIT_MS (10 * 60 * 1000)

/* While a swapped card may not end a wait: the first wait; the others are eight times as long. */
#define SWAP_WAIT_MS 1000
#define SWAP_DOUBLINGS 3

/* While the list of readers is doubtful: the first wait; each further one is twice as long. */
#define DOUBTFUL_WAIT_MS 10
#define DOUBLINGS_MAX 16

/* The number of waits that may return without a change before the monitor pauses. */
#define UNCHANGED_WAITS_MAX 3

/*
 * The first attempts to reconnect to pcscd. Later ones depend on the reason of the failure. At most
 * two attempts count if the last connection has read all readers.
 */
static const int quick_tries_ms[] = {0, 10, 100, 1000};
#define READ_TRIES_MAX 2

/* The number of attempts that fail with UNSUPPORTED_FEATURE before the monitor is stuck. */
#define STALE_TRIES 3

#define STOP_LIMIT_US (3 * G_USEC_PER_SEC)

/* Calls to the main thread hold a reference, because they may arrive after scd_monitor_free(). */
struct ScdMonitor {
    gboolean closed; /* by scd_monitor_free(); the main thread's */
    ScdMonitorEvents events;
    gpointer data;
    guint call_limit_ms;
    ScdDeadline *deadline;
    ScdStatusWaitCanceller *canceller;
    GThread *thread;
    int wake_fd; /* an eventfd: readable if the thread has to stop */

    GMutex lock;
    GCond ended_cond;
    gboolean ended;
    gboolean stopping;
    gboolean refresh_wanted;
    guint call;      /* the number of calls that have returned */
    gint64 call_end; /* when the present one should have returned; G_MAXINT64 for none */
    gboolean silent; /* the main thread has announced that pcscd does not answer */
    gboolean away;   /* the last published snapshot is one without pcscd */

    /* Used only by the thread. */
    SCARDCONTEXT context; /* 0 while there is none */
    gboolean refreshing;
    ScdWatchList *list;
    ScdSnapshot *published;
    ScdSocketWatch *socket_watch; /* while pcscd is absent; NULL before the first retry */
    guint tries;                  /* since a connection last worked */
    gboolean was_connected;       /* pcscd has answered since the process started */
};

typedef struct {
    ScdMonitor *monitor;
    ScdSnapshot *snapshot;
} ScdSnapshotDelivery;

static gboolean
deliver_snapshot(gpointer data)
{
    ScdSnapshotDelivery *delivery = data;
    ScdMonitor *monitor = delivery->monitor;

    if (!monitor->closed)
        monitor->events.changed(delivery->snapshot, monitor->data);
    return G_SOURCE_REMOVE;
}

static gboolean
report_readers_enumerated(gpointer data)
{
    ScdMonitor *monitor = data;
    if (!monitor->closed)
        monitor->events.readers_enumerated(monitor->data);
    return G_SOURCE_REMOVE;
}

static gboolean
report_refreshed(gpointer data)
{
    ScdMonitor *monitor = data;
    if (!monitor->closed)
        monitor->events.refreshed(monitor->data);
    return G_SOURCE_REMOVE;
}

static void
free_delivery(gpointer data)
{
    ScdSnapshotDelivery *delivery = data;
    scd_snapshot_unref(delivery->snapshot);
    g_atomic_rc_box_release(delivery->monitor);
    g_free(delivery);
}

/* If pcscd is silent, its readers are not available until the call returns. */
static gboolean
handle_check(guint call, gboolean silent, gpointer data)
{
    ScdMonitor *monitor = data;

    if (monitor->closed)
        return FALSE;
    g_mutex_lock(&monitor->lock);
    gboolean blocked = monitor->call == call;
    gboolean falls_silent = blocked && silent && !monitor->silent;
    if (falls_silent)
        monitor->silent = monitor->away = TRUE;
    g_mutex_unlock(&monitor->lock);

    if (falls_silent) {
        g_autoptr(ScdSnapshot) snapshot =
            scd_snapshot_new_unavailable(g_strdup("pcscd does not answer"));
        g_warning("pcscd does not answer: waiting until it does");
        monitor->events.changed(snapshot, monitor->data);
    }
    return blocked;
}

static void
report_blocked_call(gpointer data)
{
    ScdMonitor *monitor = data;
    monitor->events.stuck("libpcsclite does not return from a call", monitor->data);
}

static void
check_pcscd(gpointer data)
{
    static const ScdPcscdCheckFuncs funcs = {handle_check, report_blocked_call};
    ScdMonitor *monitor = data;

    g_mutex_lock(&monitor->lock);
    guint call = monitor->call;
    gboolean blocked = g_get_monotonic_time() >= monitor->call_end;
    g_mutex_unlock(&monitor->lock);
    if (blocked)
        scd_pcscd_check_start(&funcs, g_atomic_rc_box_acquire(monitor), call,
                              monitor->call_limit_ms);
}

static gboolean
report_stale_library(gpointer data)
{
    ScdMonitor *monitor = data;
    if (!monitor->closed)
        monitor->events.stuck("libpcsclite lost track of pcscd's readers", monitor->data);
    return G_SOURCE_REMOVE;
}

static void
begin_call_in_monitor(ScdMonitor *monitor, guint limit_ms)
{
    g_mutex_lock(&monitor->lock);
    monitor->call_end = g_get_monotonic_time() + limit_ms * G_TIME_SPAN_MILLISECOND;
    g_mutex_unlock(&monitor->lock);
    scd_deadline_set(monitor->deadline, limit_ms);
}

static void
end_call_in_monitor(ScdMonitor *monitor)
{
    scd_deadline_clear(monitor->deadline);
    g_mutex_lock(&monitor->lock);
    monitor->call++;
    monitor->call_end = G_MAXINT64;
    g_mutex_unlock(&monitor->lock);
}

/* After a call: forgets the published snapshot if the main thread has replaced it meanwhile. */
static void
end_silence_in_monitor(ScdMonitor *monitor)
{
    g_mutex_lock(&monitor->lock);
    gboolean was_silent = monitor->silent;
    monitor->silent = FALSE;
    g_mutex_unlock(&monitor->lock);
    if (was_silent)
        g_clear_pointer(&monitor->published, scd_snapshot_unref);
}

static void
invoke_in_main(ScdMonitor *monitor, GSourceFunc func)
{
    scd_main_thread_invoke(func, g_atomic_rc_box_acquire(monitor), g_atomic_rc_box_release);
}

/* Takes the reference to the snapshot. */
static void
publish_in_monitor(ScdMonitor *monitor, ScdSnapshot *snapshot)
{
    ScdSnapshotDelivery *delivery = g_new(ScdSnapshotDelivery, 1);
    delivery->monitor = g_atomic_rc_box_acquire(monitor);
    delivery->snapshot = scd_snapshot_ref(snapshot);

    g_clear_pointer(&monitor->published, scd_snapshot_unref);
    monitor->published = snapshot;
    scd_main_thread_invoke(deliver_snapshot, delivery, free_delivery);

    g_mutex_lock(&monitor->lock);
    monitor->away = snapshot->trouble != NULL;
    g_mutex_unlock(&monitor->lock);
}

/* Accepts a pending request for a refresh. Returns whether a refresh is due. */
static gboolean
begin_refresh_in_monitor(ScdMonitor *monitor)
{
    g_mutex_lock(&monitor->lock);
    if (monitor->refresh_wanted && !monitor->stopping)
        scd_status_wait_canceller_reset(monitor->canceller);
    monitor->refreshing = monitor->refreshing || monitor->refresh_wanted;
    monitor->refresh_wanted = FALSE;
    g_mutex_unlock(&monitor->lock);
    return monitor->refreshing;
}

/* To be called after the states have been published. */
static void
end_refresh_in_monitor(ScdMonitor *monitor)
{
    monitor->refreshing = FALSE;
    invoke_in_main(monitor, report_refreshed);
}

/*
 * Returns whether there was a change. Nothing is published while the list has readers whose state
 * is unknown: the next wait reads it and returns at once.
 */
static gboolean
publish_readers_in_monitor(ScdMonitor *monitor)
{
    if (scd_watch_list_has_unseen(monitor->list))
        return FALSE;

    end_silence_in_monitor(monitor);
    monitor->tries = MIN(monitor->tries, READ_TRIES_MAX);
    const ScdSnapshot *last = monitor->published;
    g_autoptr(GPtrArray) states = scd_watch_list_states(monitor->list);
    gboolean same = last && !last->trouble && last->readers->len == states->len;

    for (guint i = 0; same && i < states->len; i++)
        same = scd_reader_state_equal(last->readers->pdata[i], states->pdata[i]);
    if (!same)
        publish_in_monitor(monitor, scd_snapshot_new(g_steal_pointer(&states)));
    return !same;
}

/*
 * Returns whether the code means that the library is out of step with pcscd: it has read an answer
 * that belongs to another request. This happens in pcsc-lite 2.5 if a reader appears between two
 * related requests. pcscd is present and a new context works; calls on this context may return any
 * result or block.
 */
static gboolean
is_out_of_step(guint32 code)
{
    return !scd_code_is_connection_lost(code) && code != SCARD_E_UNSUPPORTED_FEATURE;
}

/* Publishes a reason once, and another one only if it remains after the quick attempts. */
static void
publish_trouble_in_monitor(ScdMonitor *monitor, guint32 code)
{
    end_silence_in_monitor(monitor);
    const char *published = monitor->published ? monitor->published->trouble : NULL;
    gboolean is_lasting = monitor->tries >= G_N_ELEMENTS(quick_tries_ms);

    if (!is_lasting && (published || is_out_of_step(code)))
        return;
    g_autofree char *trouble = scd_code_explain_no_connection(code, monitor->was_connected);
    if (published && g_str_equal(published, trouble))
        return;
    publish_in_monitor(monitor, scd_snapshot_new_unavailable(g_steal_pointer(&trouble)));
    if (begin_refresh_in_monitor(monitor))
        end_refresh_in_monitor(monitor);
}

/* Waits for the order to stop, for that time at most. Returns whether it has come. */
static gboolean
wait_for_stop(ScdMonitor *monitor, int milliseconds)
{
    struct pollfd wake = {.fd = monitor->wake_fd, .events = POLLIN};
    return poll(&wake, 1, milliseconds) > 0;
}

static guint32
establish_context_in_monitor(ScdMonitor *monitor)
{
    long context;

    begin_call_in_monitor(monitor, monitor->call_limit_ms);
    guint32 code = scd_pcsc_establish(&context);
    end_call_in_monitor(monitor);
    if (code == SCARD_S_SUCCESS) {
        monitor->context = context;
        scd_status_wait_canceller_set_context(monitor->canceller, context);
        scd_watch_list_reset(monitor->list);
    }
    return code;
}

static void
release_context_in_monitor(ScdMonitor *monitor)
{
    begin_call_in_monitor(monitor, monitor->call_limit_ms);
    scd_status_wait_canceller_set_context(monitor->canceller, 0);
    scd_pcsc_release(monitor->context);
    end_call_in_monitor(monitor);
    monitor->context = 0;
}

static guint32
enumerate_readers_in_monitor(ScdMonitor *monitor)
{
    begin_call_in_monitor(monitor, monitor->call_limit_ms);
    guint32 code = scd_watch_list_enumerate(monitor->list, monitor->context);
    end_call_in_monitor(monitor);
    return code;
}

static guint32
wait_for_change_in_monitor(ScdMonitor *monitor, guint timeout_ms)
{
    begin_call_in_monitor(monitor, timeout_ms + monitor->call_limit_ms);
    guint32 code = scd_watch_list_wait(monitor->list, monitor->context, timeout_ms);
    end_call_in_monitor(monitor);
    return code;
}

/* Returns whether the next wait may succeed after this code; other codes end the connection. */
static gboolean
is_recoverable(guint32 code)
{
    return code == SCARD_S_SUCCESS || code == SCARD_E_TIMEOUT || code == SCARD_E_CANCELLED ||
           code == SCARD_E_UNKNOWN_READER || code == SCARD_E_UNSUPPORTED_FEATURE;
}

/*
 * Reads the readers of a new pcscd. The list comes first, as pcsc-lite 2.5 requires with an older
 * pcscd, and is read again after the plug-and-play entry has a count, so that no reader is missed
 * in between.
 */
static guint32
read_readers_in_monitor(ScdMonitor *monitor)
{
    guint32 code = enumerate_readers_in_monitor(monitor);
    if (code != SCARD_S_SUCCESS)
        return code;
    code = wait_for_change_in_monitor(monitor, 0);
    return is_recoverable(code) ? enumerate_readers_in_monitor(monitor) : code;
}

/* The waits grow, so that what stays as it is does not load the CPU. */
static guint
double_wait(guint first_ms, guint doublings)
{
    return MIN(first_ms << MIN(doublings, DOUBLINGS_MAX), QUIET_WAIT_MS);
}

/* timed_out: the number of waits in a row that only the time has ended. */
static guint
choose_wait(const ScdMonitor *monitor, guint timeout_ms, guint doubts, guint timed_out)
{
    guint wait_ms = doubts ? double_wait(DOUBTFUL_WAIT_MS, doubts - 1) : timeout_ms;

    return scd_watch_list_may_miss_swaps(monitor->list)
               ? MIN(wait_ms, double_wait(SWAP_WAIT_MS, SWAP_DOUBLINGS * timed_out))
               : wait_ms;
}

/* Watches until the connection is lost or the monitor has to stop; returns the last code. */
static guint32
watch_readers_in_monitor(ScdMonitor *monitor)
{
    guint timeout_ms = SETTLING_WAIT_MS;
    guint unchanged_waits = 0, timed_out = 0, doubts = 0;
    guint32 code = SCARD_S_SUCCESS;

    while (is_recoverable(code) && !wait_for_stop(monitor, 0)) {
        guint generation = scd_watch_list_generation(monitor->list);
        if (scd_watch_list_is_doubtful(monitor->list)) {
            code = enumerate_readers_in_monitor(monitor);
            invoke_in_main(monitor, report_readers_enumerated);
        }
        if (!is_recoverable(code))
            break;
        if (generation != scd_watch_list_generation(monitor->list))
            timeout_ms = SETTLING_WAIT_MS;
        doubts = scd_watch_list_is_doubtful(monitor->list) ? doubts + 1 : 0;

        publish_readers_in_monitor(monitor);
        gboolean refresh = begin_refresh_in_monitor(monitor);
        guint wait_ms = choose_wait(monitor, timeout_ms, doubts, timed_out);
        code = wait_for_change_in_monitor(monitor, refresh ? 0 : wait_ms);
        if (!is_recoverable(code))
            break;
        gboolean is_changed = publish_readers_in_monitor(monitor);
        timed_out = code == SCARD_E_TIMEOUT && !is_changed ? timed_out + 1 : 0;

        refresh = refresh && scd_watch_list_saw_all(monitor->list);
        if (refresh)
            end_refresh_in_monitor(monitor);
        else if (code == SCARD_E_TIMEOUT && !doubts)
            timeout_ms = QUIET_WAIT_MS;
        if (code != SCARD_E_TIMEOUT)
            timeout_ms = SETTLING_WAIT_MS;
        if (is_changed || refresh || code == SCARD_E_TIMEOUT)
            unchanged_waits = monitor->tries = 0;
        else if (code != SCARD_E_CANCELLED)
            unchanged_waits++;
        if (unchanged_waits > UNCHANGED_WAITS_MAX)
            wait_for_stop(monitor, 10 << MIN(unchanged_waits - UNCHANGED_WAITS_MAX, 6));
    }
    return code;
}

/*
 * Connects, and watches while the connection lasts. The code of a lost connection does not
 * show whether pcscd has ended: the next attempt does.
 */
static guint32
serve_connection_in_monitor(ScdMonitor *monitor)
{
    guint32 code = establish_context_in_monitor(monitor);
    if (code != SCARD_S_SUCCESS)
        return code;

    code = read_readers_in_monitor(monitor);
    if (code == SCARD_S_SUCCESS) {
        g_clear_pointer(&monitor->socket_watch, scd_socket_watch_free);
        monitor->was_connected = TRUE;
        code = watch_readers_in_monitor(monitor);
        if (scd_code_is_connection_lost(code)) {
            code = SCARD_E_NO_SERVICE;
            monitor->tries = 0;
        }
    } else if (code == SCARD_E_NO_SERVICE) {
        code = SCARD_F_COMM_ERROR; /* the socket was there, and may never change */
    }
    release_context_in_monitor(monitor);
    return code;
}

/*
 * Waits until the next attempt. If there is no socket, the watch on its directory ends the wait,
 * and a few quick attempts cover the time between the creation of the socket and pcscd's listen().
 * Other failures are retried after a while.
 */
static void
wait_for_pcscd_in_monitor(ScdMonitor *monitor, guint32 code)
{
    int wait_ms = code == SCARD_E_NO_SERVICE ? -1 : 5000;

    if (!monitor->socket_watch)
        monitor->socket_watch = scd_socket_watch_new(scd_socket_path());
    if (!monitor->socket_watch)
        wait_ms = 5000;
    if (monitor->tries < G_N_ELEMENTS(quick_tries_ms))
        wait_ms = quick_tries_ms[monitor->tries];
    monitor->tries++;
    if (scd_socket_watch_wait(monitor->socket_watch, monitor->wake_fd, wait_ms))
        monitor->tries = 0;
}

static gpointer
run_in_monitor(gpointer data)
{
    ScdMonitor *monitor = data;

    monitor->list = scd_watch_list_new();
    while (!wait_for_stop(monitor, 0)) {
        guint32 code = serve_connection_in_monitor(monitor);
        if (wait_for_stop(monitor, 0))
            break;
        publish_trouble_in_monitor(monitor, code);
        if (code == SCARD_E_UNSUPPORTED_FEATURE && monitor->tries == STALE_TRIES)
            invoke_in_main(monitor, report_stale_library);
        wait_for_pcscd_in_monitor(monitor, code);
    }
    g_clear_pointer(&monitor->socket_watch, scd_socket_watch_free);
    g_clear_pointer(&monitor->list, scd_watch_list_free);
    g_clear_pointer(&monitor->published, scd_snapshot_unref);

    g_mutex_lock(&monitor->lock);
    monitor->ended = TRUE;
    g_cond_signal(&monitor->ended_cond);
    g_mutex_unlock(&monitor->lock);
    return NULL;
}

static void
free_monitor(ScdMonitor *monitor)
{
    g_clear_pointer(&monitor->canceller, scd_status_wait_canceller_free);
    scd_deadline_free(monitor->deadline);
    close(monitor->wake_fd);
    g_mutex_clear(&monitor->lock);
    g_cond_clear(&monitor->ended_cond);
    g_atomic_rc_box_release(monitor);
}

ScdMonitor *
scd_monitor_new(const ScdMonitorEvents *events, gpointer data, guint call_limit_s, GError **error)
{
    ScdMonitor *monitor = g_atomic_rc_box_new0(ScdMonitor);

    monitor->events = *events;
    monitor->data = data;
    monitor->call_limit_ms = call_limit_s * 1000;
    monitor->call_end = G_MAXINT64;
    monitor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (monitor->wake_fd >= 0)
        monitor->deadline = scd_deadline_new(check_pcscd, monitor);
    if (!monitor->deadline) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "no file descriptor left: %s",
                    g_strerror(errno));
        if (monitor->wake_fd >= 0)
            close(monitor->wake_fd);
        g_atomic_rc_box_release(monitor);
        return NULL;
    }
    g_mutex_init(&monitor->lock);
    g_cond_init(&monitor->ended_cond);
    monitor->canceller = scd_status_wait_canceller_new(error);
    if (monitor->canceller)
        monitor->thread = g_thread_try_new("monitor", run_in_monitor, monitor, error);
    if (monitor->thread)
        return monitor;
    free_monitor(monitor);
    return NULL;
}

void
scd_monitor_refresh(ScdMonitor *monitor)
{
    g_mutex_lock(&monitor->lock);
    if (monitor->away) {
        invoke_in_main(monitor, report_refreshed);
    } else {
        monitor->refresh_wanted = TRUE;
        scd_status_wait_canceller_interrupt(monitor->canceller);
    }
    g_mutex_unlock(&monitor->lock);
}

gboolean
scd_monitor_free(ScdMonitor *monitor)
{
    guint64 one = 1;
    gint64 limit = g_get_monotonic_time() + STOP_LIMIT_US;

    monitor->closed = TRUE;
    if (write(monitor->wake_fd, &one, sizeof one) < 0)
        g_warning("Cannot wake the monitor: %s", g_strerror(errno));

    g_mutex_lock(&monitor->lock);
    monitor->stopping = TRUE;
    scd_status_wait_canceller_interrupt(monitor->canceller);
    while (!monitor->ended)
        if (!g_cond_wait_until(&monitor->ended_cond, &monitor->lock, limit))
            break;
    gboolean ended = monitor->ended;
    g_mutex_unlock(&monitor->lock);
    if (!ended)
        return FALSE;

    g_thread_join(monitor->thread);
    free_monitor(monitor);
    return TRUE;
}
