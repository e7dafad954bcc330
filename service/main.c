/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardd: options, the bus name, signals, systemd's watchdog, and the restart.
 *
 * The bus name is requested when the first snapshot of the readers, with their devices and the
 * names of their cards, is on the bus. So the first reply to any client is complete, also to a
 * client whose call has started the service.
 */

#include <gio/gio.h>
#include <glib-unix.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/card-list.h"
#include "base/log.h"
#include "base/settings.h"
#include "bus/bus-stream.h"
#include "bus/error.h"
#include "bus/service.h"
#include "config.h"
#include "pcsc/descriptors.h"
#include "pcsc/main-thread.h"

#define BUS_NAME "org.smartcardd1"
#define ROOT_PATH "/org/smartcardd1"
#define SYSFS "/sys"

/*
 * The least age of a process that restarts itself. It is twice that of the process before, which is
 * in the environment, unless that one has run for long.
 */
#define RESTART_AGE_S 5
#define RESTART_AGE_MAX_S 3600
#define RESTARTS_RARE 10 /* times the least age */
#define RESTART_AGE_VARIABLE "SMARTCARDD_RESTART_AGE"

/* Powering up the card in a slow reader takes pcscd several seconds. */
#define CALL_LIMIT_S 30
#define CALL_LIMIT_MAX_S 3600

/* For the messages that are left at the end, if the bus is slow. */
#define FLUSH_LIMIT_MS 2000

typedef struct {
    char *card_list;
    char *config_file;
    char *sysfs;
    char *state;
    int call_limit_s;
    gboolean reload;
    gboolean version;
} ProgramOptions;

typedef struct {
    const ProgramOptions *options;
    ScdSettings *settings; /* those at the start */
    GMainLoop *loop;
    ScdGate *gate;
    GDBusConnection *bus;
    GThread *card_list_thread; /* NULL once it was joined */
    ScdCardList *card_list;    /* NULL if there is no such file */
    gboolean card_list_done;
    ScdServiceOptions service_options;
    ScdService *service;
    guint name;
    guint watchdog_timer;
    guint feeding;  /* the source that feeds the watchdog once the events before it are handled */
    gint64 started; /* monotonic, microseconds */
    guint restart_age_s;
    gboolean restart;
    int status;
} Program;

static void
stop_program(Program *program, int status)
{
    program->status = status;
    g_main_loop_quit(program->loop);
}

static gboolean
handle_stop_signal(gpointer data)
{
    stop_program(data, EXIT_SUCCESS);
    return G_SOURCE_CONTINUE;
}

/* Settings that changed before there is a service are read when it starts: soon, or already. */
static gboolean
handle_reload_signal(gpointer data)
{
    Program *program = data;

    if (program->service)
        scd_service_reload(program->service);
    return G_SOURCE_CONTINUE;
}

static void
handle_name_acquired(GDBusConnection *bus, const char *name, gpointer data)
{
    sd_notify(0, "READY=1");
}

static void
handle_name_lost(GDBusConnection *bus, const char *name, gpointer data)
{
    if (!bus)
        g_printerr("smartcardd: lost the connection to the system bus\n");
    else
        g_printerr("smartcardd: cannot have the bus name %s: another process owns it, or the bus "
                   "policy does not allow this user to own it\n",
                   name);
    stop_program(data, EXIT_FAILURE);
}

static void
own_name(gpointer data)
{
    Program *program = data;

    if (!program->name)
        program->name = g_bus_own_name_on_connection(
            program->bus, BUS_NAME, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE, handle_name_acquired,
            handle_name_lost, program, NULL);
}

static gboolean
restart_program(gpointer data)
{
    Program *program = data;
    program->restart = TRUE;
    stop_program(program, EXIT_FAILURE);
    return G_SOURCE_REMOVE;
}

static guint
read_restart_age(void)
{
    const char *text = g_getenv(RESTART_AGE_VARIABLE);
    guint64 age_s;

    if (text && g_ascii_string_to_unsigned(text, 10, 1, RESTART_AGE_MAX_S, &age_s, NULL))
        return (guint)age_s;
    return RESTART_AGE_S;
}

static gint64
get_age_s(const Program *program)
{
    return (g_get_monotonic_time() - program->started) / G_USEC_PER_SEC;
}

/* For the next process. */
static void
write_restart_age(const Program *program)
{
    guint age_s = program->restart_age_s;
    gboolean ran_long = get_age_s(program) > RESTARTS_RARE * age_s;
    g_autofree char *text =
        g_strdup_printf("%u", ran_long ? RESTART_AGE_S : MIN(2 * age_s, RESTART_AGE_MAX_S));

    g_setenv(RESTART_AGE_VARIABLE, text, TRUE);
}

static void
restart_when_old_enough(const char *why, gpointer data)
{
    Program *program = data;
    gint64 wait_s = program->restart_age_s - get_age_s(program);

    g_warning("%s: restarting, which closes all sessions", why);
    if (wait_s <= 0)
        restart_program(program);
    else
        g_timeout_add_seconds((guint)wait_s, restart_program, program);
}

static void
start_service(Program *program)
{
    g_autoptr(GError) error = NULL;

    program->service_options = (ScdServiceOptions){
        .card_list = program->card_list,
        .settings = program->settings,
        .settings_file = program->options->config_file,
        .sysfs = program->options->sysfs,
        .state = program->options->state,
        .call_limit_s = program->options->call_limit_s,
        .ready = own_name,
        .stuck = restart_when_old_enough,
        .data = program,
    };
    program->service =
        scd_service_new(program->bus, program->gate, &program->service_options, &error);
    if (program->service)
        return;
    g_printerr("smartcardd: %s\n", error->message);
    stop_program(program, EXIT_FAILURE);
}

static void
start_service_if_ready(Program *program)
{
    if (program->bus && program->card_list_done)
        start_service(program);
}

static void
handle_bus(GObject *source, GAsyncResult *result, gpointer data)
{
    Program *program = data;
    g_autoptr(GError) error = NULL;

    program->bus = scd_bus_connect_finish(result, &error);
    if (program->bus) {
        start_service_if_ready(program);
        return;
    }
    g_printerr("smartcardd: cannot reach the system bus: %s\n", error->message);
    stop_program(program, EXIT_FAILURE);
}

static gboolean
handle_card_list(gpointer data)
{
    Program *program = data;

    if (program->card_list_thread)
        program->card_list = g_thread_join(g_steal_pointer(&program->card_list_thread));
    program->card_list_done = TRUE;
    if (!program->card_list)
        g_info("No card list: the property Names of cards stays empty");
    start_service_if_ready(program);
    return G_SOURCE_REMOVE;
}

/* Returns a ScdCardList, NULL if there is no such file. */
static gpointer
read_card_list_in_thread(gpointer data)
{
    Program *program = data;
    g_autoptr(GMappedFile) file = g_mapped_file_new(program->options->card_list, FALSE, NULL);
    ScdCardList *list = file ? scd_card_list_new_from_file(file) : NULL;

    scd_main_thread_invoke(handle_card_list, program, NULL);
    return list;
}

/* Without a thread, this blocks, which is acceptable before the main loop runs. */
static void
start_reading_card_list(Program *program)
{
    program->card_list_thread =
        g_thread_try_new("card-list", read_card_list_in_thread, program, NULL);
    if (!program->card_list_thread)
        program->card_list = read_card_list_in_thread(program);
}

/* Blocks, which is acceptable before the main loop runs. */
static ScdSettings *
read_settings(const char *file)
{
    ScdSettings *settings = scd_settings_read(file);

    scd_settings_log_warnings(settings);
    if (settings->unreadable)
        g_warning("The settings of a file are the defaults, because it cannot be read: %s",
                  settings->unreadable);
    return settings;
}

static gboolean
feed_watchdog(gpointer data)
{
    Program *program = data;

    program->feeding = 0;
    sd_notify(0, "WATCHDOG=1");
    return G_SOURCE_REMOVE;
}

/*
 * The watchdog is fed when the events that wait now have been handled, and not if that takes too
 * long. The priority is theirs: a lower one would wait for a main loop that is busy for long.
 */
static gboolean
check_main_loop(gpointer data)
{
    Program *program = data;

    if (!program->feeding)
        program->feeding = g_idle_add_full(G_PRIORITY_DEFAULT, feed_watchdog, program, NULL);
    return G_SOURCE_CONTINUE;
}

static void
start_watchdog(Program *program)
{
    uint64_t interval_us;

    if (sd_watchdog_enabled(0, &interval_us) > 0)
        program->watchdog_timer = g_timeout_add(interval_us / 2 / 1000, check_main_loop, program);
}

/* Nothing may keep the service from its end: systemd limits that. */
static void
stop_watchdog(Program *program)
{
    g_clear_handle_id(&program->watchdog_timer, g_source_remove);
    g_clear_handle_id(&program->feeding, g_source_remove);
}

/* Outlives the wait, as the flush does that takes too long. */
static gboolean bus_flushed;

static void
handle_flushed(GObject *source, GAsyncResult *result, gpointer data)
{
    bus_flushed = TRUE;
}

static gboolean
end_flush(gpointer data)
{
    gboolean *over = data;

    *over = TRUE;
    return G_SOURCE_CONTINUE;
}

/* Sends the last replies and signals. Blocks for a while, but the main loop has ended. */
static void
flush_bus(GDBusConnection *bus)
{
    ScdBusOutput *output = scd_bus_stream_output(scd_bus_get_stream(bus));
    gboolean over = FALSE;
    guint timer = g_timeout_add(FLUSH_LIMIT_MS, end_flush, &over);

    bus_flushed = FALSE;
    g_dbus_connection_flush(bus, NULL, handle_flushed, NULL);
    while (!(bus_flushed && scd_bus_output_has_sent_packets(output)) && !over)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static void
clear_program(Program *program)
{
    scd_gate_close(program->gate);
    if (program->service)
        scd_service_stop(program->service);
    if (!program->restart) /* else exec ends the connection, and the name with it */
        g_clear_handle_id(&program->name, g_bus_unown_name);
    if (program->card_list_thread)
        program->card_list = g_thread_join(program->card_list_thread);
    g_clear_pointer(&program->service, scd_service_free);
    g_clear_pointer(&program->card_list, scd_card_list_free);
    if (program->bus)
        flush_bus(program->bus);
    g_clear_object(&program->bus);
    scd_gate_unref(program->gate);
    scd_settings_unref(program->settings);
    g_main_loop_unref(program->loop);
}

/* A signal that arrives while the service restarts itself is handled by the new process. */
static void
set_signals_blocked(gboolean blocked)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &signals, NULL);
}

/* Returns TRUE if the service has to be restarted. */
static gboolean
run_program(const ProgramOptions *options, int *status)
{
    Program program = {
        .options = options,
        .settings = read_settings(options->config_file),
        .loop = g_main_loop_new(NULL, FALSE),
        .gate = scd_gate_new(),
        .started = g_get_monotonic_time(),
        .restart_age_s = read_restart_age(),
    };
    guint term = g_unix_signal_add(SIGTERM, handle_stop_signal, &program);
    guint interrupt = g_unix_signal_add(SIGINT, handle_stop_signal, &program);
    guint hangup = g_unix_signal_add(SIGHUP, handle_reload_signal, &program);

    set_signals_blocked(FALSE);
    scd_error_register();
    scd_descriptor_reserve_open();
    start_watchdog(&program);
    start_reading_card_list(&program);
    scd_bus_connect_async(program.gate, handle_bus, &program);
    g_main_loop_run(program.loop);

    stop_watchdog(&program);
    scd_descriptor_reserve_close();
    sd_notify(0, program.restart ? "STATUS=Restarting" : "STOPPING=1");
    set_signals_blocked(program.restart);
    g_source_remove(term);
    g_source_remove(interrupt);
    g_source_remove(hangup);
    if (program.restart)
        write_restart_age(&program);
    clear_program(&program);
    *status = program.status;
    return program.restart;
}

/* A unit with several state directories lists the one of the service first. */
static char *
get_state_directory(void)
{
    const char *folders = g_getenv("STATE_DIRECTORY");

    return folders && *folders ? g_strndup(folders, strcspn(folders, ":")) : NULL;
}

static gboolean
parse_options(int argc, char **argv, ProgramOptions *options, GError **error)
{
    const GOptionEntry entries[] = {
        {"card-list", 0, 0, G_OPTION_ARG_FILENAME, &options->card_list,
         "Names of cards by ATR, in the format of pcsc-tools (default: " CARD_LIST ")", "FILE"},
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &options->config_file,
         "Settings, see smartcardd.conf(5) (default: " CONFIG_FILE ")", "FILE"},
        {"call-limit", 0, 0, G_OPTION_ARG_INT, &options->call_limit_s,
         "Restart when libpcsclite does not answer for so long (default: 30)", "SECONDS"},
        {"sysfs", 0, 0, G_OPTION_ARG_FILENAME, &options->sysfs,
         "Where sysfs is mounted (default: " SYSFS ")", "FOLDER"},
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &options->state,
         "Where to keep aliases (default: $STATE_DIRECTORY, which systemd sets)", "FOLDER"},
        {"reload", 0, 0, G_OPTION_ARG_NONE, &options->reload,
         "Make the running service read its settings again", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version and exit", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_set_summary(context, "Smart card readers and cards on the system bus.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, error))
        return FALSE;
    if (argc > 1) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "'%s': no arguments are expected",
                    argv[1]);
        return FALSE;
    }
    if (options->call_limit_s < 1 || options->call_limit_s > CALL_LIMIT_MAX_S) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--call-limit is 1 to %d seconds", CALL_LIMIT_MAX_S);
        return FALSE;
    }
    if (!options->card_list)
        options->card_list = g_strdup(CARD_LIST);
    if (!options->sysfs)
        options->sysfs = g_strdup(SYSFS);
    if (!options->config_file)
        options->config_file = g_strdup(CONFIG_FILE);
    if (!options->state)
        options->state = get_state_directory();
    return TRUE;
}

/*
 * For ExecReload= of the unit: the sandbox allows no other program. Returns when the settings are
 * applied, which a signal would not tell.
 */
static int
reload_service(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
    g_autoptr(GVariant) reply =
        bus ? g_dbus_connection_call_sync(bus, BUS_NAME, ROOT_PATH, BUS_NAME ".Manager", "Reload",
                                          NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL,
                                          &error)
            : NULL;

    if (reply)
        return EXIT_SUCCESS;
    g_dbus_error_strip_remote_error(error);
    g_printerr("smartcardd: cannot reload the settings: %s\n", error->message);
    return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    ProgramOptions options = {.call_limit_s = CALL_LIMIT_S};
    g_auto(GStrv) arguments = g_strdupv(argv);
    g_autoptr(GError) error = NULL;
    int status = EXIT_SUCCESS;
    gboolean has_to_restart = FALSE;

    scd_log_start();
    /* Otherwise each thread has memory of its own to allocate from, and uses little of it. */
    mallopt(M_ARENA_MAX, 1);
    /* libpcsclite then returns an error, instead of waiting, when another program has a
     * transaction. It reads the environment. */
    g_setenv("PCSCLITE_NO_BLOCKING", "1", TRUE);
    if (!parse_options(argc, argv, &options, &error)) {
        g_printerr("smartcardd: %s\n", error->message);
        status = 2;
    } else if (options.version) {
        g_print("smartcardd %s\n", PROJECT_VERSION);
    } else if (options.reload) {
        status = reload_service();
    } else {
        has_to_restart = run_program(&options, &status);
    }
    g_free(options.card_list);
    g_free(options.config_file);
    g_free(options.sysfs);
    g_free(options.state);
    if (has_to_restart)
        execv("/proc/self/exe", arguments);
    return status;
}
