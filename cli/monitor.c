/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl monitor: prints the readers and cards that are present, then events, or runs a
 * command for each. Ctrl-C, SIGTERM, the end of the time limit and a closed pipe end it with exit
 * status 0.
 */

#include <glib/gi18n.h>
#include <signal.h>
#include <stdlib.h>

#include "command.h"
#include "event-command.h"
#include "text.h"
#include "watch-run.h"

typedef struct {
    const CtlArguments *arguments;
    CtlOutput *output;
    CtlCardFilter filter;
    CtlWatchRun *run;           /* set with the first event */
    CtlEventCommands *commands; /* NULL: events are printed */
    guint left;                 /* events until the end, 0 for no limit */
    gboolean ending;            /* ends with the commands that are queued */
} MonitorRun;

static void
end_monitor(MonitorRun *monitor)
{
    monitor->ending = TRUE;
    if (!monitor->commands || !ctl_event_commands_are_busy(monitor->commands))
        ctl_watch_run_stop(monitor->run, EXIT_SUCCESS);
}

static void
handle_commands(gboolean busy, gpointer data)
{
    MonitorRun *monitor = data;

    ctl_watch_run_hide_status(monitor->run, busy);
    if (!busy && monitor->ending)
        ctl_watch_run_stop(monitor->run, EXIT_SUCCESS);
}

static void
handle_interrupted_command(gpointer data)
{
    MonitorRun *monitor = data;

    ctl_watch_run_interrupt(monitor->run, SIGINT);
}

static gboolean
is_wanted(const MonitorRun *monitor, const CtlEvent *event)
{
    return !monitor->ending &&
           (!event->reader.reader ||
            ctl_card_filter_fits_reader(&monitor->filter, ctl_watch_run_get_client(monitor->run),
                                        &event->reader));
}

/* The objects that are present at the start do not count. */
static void
handle_event(CtlWatchRun *run, const CtlEvent *event, gpointer data)
{
    MonitorRun *monitor = data;

    monitor->run = run;
    if (!is_wanted(monitor, event))
        return;
    if (monitor->commands)
        ctl_event_commands_add(monitor->commands, event);
    else
        ctl_event_print(event, monitor->arguments->json, monitor->output);
    if (monitor->left > 0 && !ctl_event_is_of_start(event->kind) && --monitor->left == 0)
        end_monitor(monitor);
}

static void
handle_time_limit(CtlWatchRun *run, gpointer data)
{
    MonitorRun *monitor = data;

    monitor->run = run;
    if (monitor->commands)
        ctl_event_commands_drop_queue(monitor->commands);
    end_monitor(monitor);
}

/* Only with names of readers: they need not be there yet. */
static char *
describe_monitor(gpointer data)
{
    const MonitorRun *monitor = data;
    g_autofree char *names = g_strjoinv(", ", (char **)monitor->filter.readers);

    /* TRANSLATORS: Names of readers follow. */
    return g_strdup_printf(_("Waiting for readers and their cards: %s."), names);
}

static void
handle_interrupt(CtlWatchRun *run, int number, gpointer data)
{
    ctl_watch_run_stop(run, EXIT_SUCCESS);
}

/* Returns the names of the readers as UTF-8, or NULL if one is empty or not valid. */
static GStrv
read_names(const char *const *operands)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    for (gsize i = 0; operands[i]; i++) {
        char *name = ctl_text_from_argument(operands[i]);
        if (!name || !*name) {
            g_free(name);
            return NULL;
        }
        g_ptr_array_add(names, name);
    }
    g_ptr_array_add(names, NULL);
    return g_strdupv((char **)names->pdata);
}

static int
run_monitor(const CtlArguments *arguments, CtlOutput *output)
{
    static const CtlEventCommandFunctions command_functions = {
        .changed = handle_commands,
        .interrupted = handle_interrupted_command,
    };
    CtlWatchRunFunctions functions = {
        .happened = handle_event,
        .timed_out = handle_time_limit,
        .interrupted = handle_interrupt,
    };
    g_auto(GStrv) names = read_names(arguments->operands);

    if (!names)
        return ctl_command_print_usage_error(
            _("the name of the reader is empty or not valid text"));
    if (arguments->program && arguments->json)
        return ctl_command_print_usage_error(_("--exec and --json cannot be used together"));
    MonitorRun monitor = {
        .arguments = arguments,
        .output = output,
        .filter = {.readers = *names ? (const char *const *)names : NULL},
        .left = arguments->count,
    };
    if (monitor.filter.readers)
        functions.describe = describe_monitor;
    if (arguments->program)
        monitor.commands = ctl_event_commands_new(arguments->program, &command_functions, &monitor);
    int status = ctl_watch_run(arguments, output, &functions, &monitor);
    g_clear_pointer(&monitor.commands, ctl_event_commands_free);
    return status;
}

const CtlCommand ctl_command_monitor = {
    .name = "monitor",
    .argument = N_("[READER...]"),
    .summary = N_("Show readers and cards as they come and go, until Ctrl-C"),
    .description =
        N_("Without READER, shows all readers. In a pipe or a file each line has six fields\n"
           "separated by tabs: the time; the event; the reader's name; the card's ATR in\n"
           "hexadecimal digits; the type of the card or the reason for the event; and the\n"
           "object path of the card. An empty field is '-'.\n"
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
           "With --exec, runs COMMAND by the shell for each event instead of printing it,\n"
           "one after the other, and misses none. Its environment has SMARTCARDCTL_EVENT,\n"
           "SMARTCARDCTL_READER, SMARTCARDCTL_PORT, SMARTCARDCTL_ALIAS, SMARTCARDCTL_ATR,\n"
           "SMARTCARDCTL_CARD (the object path of the card) and SMARTCARDCTL_REASON.\n"
           "\n"
           "With --count, ends after this number of events; the readers and cards that are\n"
           "present at the start do not count.\n"
           "\n"
           "The exit status is 0 after Ctrl-C or SIGTERM, at the end of --timeout, and when\n"
           "the reading end of the pipe is closed."),
    .reader = CTL_READER_NEVER,
    .max_operands = G_MAXINT,
    .options = CTL_OPTION_COUNT | CTL_OPTION_EXEC | CTL_OPTION_TIMEOUT,
    .run = run_monitor,
};
