/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "event-command.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <signal.h>

#include "describe.h"

struct CtlEventCommands {
    const char *command;
    const CtlEventCommandFunctions *functions;
    gpointer data;
    GQueue *queue;             /* of environments, GStrv */
    GSubprocess *running;      /* NULL for none */
    GCancellable *cancellable; /* of the wait for it */
};

static void
free_environment(gpointer data)
{
    g_strfreev(data);
}

CtlEventCommands *
ctl_event_commands_new(const char *command, const CtlEventCommandFunctions *functions,
                       gpointer data)
{
    CtlEventCommands *commands = g_new0(CtlEventCommands, 1);

    commands->command = command;
    commands->functions = functions;
    commands->data = data;
    commands->queue = g_queue_new();
    commands->cancellable = g_cancellable_new();
    return commands;
}

void
ctl_event_commands_drop_queue(CtlEventCommands *commands)
{
    g_queue_clear_full(commands->queue, free_environment);
}

void
ctl_event_commands_free(CtlEventCommands *commands)
{
    g_cancellable_cancel(commands->cancellable);
    g_object_unref(commands->cancellable);
    g_clear_object(&commands->running);
    g_queue_free_full(commands->queue, free_environment);
    g_free(commands);
}

gboolean
ctl_event_commands_are_busy(const CtlEventCommands *commands)
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
spawn_command(const CtlEventCommands *commands, char **environment, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDIN_INHERIT);

    g_subprocess_launcher_set_environ(launcher, environment);
    g_subprocess_launcher_set_child_setup(launcher, reset_signals, NULL, NULL);
    return g_subprocess_launcher_spawn(launcher, error, "/bin/sh", "-c", commands->command, NULL);
}

static void start_next(CtlEventCommands *commands);

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
    CtlEventCommands *commands = data;

    if (!g_subprocess_wait_finish(G_SUBPROCESS(source), result, NULL))
        return; /* cancelled: freed */
    if (was_interrupted(G_SUBPROCESS(source))) {
        ctl_event_commands_drop_queue(commands);
        g_clear_object(&commands->running);
        commands->functions->interrupted(commands->data);
        return;
    }
    print_failure(G_SUBPROCESS(source));
    g_clear_object(&commands->running);
    start_next(commands);
}

static void
start_next(CtlEventCommands *commands)
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

void
ctl_event_commands_add(CtlEventCommands *commands, const CtlEvent *event)
{
    g_queue_push_tail(commands->queue, make_environment(event));
    start_next(commands);
}
