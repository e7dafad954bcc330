/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watch-run.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "client.h"
#include "output.h"

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

static GBytes *
parse_bytes(const char *hex)
{
    gsize length;
    guint8 *bytes = scd_hex_to_bytes(hex, &length, NULL);

    return bytes ? g_bytes_new_take(bytes, length) : NULL;
}

static GBytes *
new_full_mask(gsize length)
{
    guint8 *bytes = g_malloc(length);

    memset(bytes, 0xFF, length);
    return g_bytes_new_take(bytes, length);
}

gboolean
ctl_card_filter_parse_atr(CtlCardFilter *filter, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 2);
    const char *atr = parts[0] ? parts[0] : "";

    filter->atr = parse_bytes(atr);
    if (!filter->atr || g_bytes_get_size(filter->atr) == 0)
        return FALSE;
    filter->mask = parts[1] ? parse_bytes(parts[1]) : new_full_mask(g_bytes_get_size(filter->atr));
    return filter->mask && g_bytes_get_size(filter->mask) == g_bytes_get_size(filter->atr);
}

void
ctl_card_filter_clear(CtlCardFilter *filter)
{
    g_clear_pointer(&filter->atr, g_bytes_unref);
    g_clear_pointer(&filter->mask, g_bytes_unref);
}

static gboolean
is_named_in(SmartcarddClient *client, const CtlReaderView *reader, const char *const *selectors)
{
    for (gsize i = 0; selectors[i]; i++) {
        if (ctl_client_is_named(client, reader->reader, selectors[i]))
            return TRUE;
    }
    return FALSE;
}

gboolean
ctl_card_filter_fits_reader(const CtlCardFilter *filter, SmartcarddClient *client,
                            const CtlReaderView *reader)
{
    return (!filter->readers || is_named_in(client, reader, filter->readers)) &&
           (!filter->others || !is_named_in(client, reader, filter->others));
}

static gboolean
fits_atr(const CtlCardFilter *filter, GBytes *atr)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(atr, &length);

    if (!filter->atr)
        return length > 0 || filter->mute;
    const guint8 *wanted = g_bytes_get_data(filter->atr, NULL);
    const guint8 *mask = g_bytes_get_data(filter->mask, NULL);
    if (length != g_bytes_get_size(filter->atr))
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        if ((bytes[i] ^ wanted[i]) & mask[i])
            return FALSE;
    }
    return TRUE;
}

gboolean
ctl_card_filter_fits_card(const CtlCardFilter *filter, SmartcarddClient *client,
                          const CtlReaderView *reader)
{
    if (!reader->card || !ctl_card_filter_fits_reader(filter, client, reader))
        return FALSE;
    if (filter->card_path && !g_str_equal(filter->card_path, reader->card_path))
        return FALSE;
    g_autoptr(GBytes) atr = ctl_property_bytes(reader->card, "Atr");
    return fits_atr(filter, atr);
}
