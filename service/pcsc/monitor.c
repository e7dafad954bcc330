/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/monitor.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <winscard.h>

#include "pcsc/code.h"
#include "pcsc/deadline.h"
#include "pcsc/main-thread.h"
#include "pcsc/socket-watch.h"
#include "pcsc/status-wait-canceller.h"
#include "pcsc/watch-list.h"

/*
 * How long a wait may last. Events end it; the time-outs are for what gives no
 * event: a library that hangs, and before pcsc-lite 2.3 a reader that comes
 * between two waits. Both happen while something else does, so a change of the
 * list, and with such a library any event, is followed by one short wait. (A
 * finite wait is one poll() in libpcsclite, INFINITE one a minute.)
 */
#define SETTLING_WAIT_MS 1000
#define QUIET_WAIT_MS (10 * 60 * 1000)

/* While the list of readers is in doubt: the first wait, and twice as long each time. */
#define DOUBTFUL_WAIT_MS 10
#define DOUBTFUL_DOUBLINGS_MAX 16

/* How often waits may return without anything new before we pause. */
#define FRUITLESS_MAX 3

/* When to try again after pcscd was lost. What comes then depends on the trouble. */
static const int quick_tries_ms[] = {0, 10, 100, 1000};

/* Tries that end in UNSUPPORTED_FEATURE before we give the process up. */
#define STALE_TRIES 3

#define STOP_LIMIT_US (3 * G_USEC_PER_SEC)

/* What is on its way to the main thread may come there late: it keeps a reference. */
struct ScdMonitor {
    gboolean over; /* the main thread's own: nobody listens any more */
    ScdMonitorEvents events;
    gpointer data;
    guint call_limit_ms;
    ScdDeadline *deadline;
    ScdStatusWaitCanceller *canceller;
    GThread *thread;
    int wake_fd; /* an eventfd: readable when the thread is to stop */

    GMutex lock;
    GCond ended_cond;
    gboolean ended;
    gboolean stopping;
    gboolean look_wanted;
    gboolean away; /* what was published last is that pcscd cannot be reached */

    /* The thread's own. */
    SCARDCONTEXT context; /* 0 while there is none */
    gboolean looking;
    ScdWatchList *list;
    ScdSnapshot *published;
    ScdSocketWatch *socket_watch; /* while there is no pcscd, NULL before the first retry */
    guint tries;                  /* since a connection was last of use */
};

typedef struct {
    ScdMonitor *monitor;
    ScdSnapshot *snapshot;
} Delivery;

static gboolean
deliver(gpointer data)
{
    Delivery *delivery = data;
    ScdMonitor *monitor = delivery->monitor;

    if (!monitor->over)
        monitor->events.changed(delivery->snapshot, monitor->data);
    return G_SOURCE_REMOVE;
}

static gboolean
report_readers_enumerated(gpointer data)
{
    ScdMonitor *monitor = data;
    if (!monitor->over)
        monitor->events.readers_enumerated(monitor->data);
    return G_SOURCE_REMOVE;
}

static gboolean
report_refreshed(gpointer data)
{
    ScdMonitor *monitor = data;
    if (!monitor->over)
        monitor->events.refreshed(monitor->data);
    return G_SOURCE_REMOVE;
}

static void
free_delivery(gpointer data)
{
    Delivery *delivery = data;
    scd_snapshot_unref(delivery->snapshot);
    g_atomic_rc_box_release(delivery->monitor);
    g_free(delivery);
}

static void
stuck_in_call(gpointer data)
{
    ScdMonitor *monitor = data;
    monitor->events.stuck("libpcsclite does not return from a call", monitor->data);
}

static gboolean
stuck_stale(gpointer data)
{
    ScdMonitor *monitor = data;
    if (!monitor->over)
        monitor->events.stuck("libpcsclite lost track of pcscd's readers", monitor->data);
    return G_SOURCE_REMOVE;
}

static void
call_main(ScdMonitor *monitor, GSourceFunc func)
{
    scd_main_thread_invoke(func, g_atomic_rc_box_acquire(monitor), g_atomic_rc_box_release);
}

/* Takes over the snapshot. */
static void
publish_in_monitor(ScdMonitor *monitor, ScdSnapshot *snapshot)
{
    Delivery *delivery = g_new(Delivery, 1);
    delivery->monitor = g_atomic_rc_box_acquire(monitor);
    delivery->snapshot = scd_snapshot_ref(snapshot);

    g_clear_pointer(&monitor->published, scd_snapshot_unref);
    monitor->published = snapshot;
    scd_main_thread_invoke(deliver, delivery, free_delivery);

    g_mutex_lock(&monitor->lock);
    monitor->away = snapshot->trouble != NULL;
    g_mutex_unlock(&monitor->lock);
}

/* Takes up the look that somebody wants; whether there is one to be done. */
static gboolean
begin_refresh_in_monitor(ScdMonitor *monitor)
{
    g_mutex_lock(&monitor->lock);
    if (monitor->look_wanted && !monitor->stopping)
        scd_status_wait_canceller_reset(monitor->canceller);
    monitor->looking = monitor->looking || monitor->look_wanted;
    monitor->look_wanted = FALSE;
    g_mutex_unlock(&monitor->lock);
    return monitor->looking;
}

/* What it brought has been published. */
static void
end_refresh_in_monitor(ScdMonitor *monitor)
{
    monitor->looking = FALSE;
    call_main(monitor, report_refreshed);
}

/*
 * Whether there was anything new. A list with readers that nobody has looked at
 * yet says nothing about them; the next wait looks, and returns at once.
 */
static gboolean
publish_readers_in_monitor(ScdMonitor *monitor)
{
    if (scd_watch_list_has_unseen(monitor->list))
        return FALSE;

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
 * What a call answers when the library has lost step with pcscd, that is, what it
 * read was not the answer to its question: pcsc-lite 2.5, when a reader comes
 * between two questions that belong together. pcscd is there, and with a new
 * context all is well; this one may answer anything, or not at all.
 */
static gboolean
is_out_of_step(guint32 code)
{
    return !scd_code_is_connection_lost(code) && code != SCARD_E_UNSUPPORTED_FEATURE;
}

/* Tells once, and again only for a reason that has outlasted the quick tries. */
static void
publish_trouble_in_monitor(ScdMonitor *monitor, guint32 code)
{
    const char *told = monitor->published ? monitor->published->trouble : NULL;
    gboolean lasts = monitor->tries >= G_N_ELEMENTS(quick_tries_ms);

    if (!lasts && (told || is_out_of_step(code)))
        return;
    g_autofree char *trouble = scd_code_explain_no_connection(code);
    if (told && g_str_equal(told, trouble))
        return;
    publish_in_monitor(monitor, scd_snapshot_new_unavailable(g_steal_pointer(&trouble)));
    if (begin_refresh_in_monitor(monitor))
        end_refresh_in_monitor(monitor);
}

static gboolean
is_stopping(ScdMonitor *monitor)
{
    struct pollfd wake = {.fd = monitor->wake_fd, .events = POLLIN};
    return poll(&wake, 1, 0) > 0;
}

static void
pause_in_monitor(ScdMonitor *monitor, int milliseconds)
{
    struct pollfd wake = {.fd = monitor->wake_fd, .events = POLLIN};
    poll(&wake, 1, milliseconds);
}

static guint32
connect_in_monitor(ScdMonitor *monitor)
{
    SCARDCONTEXT context = 0;

    scd_deadline_set(monitor->deadline, monitor->call_limit_ms);
    guint32 code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
    scd_deadline_clear(monitor->deadline);
    if (code == SCARD_S_SUCCESS) {
        monitor->context = context;
        scd_status_wait_canceller_set_context(monitor->canceller, context);
        scd_watch_list_reset(monitor->list);
    }
    return code;
}

static void
disconnect_in_monitor(ScdMonitor *monitor)
{
    scd_deadline_set(monitor->deadline, monitor->call_limit_ms);
    scd_status_wait_canceller_set_context(monitor->canceller, 0);
    SCardReleaseContext(monitor->context);
    scd_deadline_clear(monitor->deadline);
    monitor->context = 0;
}

static guint32
enumerate_in_monitor(ScdMonitor *monitor)
{
    scd_deadline_set(monitor->deadline, monitor->call_limit_ms);
    guint32 code = scd_watch_list_enumerate(monitor->list, monitor->context);
    scd_deadline_clear(monitor->deadline);
    return code;
}

static guint32
wait_in_monitor(ScdMonitor *monitor, guint timeout_ms)
{
    scd_deadline_set(monitor->deadline, timeout_ms + monitor->call_limit_ms);
    guint32 code = scd_watch_list_wait(monitor->list, monitor->context, timeout_ms);
    scd_deadline_clear(monitor->deadline);
    return code;
}

/* Codes after which the next wait may well succeed; all others end the connection. */
static gboolean
is_passing(guint32 code)
{
    return code == SCARD_S_SUCCESS || code == SCARD_E_TIMEOUT || code == SCARD_E_CANCELLED ||
           code == SCARD_E_UNKNOWN_READER || code == SCARD_E_UNSUPPORTED_FEATURE;
}

/*
 * The first look at a new pcscd. The readers are asked for before anything else,
 * as a library of 2.5 wants it with an older pcscd, and once more after the
 * plug-and-play entry has begun to count: nothing is missed between.
 */
static guint32
begin_in_monitor(ScdMonitor *monitor)
{
    guint32 code = enumerate_in_monitor(monitor);
    if (code != SCARD_S_SUCCESS)
        return code;
    code = wait_in_monitor(monitor, 0);
    return is_passing(code) ? enumerate_in_monitor(monitor) : code;
}

/* Longer and longer: a list that never gets better does not keep us busy. */
static guint
doubtful_wait_ms(guint doubts)
{
    return MIN(DOUBTFUL_WAIT_MS << MIN(doubts - 1, DOUBTFUL_DOUBLINGS_MAX), QUIET_WAIT_MS);
}

/* Watches until the connection is lost or the monitor is to stop; returns the code of the end. */
static guint32
watch_in_monitor(ScdMonitor *monitor)
{
    guint timeout_ms = SETTLING_WAIT_MS;
    guint fruitless = 0;
    guint doubts = 0;
    guint32 code = SCARD_S_SUCCESS;

    while (is_passing(code) && !is_stopping(monitor)) {
        guint generation = scd_watch_list_generation(monitor->list);
        if (scd_watch_list_is_doubtful(monitor->list)) {
            code = enumerate_in_monitor(monitor);
            call_main(monitor, report_readers_enumerated);
        }
        if (!is_passing(code))
            break;
        if (generation != scd_watch_list_generation(monitor->list))
            timeout_ms = SETTLING_WAIT_MS;
        doubts = scd_watch_list_is_doubtful(monitor->list) ? doubts + 1 : 0;

        publish_readers_in_monitor(monitor);
        gboolean refresh = begin_refresh_in_monitor(monitor);
        guint wait_ms = doubts ? doubtful_wait_ms(doubts) : timeout_ms;
        code = wait_in_monitor(monitor, refresh ? 0 : wait_ms);
        if (!is_passing(code))
            break;
        gboolean news = publish_readers_in_monitor(monitor);

        refresh = refresh && scd_watch_list_saw_all(monitor->list);
        if (refresh)
            end_refresh_in_monitor(monitor);
        else if (code == SCARD_E_TIMEOUT && !doubts)
            timeout_ms = QUIET_WAIT_MS;
        if (code != SCARD_E_TIMEOUT && !scd_watch_list_misses_none(monitor->list))
            timeout_ms = SETTLING_WAIT_MS;
        if (news || refresh || code == SCARD_E_TIMEOUT)
            fruitless = monitor->tries = 0;
        else if (code != SCARD_E_CANCELLED)
            fruitless++;
        if (fruitless > FRUITLESS_MAX)
            pause_in_monitor(monitor, 10 << MIN(fruitless - FRUITLESS_MAX, 6));
    }
    return code;
}

/*
 * Connects, and watches for as long as the connection lasts. A connection that
 * broke is no reason by itself: the next try tells whether pcscd is there.
 */
static guint32
serve_in_monitor(ScdMonitor *monitor)
{
    guint32 code = connect_in_monitor(monitor);
    if (code != SCARD_S_SUCCESS)
        return code;

    code = begin_in_monitor(monitor);
    if (code == SCARD_S_SUCCESS) {
        g_clear_pointer(&monitor->socket_watch, scd_socket_watch_free);
        code = watch_in_monitor(monitor);
        if (scd_code_is_connection_lost(code)) {
            code = SCARD_E_NO_SERVICE;
            monitor->tries = 0;
        }
    }
    disconnect_in_monitor(monitor);
    return code;
}

/*
 * Waits for the time of the next try. Without a socket to connect to, the
 * folder tells when there is one, and a few quick tries cover the moment between
 * its making and pcscd's listening. Other troubles may pass by themselves.
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
    while (!is_stopping(monitor)) {
        guint32 code = serve_in_monitor(monitor);
        if (is_stopping(monitor))
            break;
        publish_trouble_in_monitor(monitor, code);
        if (code == SCARD_E_UNSUPPORTED_FEATURE && monitor->tries == STALE_TRIES)
            call_main(monitor, stuck_stale);
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

ScdMonitor *
scd_monitor_new(const ScdMonitorEvents *events, gpointer data, guint call_limit_s, GError **error)
{
    ScdMonitor *monitor = g_atomic_rc_box_new0(ScdMonitor);

    monitor->events = *events;
    monitor->data = data;
    monitor->call_limit_ms = call_limit_s * 1000;
    monitor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (monitor->wake_fd >= 0)
        monitor->deadline = scd_deadline_new(stuck_in_call, monitor);
    if (!monitor->deadline) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "No descriptor: %s",
                    g_strerror(errno));
        if (monitor->wake_fd >= 0)
            close(monitor->wake_fd);
        g_atomic_rc_box_release(monitor);
        return NULL;
    }
    g_mutex_init(&monitor->lock);
    g_cond_init(&monitor->ended_cond);
    monitor->canceller = scd_status_wait_canceller_new();
    monitor->thread = g_thread_new("monitor", run_in_monitor, monitor);
    return monitor;
}

void
scd_monitor_refresh(ScdMonitor *monitor)
{
    g_mutex_lock(&monitor->lock);
    if (monitor->away) {
        call_main(monitor, report_refreshed);
    } else {
        monitor->look_wanted = TRUE;
        scd_status_wait_canceller_interrupt(monitor->canceller);
    }
    g_mutex_unlock(&monitor->lock);
}

gboolean
scd_monitor_free(ScdMonitor *monitor)
{
    guint64 one = 1;
    gint64 limit = g_get_monotonic_time() + STOP_LIMIT_US;

    monitor->over = TRUE;
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
    scd_status_wait_canceller_free(monitor->canceller);
    scd_deadline_free(monitor->deadline);
    close(monitor->wake_fd);
    g_mutex_clear(&monitor->lock);
    g_cond_clear(&monitor->ended_cond);
    g_atomic_rc_box_release(monitor);
    return TRUE;
}
