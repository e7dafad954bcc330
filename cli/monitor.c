/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl monitor: prints the readers and cards that are present, then events. Ctrl-C,
 * SIGTERM, the end of the time limit and a closed pipe end it with exit status 0.
 */

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "command.h"
#include "watch.h"

typedef struct {
    GMainLoop *loop;
    CtlOutput *output;
    gboolean json;
    int status;
} MonitorRun;

static void
stop_monitor(MonitorRun *monitor, int status)
{
    monitor->status = status;
    g_main_loop_quit(monitor->loop);
}

static void
print_event(const CtlEvent *event, gpointer data)
{
    MonitorRun *monitor = data;

    ctl_event_print(event, monitor->json, monitor->output);
    if (!ctl_output_is_open(monitor->output))
        stop_monitor(monitor, EXIT_SUCCESS);
}

static const char *
get_status_text(CtlWatchState state)
{
    switch (state) {
    case CTL_WATCH_STARTING:
        return _("Waiting for smartcardd.");
    case CTL_WATCH_NO_SERVICE:
        return _("Waiting for smartcardd to come back.");
    case CTL_WATCH_NO_PCSCD:
        return _("Waiting for pcscd.");
    case CTL_WATCH_NO_READERS:
        return _("Waiting for a reader to be connected.");
    case CTL_WATCH_READY:
        return _("Waiting for cards and readers.");
    }
    g_assert_not_reached();
}

static void
show_state(CtlWatchState state, gpointer data)
{
    MonitorRun *monitor = data;
    g_autofree char *status =
        g_strdup_printf("%s %s", get_status_text(state), _("Press Ctrl-C to stop."));

    if (!monitor->json)
        ctl_output_set_status(monitor->output, status);
}

static void
stop_on_failure(const char *message, gpointer data)
{
    MonitorRun *monitor = data;

    ctl_output_set_status(monitor->output, NULL);
    ctl_output_print_error(message);
    stop_monitor(monitor, CTL_STATUS_NO_SERVICE);
}

/* A signal, or the end of the time limit. */
static gboolean
handle_stop(gpointer data)
{
    stop_monitor(data, EXIT_SUCCESS);
    return G_SOURCE_CONTINUE;
}

static gboolean
handle_output_closed(int fd, GIOCondition condition, gpointer data)
{
    stop_monitor(data, EXIT_SUCCESS);
    return G_SOURCE_CONTINUE;
}

static void
watch_service(MonitorRun *monitor, GDBusConnection *bus, gint64 timeout_us)
{
    static const CtlWatchEvents events = {print_event, show_state, stop_on_failure};
    guint interrupt = g_unix_signal_add(SIGINT, handle_stop, monitor);
    guint term = g_unix_signal_add(SIGTERM, handle_stop, monitor);
    guint closed = g_unix_fd_add(STDOUT_FILENO, G_IO_ERR | G_IO_HUP, handle_output_closed, monitor);
    guint timer =
        timeout_us < 0 ? 0 : g_timeout_add((guint)(timeout_us / 1000), handle_stop, monitor);
    CtlWatch *watch = ctl_watch_new(bus, &events, monitor);

    show_state(CTL_WATCH_STARTING, monitor);
    g_main_loop_run(monitor->loop);
    ctl_watch_free(watch);
    g_clear_handle_id(&timer, g_source_remove);
    g_source_remove(closed);
    g_source_remove(term);
    g_source_remove(interrupt);
}

static int
run_monitor(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = ctl_client_connect(&error);
    MonitorRun monitor = {.loop = loop, .output = output, .json = arguments->json};

    if (!bus)
        return ctl_command_print_error(error);
    watch_service(&monitor, bus, arguments->timeout_us);
    return monitor.status;
}

const CtlCommand ctl_command_monitor = {
    .name = "monitor",
    .summary = N_("Show readers and cards as they come and go, until Ctrl-C"),
    .description =
        N_("In a pipe or a file each line has five fields separated by tabs: the time; the\n"
           "event; the reader's name; the card's ATR in hexadecimal digits; and the type of\n"
           "the card or the reason for the event. An empty field is '-'.\n"
           "\n"
           "JSON is one object per line with 'time' and 'event'; where they apply 'reader',\n"
           "'reader-path', 'card-path' and the card's properties ('atr', 'protocols',\n"
           "'names', ...); and 'reason' if there is one.\n"
           "\n"
           "The events are reader-present and card-present for readers and cards that are\n"
           "present at the start, reader-connected, reader-removed, card-inserted,\n"
           "card-removed, card-mute, pcscd-gone, pcscd-back, service-gone and service-back.\n"
           "After service-gone the state is unknown; after service-back the readers and\n"
           "cards that are present then are printed again.\n"
           "\n"
           "The exit status is 0 after Ctrl-C or SIGTERM, at the end of --timeout, and when\n"
           "the reading end of the pipe is closed."),
    .options = CTL_OPTION_TIMEOUT,
    .run = run_monitor,
};
