/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixconnection.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUS "org.freedesktop.DBus"

#define AGENT_LIMIT_US (2 * G_USEC_PER_SEC)
#define END_LIMIT_MS 1000 /* before a helper is killed */

/*
 * Programs that help to reach the service: ssh and an agent of polkit. The kernel sends them
 * SIGTERM when the thread that started them ends, also if this process is killed. So the main
 * thread starts them.
 */

/* The number of the descriptor that a helper may get beside the standard ones. */
#define HELPER_FD 3

typedef struct {
    const char *const *command; /* found in PATH */
    int stream;                 /* its standard input and output; -1: those of this program */
    int fd;                     /* becomes HELPER_FD; -1 for none */
    gboolean ignores_interrupt; /* Ctrl-C does not end it */
    gboolean is_silent;         /* what it writes to the standard error is dropped */
} Helper;

typedef struct {
    pid_t parent;
    gboolean ignores_interrupt;
} ChildSetup;

/* Runs in the child process before the program: only functions that are safe there. */
static void
set_up_child(gpointer data)
{
    const ChildSetup *setup = data;

    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != setup->parent)
        _exit(EXIT_FAILURE);
    if (setup->ignores_interrupt)
        signal(SIGINT, SIG_IGN);
}

/*
 * Returns the process, or 0 with an error if the program cannot be started. The descriptors of the
 * helper stay open here.
 */
static GPid
start_helper(const Helper *helper, GError **error)
{
    const GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                              G_SPAWN_CHILD_INHERITS_STDIN |
                              (helper->is_silent ? G_SPAWN_STDERR_TO_DEV_NULL : 0);
    ChildSetup setup = {getpid(), helper->ignores_interrupt};
    const int target = HELPER_FD;
    GPid process = 0;

    g_spawn_async_with_pipes_and_fds(NULL, helper->command, NULL, flags, set_up_child, &setup,
                                     helper->stream, helper->stream, -1, &helper->fd, &target,
                                     helper->fd < 0 ? 0 : 1, &process, NULL, NULL, NULL, error);
    return process;
}

/* Returns FALSE if the process still runs after a while. */
static gboolean
wait_for_end(GPid process)
{
    GPollFD end = {pidfd_open(process, 0), G_IO_IN, 0};
    int count;

    if (end.fd < 0)
        return FALSE;
    do
        count = g_poll(&end, 1, END_LIMIT_MS);
    while (count < 0 && errno == EINTR);
    close(end.fd);
    return count > 0;
}

void
ctl_client_stop_agent(GPid process)
{
    if (process == 0)
        return;
    kill(process, SIGTERM);
    kill(process, SIGCONT); /* it may have been stopped from the terminal */
    if (!wait_for_end(process))
        kill(process, SIGKILL);
    waitpid(process, NULL, 0);
}

/* polkit allows everything to root. */
static gboolean
needs_agent(void)
{
    return geteuid() != 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

GPid
ctl_client_start_agent(CtlOutput *output)
{
    static const char *const command[] = {"pkttyagent", "--notify-fd", G_STRINGIFY(HELPER_FD),
                                          "--fallback", NULL};
    int fds[2];

    if (!needs_agent() || pipe2(fds, O_CLOEXEC) < 0)
        return 0;
    const Helper helper = {.command = command, .stream = -1, .fd = fds[1], .is_silent = TRUE};
    GPid process = start_helper(&helper, NULL);
    close(fds[1]);
    /* The agent closes its end when it is registered. */
    CtlWaiting waiting = {
        .output = output,
        .status = _("Waiting for the program that asks for passwords."),
        .delay_ms = CTL_WAITING_DELAY_MS,
        .end = ctl_waiting_get_end(AGENT_LIMIT_US),
    };
    if (process != 0)
        ctl_waiting_run_until_readable(&waiting, fds[0]);
    close(fds[0]);
    return process;
}

CtlRoute
ctl_client_get_route(const CtlArguments *arguments, CtlOutput *output)
{
    return (CtlRoute){
        .host = arguments->host,
        .output = arguments->json ? NULL : output,
        .end = ctl_waiting_get_end(arguments->timeout_us),
        .no_ask_password = arguments->no_ask_password,
    };
}

CtlWaiting
ctl_client_get_waiting(const CtlRoute *route)
{
    return (CtlWaiting){
        .output = route->output,
        .status = _("Waiting for smartcardd."),
        .delay_ms = CTL_WAITING_DELAY_MS,
        .end = route->end,
    };
}

/*
 * Starts the process at the other end of the stream. Ctrl-C does not end it: the service has to
 * learn first that a call is cancelled.
 */
static GIOStream *
start_ssh(const char *host, GError **error)
{
    const char *const command[] = {"ssh", "-xT", "--", host, "systemd-stdio-bridge", NULL};
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                            _("no memory or other resource is left"));
        return NULL;
    }
    const Helper helper = {
        .command = command, .stream = fds[1], .fd = -1, .ignores_interrupt = TRUE};
    GPid process = start_helper(&helper, error);
    close(fds[1]);
    g_autoptr(GSocket) socket = process ? g_socket_new_from_fd(fds[0], error) : NULL;
    if (!socket) {
        close(fds[0]);
        return NULL;
    }
    return G_IO_STREAM(g_socket_connection_factory_create_connection(socket));
}

static char *
explain_failure(const CtlRoute *route)
{
    if (!route->host)
        return g_strdup(_("cannot connect to the system bus (is the D-Bus service running?)"));
    return g_strdup_printf(_("cannot connect to the system bus of %s through ssh (is "
                             "systemd-stdio-bridge installed there?)"),
                           route->host);
}

/* Replaces the error of a connection to the bus by one for the user. */
static void
explain_bus_error(const CtlRoute *route, GError **error)
{
    g_autofree char *problem = explain_failure(route);
    g_autofree char *reason = g_strdup((*error)->message);

    g_clear_error(error);
    g_set_error(error, CTL_ERROR, CTL_STATUS_NO_SERVICE, "%s: %s", problem, reason);
}

/* ssh itself, or the shell there, has printed the reason. */
static void
explain_host_error(const CtlRoute *route, GError **error)
{
    g_autofree char *problem = explain_failure(route);

    g_clear_error(error);
    g_set_error_literal(error, CTL_ERROR, CTL_STATUS_NO_SERVICE, problem);
}

/*
 * Returns a connection to the system bus of the host of the route. It is a process of ssh, which
 * ends with it; file descriptors do not cross it. ssh may ask for a password or about a key: the
 * status stands before its question.
 */
static GDBusConnection *
open_host_bus(const CtlRoute *route, GError **error)
{
    CtlWaiting waiting = ctl_client_get_waiting(route);
    g_autofree char *status = g_strdup_printf(_("Waiting for %s."), route->host);
    GError *host_error = NULL;
    g_autoptr(GIOStream) stream = start_ssh(route->host, &host_error);
    GDBusConnection *bus = NULL;

    if (stream) {
        waiting.status = status;
        waiting.delay_ms = 0;
        ctl_waiting_begin(&waiting);
        g_dbus_connection_new(stream, NULL,
                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                  G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                              NULL, waiting.cancellable, ctl_waiting_finish, &waiting);
        g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
        bus = g_dbus_connection_new_finish(result, &host_error);
    }
    if (bus)
        return bus;
    if (!stream)
        explain_bus_error(route, &host_error);
    else if (!ctl_waiting_explain_error(&waiting, &host_error))
        explain_host_error(route, &host_error);
    g_propagate_error(error, host_error);
    return NULL;
}

guint
ctl_client_get_service_process(const CtlRoute *route, GDBusConnection *bus)
{
    CtlWaiting waiting = ctl_client_get_waiting(route);
    guint process = 0;

    ctl_waiting_begin(&waiting);
    g_dbus_connection_call(bus, BUS, "/org/freedesktop/DBus", BUS, "GetConnectionUnixProcessID",
                           g_variant_new("(s)", CTL_BUS_NAME), G_VARIANT_TYPE("(u)"),
                           G_DBUS_CALL_FLAGS_NONE, -1, waiting.cancellable, ctl_waiting_finish,
                           &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(bus, result, NULL);
    if (reply)
        g_variant_get(reply, "(u)", &process);
    return process;
}

/* Frequent errors of all commands: translated, unlike the service's messages. */
static const struct {
    SmartcarddError code;
    gboolean with_detail; /* the message of the library follows */
    const char *text;
} explanations[] = {
    {SMARTCARDD_ERROR_NOT_AUTHORIZED, TRUE, N_("you are not allowed to do this")},
    {SMARTCARDD_ERROR_INTERACTION_REQUIRED, FALSE,
     N_("you have to authenticate, but no program can ask for your password here (run the command "
        "on a terminal, in a desktop or as root, and without --no-ask-password)")},
    {SMARTCARDD_ERROR_LIMITS_EXCEEDED, TRUE,
     N_("a limit of smartcardd was reached; close other programs that use smart cards, or try "
        "again later")},
    {SMARTCARDD_ERROR_NO_SERVICE, TRUE, N_("pcscd cannot be reached")},
    {SMARTCARDD_ERROR_COMM_ERROR, FALSE, N_("the connection to pcscd was lost; try again")},
    {SMARTCARDD_ERROR_SERVER_TOO_BUSY, FALSE, N_("pcscd is too busy; try again later")},
    {SMARTCARDD_ERROR_NO_MEMORY, FALSE, N_("no memory or other resource is left")},
    {SMARTCARDD_ERROR_SHUTDOWN, FALSE, N_("smartcardd is stopping; try again")},
    {SMARTCARDD_ERROR_NOT_SAVED, TRUE, N_("the change could not be saved")},
    {SMARTCARDD_ERROR_SERVICE_NOT_FOUND, TRUE,
     N_("smartcardd is not running and cannot be started (is it installed?)")},
    {SMARTCARDD_ERROR_BUS_ACCESS_DENIED, TRUE,
     N_("the configuration of the system bus denies this user access to smartcardd")},
    {SMARTCARDD_ERROR_SERVICE_TOO_OLD, TRUE,
     N_("the running smartcardd is too old for this command (restart it after an update)")},
    {SMARTCARDD_ERROR_SERVICE_UNREACHABLE, TRUE,
     N_("cannot reach smartcardd (see 'systemctl status smartcardd')")},
};

void
ctl_client_explain_error(GError *error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(explanations); i++) {
        if (!g_error_matches(error, SMARTCARDD_ERROR, (int)explanations[i].code))
            continue;
        const char *text = _(explanations[i].text);
        g_autofree char *detail = error->message;
        error->message =
            explanations[i].with_detail ? g_strdup_printf("%s: %s", text, detail) : g_strdup(text);
    }
}

SmartcarddClient *
ctl_client_prepare(const CtlRoute *route, GError **error)
{
    g_autoptr(GDBusConnection) bus = route->host ? open_host_bus(route, error) : NULL;

    if (route->host && !bus)
        return NULL;
    return g_object_new(SMARTCARDD_TYPE_CLIENT, "connection", bus, "allow-interaction",
                        !route->no_ask_password, NULL);
}

GDBusConnection *
ctl_client_dup_connection(SmartcarddClient *client)
{
    GDBusConnection *bus;

    g_object_get(client, "connection", &bus, NULL);
    return bus;
}

void
ctl_client_explain_start_error(SmartcarddClient *client, const CtlRoute *route, GError **error)
{
    g_autoptr(GDBusConnection) bus = ctl_client_dup_connection(client);

    if (bus)
        ctl_client_explain_error(*error);
    else
        explain_bus_error(route, error);
}

SmartcarddClient *
ctl_client_new(const CtlRoute *route, GError **error)
{
    CtlWaiting waiting = ctl_client_get_waiting(route);
    g_autoptr(SmartcarddClient) client = ctl_client_prepare(route, error);
    GError *library_error = NULL;

    if (!client)
        return NULL;
    ctl_waiting_begin(&waiting);
    g_async_initable_init_async(G_ASYNC_INITABLE(client), G_PRIORITY_DEFAULT, waiting.cancellable,
                                ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    if (g_async_initable_init_finish(G_ASYNC_INITABLE(client), result, &library_error))
        return g_steal_pointer(&client);
    if (!ctl_waiting_explain_error(&waiting, &library_error))
        ctl_client_explain_start_error(client, route, &library_error);
    g_propagate_error(error, library_error);
    return NULL;
}

void
ctl_client_disconnect(SmartcarddClient *client)
{
    g_autoptr(GDBusConnection) bus = ctl_client_dup_connection(client);

    if (bus)
        g_dbus_connection_close_sync(bus, NULL, NULL);
}

gboolean
ctl_client_check_pcscd(SmartcarddClient *client, GError **error)
{
    if (smartcardd_client_is_available(client))
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_STATUS_NO_SERVICE, _("smartcardd cannot reach pcscd: %s"),
                smartcardd_client_get_unavailable_reason(client));
    return FALSE;
}

SmartcarddClient *
ctl_client_load(const CtlRoute *route, GError **error)
{
    g_autoptr(SmartcarddClient) client = ctl_client_new(route, error);

    return client && ctl_client_check_pcscd(client, error) ? g_steal_pointer(&client) : NULL;
}

static gboolean
has_part_in_name(SmartcarddReader *reader, const char *part)
{
    g_autofree char *name = g_utf8_casefold(smartcardd_reader_get_name(reader), -1);
    g_autofree char *folded = g_utf8_casefold(part, -1);

    return strstr(name, folded) != NULL;
}

/* Returns the number of readers that the selector names; sets found to the last one. */
static guint
count_readers(GListModel *readers, const char *selector,
              gboolean (*fits)(SmartcarddReader *reader, const char *selector),
              SmartcarddReader **found)
{
    guint count = 0;

    for (guint i = 0; i < g_list_model_get_n_items(readers); i++) {
        g_autoptr(SmartcarddReader) reader = g_list_model_get_item(readers, i);
        if (fits && !fits(reader, selector))
            continue;
        *found = reader; /* the list has a reference */
        count++;
    }
    return count;
}

gboolean
ctl_client_is_named(SmartcarddClient *client, SmartcarddReader *reader, const char *selector)
{
    SmartcarddReader *found;

    if (smartcardd_reader_matches(reader, selector))
        return TRUE;
    return has_part_in_name(reader, selector) &&
           count_readers(smartcardd_client_get_readers(client), selector, smartcardd_reader_matches,
                         &found) == 0;
}

static SmartcarddReader *
find_only_reader(GListModel *readers, GError **error)
{
    SmartcarddReader *found = NULL;
    guint count = count_readers(readers, NULL, NULL, &found);

    if (count == 1)
        return found;
    if (count == 0)
        g_set_error_literal(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_UNKNOWN_READER,
                            _("no reader is connected"));
    else
        g_set_error(
            error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_UNKNOWN_READER,
            _("there are %u readers; name one of them (run 'smartcardctl list' to see them)"),
            count);
    return NULL;
}

SmartcarddReader *
ctl_client_find_reader(SmartcarddClient *client, const char *selector, GError **error)
{
    GListModel *readers = smartcardd_client_get_readers(client);
    SmartcarddReader *found = selector ? smartcardd_client_find_reader(client, selector) : NULL;

    if (!selector)
        return find_only_reader(readers, error);
    if (found)
        return found;
    guint count = count_readers(readers, selector, smartcardd_reader_matches, &found);
    if (count == 0)
        count = count_readers(readers, selector, has_part_in_name, &found);
    if (count == 1)
        return found;
    if (count == 0)
        g_set_error(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_UNKNOWN_READER,
                    _("there is no reader '%s' (run 'smartcardctl list' to see all readers)"),
                    selector);
    else
        g_set_error(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_UNKNOWN_READER,
                    _("'%s' names %u readers; name one of them (run 'smartcardctl list' to see "
                      "them)"),
                    selector, count);
    return NULL;
}
