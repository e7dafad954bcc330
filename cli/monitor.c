/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl monitor: prints the readers and cards that are present, then events, or runs a
 * command for each. Ctrl-C, SIGTERM, the end of the time limit and a closed pipe end it with exit
 * status 0.
 */

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdlib.h>

#include "command.h"
#include "event.h"
#include "output.h"
#include "reader-view.h"
#include "watch-run.h"

/*
 * Runs a shell command for each event, one after the other; events wait in a queue meanwhile. The
 * command has the event in its environment:
 *
 *   SMARTCARDCTL_EVENT   the event, such as card-inserted
 *   SMARTCARDCTL_READER  the name of the reader
 *   SMARTCARDCTL_PORT    its USB path
 *   SMARTCARDCTL_ALIAS   its alias
 *   SMARTCARDCTL_ATR     the ATR of the card in hexadecimal digits
 *   SMARTCARDCTL_CARD    the object path of the card
 *   SMARTCARDCTL_REASON  the reason for the event
 *
 * A variable that does not apply to the event is empty.
 */

typedef struct {
    /* Called when a command starts (busy is TRUE), and when none is left to run. */
    void (*changed)(gboolean busy, gpointer data);

    /*
     * Called when SIGINT has ended a command. Ctrl-C sends it to the command and to this process,
     * which may receive it later. Commands in the queue are not run then.
     */
    void (*interrupted)(gpointer data);
} EventCommandFunctions;

typedef struct {
    const char *command;
    const EventCommandFunctions *functions;
    gpointer data;
    GQueue *queue;             /* of environments, GStrv */
    GSubprocess *running;      /* NULL for none */
    GCancellable *cancellable; /* of the wait for it */
} EventCommands;

static void
free_environment(gpointer data)
{
    g_strfreev(data);
}

/* command and functions are not copied. */
static EventCommands *
new_event_commands(const char *command, const EventCommandFunctions *functions, gpointer data)
{
    EventCommands *commands = g_new0(EventCommands, 1);

    commands->command = command;
    commands->functions = functions;
    commands->data = data;
    commands->queue = g_queue_new();
    commands->cancellable = g_cancellable_new();
    return commands;
}

/* Drops the events whose command has not started. */
static void
drop_queued_commands(EventCommands *commands)
{
    g_queue_clear_full(commands->queue, free_environment);
}

/* Does not wait for the command that is running. */
static void
free_event_commands(EventCommands *commands)
{
    g_cancellable_cancel(commands->cancellable);
    g_object_unref(commands->cancellable);
    g_clear_object(&commands->running);
    g_queue_free_full(commands->queue, free_environment);
    g_free(commands);
}

static gboolean
has_running_command(const EventCommands *commands)
{
    return commands->running != NULL;
}

static char **
set_property(char **environment, const char *variable, GVariant *properties, const char *property)
{
    const char *text = properties ? ctl_property_text(properties, property) : "";

    return g_environ_setenv(environment, variable, text, TRUE);
}

static char **
make_environment(const CtlEvent *event)
{
    char **environment = g_get_environ();
    CtlReaderView view = ctl_event_get_reader(event);
    GVariant *reader = view.properties;
    const char *card = view.card_path;
    g_autofree char *atr = ctl_describe_atr(&view, FALSE);

    environment =
        g_environ_setenv(environment, "SMARTCARDCTL_EVENT", ctl_event_get_word(event->kind), TRUE);
    environment = set_property(environment, "SMARTCARDCTL_READER", reader, "Name");
    environment = set_property(environment, "SMARTCARDCTL_PORT", reader, "UsbPath");
    environment = set_property(environment, "SMARTCARDCTL_ALIAS", reader, "Alias");
    environment = g_environ_setenv(environment, "SMARTCARDCTL_ATR", atr, TRUE);
    environment = g_environ_setenv(environment, "SMARTCARDCTL_CARD", card ? card : "", TRUE);
    return g_environ_setenv(environment, "SMARTCARDCTL_REASON", event->reason ? event->reason : "",
                            TRUE);
}

/* In the child. This program ignores the signal. */
static void
reset_signals(gpointer data)
{
    signal(SIGPIPE, SIG_DFL);
}

static GSubprocess *
spawn_command(const EventCommands *commands, char **environment, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDIN_INHERIT);

    g_subprocess_launcher_set_environ(launcher, environment);
    g_subprocess_launcher_set_child_setup(launcher, reset_signals, NULL, NULL);
    return g_subprocess_launcher_spawn(launcher, error, "/bin/sh", "-c", commands->command, NULL);
}

static void start_next(EventCommands *commands);

static void
print_failure(GSubprocess *process)
{
    g_autofree char *message = NULL;

    if (g_subprocess_get_if_signaled(process))
        message = g_strdup_printf(_("the command was ended by signal %d"),
                                  g_subprocess_get_term_sig(process));
    else if (g_subprocess_get_exit_status(process) != 0)
        message = g_strdup_printf(_("the command failed with exit status %d"),
                                  g_subprocess_get_exit_status(process));
    if (message)
        ctl_output_print_error(message);
}

static gboolean
was_interrupted(GSubprocess *process)
{
    return g_subprocess_get_if_signaled(process) && g_subprocess_get_term_sig(process) == SIGINT;
}

static void
handle_exit(GObject *source, GAsyncResult *result, gpointer data)
{
    EventCommands *commands = data;

    if (!g_subprocess_wait_finish(G_SUBPROCESS(source), result, NULL))
        return; /* cancelled: freed */
    if (was_interrupted(G_SUBPROCESS(source))) {
        drop_queued_commands(commands);
        g_clear_object(&commands->running);
        commands->functions->interrupted(commands->data);
        return;
    }
    print_failure(G_SUBPROCESS(source));
    g_clear_object(&commands->running);
    start_next(commands);
}

static void
start_next(EventCommands *commands)
{
    while (!commands->running && !g_queue_is_empty(commands->queue)) {
        g_auto(GStrv) environment = g_queue_pop_head(commands->queue);
        g_autoptr(GError) error = NULL;

        commands->functions->changed(TRUE, commands->data);
        commands->running = spawn_command(commands, environment, &error);
        if (commands->running)
            g_subprocess_wait_async(commands->running, commands->cancellable, handle_exit,
                                    commands);
        else
            ctl_output_print_error(error->message);
    }
    if (!commands->running)
        commands->functions->changed(FALSE, commands->data);
}

static void
queue_event_command(EventCommands *commands, const CtlEvent *event)
{
    g_queue_push_tail(commands->queue, make_environment(event));
    start_next(commands);
}

typedef struct {
    const CtlArguments *arguments;
    CtlOutput *output;
    CtlCardFilter filter;
    CtlWatchRun *run;        /* set with the first event */
    EventCommands *commands; /* NULL: events are printed */
    guint left;              /* events until the end, 0 for no limit */
    gboolean ending;         /* ends with the commands that are queued */
} MonitorRun;

static void
end_monitor(MonitorRun *monitor)
{
    monitor->ending = TRUE;
    if (!monitor->commands || !has_running_command(monitor->commands))
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
        queue_event_command(monitor->commands, event);
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
        drop_queued_commands(monitor->commands);
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
    static const EventCommandFunctions command_functions = {
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
        monitor.commands = new_event_commands(arguments->program, &command_functions, &monitor);
    int status = ctl_watch_run(arguments, output, &functions, &monitor);
    g_clear_pointer(&monitor.commands, free_event_commands);
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
