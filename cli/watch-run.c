/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watch-run.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "text.h"

#define START_DELAY_MS 1000 /* before a terminal shows that the service has not replied yet */

struct CtlWatchRun {
    const CtlArguments *arguments;
    CtlOutput *output;
    const CtlWatchRunFunctions *functions;
    gpointer data;
    GMainLoop *loop;
    CtlWatch *watch;
    CtlWatchState state;
    guint delay;     /* before the first status; 0 when not pending */
    gboolean hidden; /* the status */
    gboolean stopped;
    int status;
};

void
ctl_watch_run_stop(CtlWatchRun *run, int status)
{
    if (run->stopped)
        return;
    run->stopped = TRUE;
    run->status = status;
    ctl_output_set_status(run->output, NULL);
    g_main_loop_quit(run->loop);
}

SmartcarddClient *
ctl_watch_run_get_client(CtlWatchRun *run)
{
    return ctl_watch_get_client(run->watch);
}

void
ctl_watch_run_note(CtlWatchRun *run, const char *note)
{
    if (run->arguments->json)
        g_printerr("%s\n", note);
    else
        ctl_output_note(run->output, note);
}

static char *
describe_state(const CtlWatchRun *run)
{
    switch (run->state) {
    case CTL_WATCH_STARTING:
        return g_strdup(_("Waiting for smartcardd."));
    case CTL_WATCH_NO_SERVICE:
        return g_strdup(_("Waiting for smartcardd to come back."));
    case CTL_WATCH_NO_PCSCD:
        return g_strdup(_("Waiting for pcscd."));
    case CTL_WATCH_NO_READERS:
    case CTL_WATCH_READY:
        break;
    }
    if (run->functions->describe)
        return run->functions->describe(run->data);
    return g_strdup(run->state == CTL_WATCH_READY ? _("Waiting for cards and readers.")
                                                  : _("Waiting for a reader to be connected."));
}

static void
show_status(CtlWatchRun *run)
{
    g_autofree char *description = describe_state(run);
    g_autofree char *safe = ctl_text_escape(description, FALSE);
    g_autofree char *status = g_strdup_printf("%s %s", safe, _("Press Ctrl-C to stop."));

    if (!run->arguments->json)
        ctl_output_set_status(run->output, run->hidden || run->stopped ? NULL : status);
}

void
ctl_watch_run_hide_status(CtlWatchRun *run, gboolean hide)
{
    run->hidden = hide;
    show_status(run);
}

static void
handle_event(const CtlEvent *event, gpointer data)
{
    CtlWatchRun *run = data;

    if (run->stopped)
        return;
    run->functions->happened(run, event, run->data);
    if (!ctl_output_is_open(run->output))
        ctl_watch_run_stop(run, EXIT_SUCCESS);
}

static void
handle_state(CtlWatchState state, gpointer data)
{
    CtlWatchRun *run = data;
    gboolean first = run->state == CTL_WATCH_STARTING;

    run->state = state;
    show_status(run);
    if (first && run->functions->loaded && !run->stopped)
        run->functions->loaded(run, run->data);
    if (first && run->arguments->timeout_us == 0 && !run->stopped)
        run->functions->timed_out(run, run->data);
}

static void
handle_failure(const char *message, gpointer data)
{
    CtlWatchRun *run = data;

    ctl_output_set_status(run->output, NULL);
    ctl_output_print_error(message);
    ctl_watch_run_stop(run, CTL_STATUS_NO_SERVICE);
}

static gboolean
handle_time_limit(gpointer data)
{
    CtlWatchRun *run = data;

    if (!run->stopped)
        run->functions->timed_out(run, run->data);
    return G_SOURCE_CONTINUE;
}

void
ctl_watch_run_interrupt(CtlWatchRun *run, int number)
{
    if (run->stopped)
        return;
    ctl_output_set_status(run->output, ""); /* erases "^C", too */
    run->functions->interrupted(run, number, run->data);
}

static gboolean
handle_interrupt(gpointer data)
{
    ctl_watch_run_interrupt(data, SIGINT);
    return G_SOURCE_CONTINUE;
}

static gboolean
handle_term(gpointer data)
{
    ctl_watch_run_interrupt(data, SIGTERM);
    return G_SOURCE_CONTINUE;
}

static gboolean
handle_output_closed(int fd, GIOCondition condition, gpointer data)
{
    ctl_watch_run_stop(data, EXIT_SUCCESS);
    return G_SOURCE_CONTINUE;
}

static gboolean
show_delayed_status(gpointer data)
{
    CtlWatchRun *run = data;

    if (run->state == CTL_WATCH_STARTING)
        show_status(run);
    run->delay = 0;
    return G_SOURCE_REMOVE;
}

/* A time limit of 0 ends when the objects that are present have been seen. */
static guint
start_timer(CtlWatchRun *run)
{
    gint64 timeout_us = run->arguments->timeout_us;

    return timeout_us > 0
               ? g_timeout_add((guint)((timeout_us + 999) / 1000), handle_time_limit, run)
               : 0;
}

static void
run_loop(CtlWatchRun *run, SmartcarddClient *client, const CtlRoute *route)
{
    static const CtlWatchEvents events = {handle_event, handle_state, handle_failure};
    guint interrupt = g_unix_signal_add(SIGINT, handle_interrupt, run);
    guint term = g_unix_signal_add(SIGTERM, handle_term, run);
    guint closed = g_unix_fd_add(STDOUT_FILENO, G_IO_ERR | G_IO_HUP, handle_output_closed, run);
    guint timer = start_timer(run);

    run->delay = g_timeout_add(START_DELAY_MS, show_delayed_status, run);
    run->watch = ctl_watch_new(client, route, &events, run);
    g_main_loop_run(run->loop);
    g_clear_pointer(&run->watch, ctl_watch_free);
    g_clear_handle_id(&timer, g_source_remove);
    g_clear_handle_id(&run->delay, g_source_remove);
    g_source_remove(closed);
    g_source_remove(term);
    g_source_remove(interrupt);
}

int
ctl_watch_run(const CtlArguments *arguments, CtlOutput *output,
              const CtlWatchRunFunctions *functions, gpointer data)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GError) error = NULL;
    const CtlRoute route = ctl_client_get_route(arguments, output);
    g_autoptr(SmartcarddClient) client = ctl_client_prepare(&route, &error);
    CtlWatchRun run = {
        .arguments = arguments,
        .output = output,
        .functions = functions,
        .data = data,
        .loop = loop,
        .state = CTL_WATCH_STARTING,
    };

    if (!client)
        return ctl_command_print_error(error);
    run_loop(&run, client, &route);
    return run.status;
}
