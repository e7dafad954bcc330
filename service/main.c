/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardd: options, the bus name, signals, and what systemd wants to hear.
 *
 * The name is asked for when there is something to show: the first snapshot of
 * the readers, what they are, and the names of cards. So the first answer that anybody gets is
 * complete, and whoever started us through the bus waits for just that.
 */

#include <gio/gio.h>
#include <glib-unix.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/card-list.h"
#include "base/config.h"
#include "base/log.h"
#include "bus/error.h"
#include "bus/service.h"
#include "config.h"
#include "pcsc/main-thread.h"
#include "pcsc/monitor.h"

#define BUS_NAME "org.smartcardd1"
#define SYSFS "/sys"

/* A pcscd that does not answer must not keep us from saying so. */
#define FIRST_SNAPSHOT_LIMIT_MS 2000

/* How old the process must be before it may start itself anew: no loop of restarts. */
#define RESTART_AGE_S 5

/* pcscd may power up a slow reader before it answers. */
#define CALL_LIMIT_S 30
#define CALL_LIMIT_MAX_S 3600

typedef struct {
    char *card_list;
    char *config_file;
    char *sysfs;
    char *state;
    int call_limit_s;
    gboolean version;
} Options;

typedef struct {
    const Options *options;
    ScdConfig config;
    char *settings; /* the folder of the file of settings */
    GMainLoop *loop;
    GDBusConnection *bus;
    GThread *card_list_thread; /* while it reads */
    ScdCardList *card_list;    /* NULL where there is none */
    gboolean card_list_done;
    ScdServiceOptions service_options;
    ScdService *service;
    ScdMonitor *monitor;
    guint name;
    guint first_snapshot_timer; /* source that ends the wait for pcscd's first answer */
    gint64 started;             /* monotonic, microseconds */
    gboolean restart;
    int status;
} Program;

static void
stop(Program *program, int status)
{
    program->status = status;
    g_main_loop_quit(program->loop);
}

static gboolean
stop_signal(gpointer data)
{
    stop(data, EXIT_SUCCESS);
    return G_SOURCE_CONTINUE;
}

static void
name_acquired(GDBusConnection *bus, const char *name, gpointer data)
{
    sd_notify(0, "READY=1");
}

static void
name_lost(GDBusConnection *bus, const char *name, gpointer data)
{
    if (!bus)
        g_printerr("smartcardd: the system bus has gone\n");
    else
        g_printerr("smartcardd: cannot have the bus name %s: another process has it, or the bus "
                   "does not allow it to this user\n",
                   name);
    stop(data, EXIT_FAILURE);
}

static void
own_name(Program *program)
{
    g_clear_handle_id(&program->first_snapshot_timer, g_source_remove);
    if (!program->name)
        program->name = g_bus_own_name_on_connection(program->bus, BUS_NAME,
                                                     G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
                                                     name_acquired, name_lost, program, NULL);
}

static gboolean
first_snapshot_timed_out(gpointer data)
{
    Program *program = data;
    program->first_snapshot_timer = 0;
    g_warning("pcscd does not answer; going on without readers until it does");
    own_name(program);
    return G_SOURCE_REMOVE;
}

static void
snapshot_changed(ScdSnapshot *snapshot, gpointer data)
{
    Program *program = data;

    /* pcscd has answered, and what the readers are will be known soon, whatever it is. */
    g_clear_handle_id(&program->first_snapshot_timer, g_source_remove);
    scd_service_apply_snapshot(program->service, snapshot);
}

static void
service_shown(gpointer data)
{
    own_name(data);
}

static void
monitor_readers_enumerated(gpointer data)
{
    Program *program = data;
    scd_service_readers_enumerated(program->service);
}

static void
monitor_refreshed(gpointer data)
{
    Program *program = data;
    scd_service_refreshed(program->service);
}

static gboolean
restart(gpointer data)
{
    Program *program = data;
    program->restart = TRUE;
    stop(program, EXIT_FAILURE);
    return G_SOURCE_REMOVE;
}

static void
monitor_stuck(const char *why, gpointer data)
{
    Program *program = data;
    gint64 age_s = (g_get_monotonic_time() - program->started) / G_USEC_PER_SEC;

    g_warning("%s: starting anew, which closes all sessions", why);
    if (age_s >= RESTART_AGE_S)
        restart(program);
    else
        g_timeout_add_seconds(RESTART_AGE_S - age_s, restart, program);
}

static void
status_text_changed(const char *text, gpointer data)
{
    sd_notifyf(0, "STATUS=%s", text);
}

static void
start(Program *program)
{
    static const ScdMonitorEvents events = {snapshot_changed, monitor_readers_enumerated,
                                            monitor_refreshed, monitor_stuck};
    g_autoptr(GError) error = NULL;

    program->service_options = (ScdServiceOptions){
        .card_list = program->card_list,
        .config = &program->config,
        .sysfs = program->options->sysfs,
        .settings = program->settings,
        .state = program->options->state,
        .shown = service_shown,
        .status_text = status_text_changed,
        .data = program,
    };
    program->service = scd_service_new(program->bus, &program->service_options, &error);
    if (program->service)
        program->monitor =
            scd_monitor_new(&events, program, program->options->call_limit_s, &error);
    if (!program->monitor) {
        g_printerr("smartcardd: %s\n", error->message);
        stop(program, EXIT_FAILURE);
        return;
    }
    scd_service_set_monitor(program->service, program->monitor);
    program->first_snapshot_timer =
        g_timeout_add(FIRST_SNAPSHOT_LIMIT_MS, first_snapshot_timed_out, program);
}

static void
start_when_ready(Program *program)
{
    if (program->bus && program->card_list_done)
        start(program);
}

static void
got_bus(GObject *source, GAsyncResult *result, gpointer data)
{
    Program *program = data;
    g_autoptr(GError) error = NULL;

    program->bus = g_bus_get_finish(result, &error);
    if (program->bus) {
        /* We hear of its end by the loss of the name. */
        g_dbus_connection_set_exit_on_close(program->bus, FALSE);
        start_when_ready(program);
        return;
    }
    g_printerr("smartcardd: cannot reach the system bus: %s\n", error->message);
    stop(program, EXIT_FAILURE);
}

static gboolean
got_card_list(gpointer data)
{
    Program *program = data;

    program->card_list = g_thread_join(g_steal_pointer(&program->card_list_thread));
    program->card_list_done = TRUE;
    if (!program->card_list)
        g_info("No card list: Names of cards stay empty");
    start_when_ready(program);
    return G_SOURCE_REMOVE;
}

/* The thread returns the list, NULL where there is none. */
static gpointer
read_card_list_in_thread(gpointer data)
{
    Program *program = data;
    g_autoptr(GMappedFile) file = g_mapped_file_new(program->options->card_list, FALSE, NULL);
    g_autoptr(GBytes) text = file ? g_mapped_file_get_bytes(file) : NULL;
    ScdCardList *list = text ? scd_card_list_new(text) : NULL;

    /* It has been read from end to end, and hardly any of it will be again: nothing need stay. */
    if (file)
        madvise(g_mapped_file_get_contents(file), g_mapped_file_get_length(file), MADV_DONTNEED);
    scd_main_thread_invoke(got_card_list, program, NULL);
    return list;
}

/* Before anything runs, so nobody waits for it. A file that is missing is no fault. */
static void
read_config(const char *path, ScdConfig *config)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;

    scd_config_set_defaults(config);
    if (!g_file_get_contents(path, &text, &length, &error)) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            g_warning("All settings are the defaults: %s", error->message);
        return;
    }
    g_auto(GStrv) warnings = scd_config_read(config, text, length);
    for (char **warning = warnings; *warning; warning++)
        g_warning("%s: %s", path, *warning);
}

static gboolean
feed_watchdog(gpointer data)
{
    sd_notify(0, "WATCHDOG=1");
    return G_SOURCE_CONTINUE;
}

static void
start_watchdog(void)
{
    uint64_t interval_us;

    if (sd_watchdog_enabled(0, &interval_us) > 0)
        g_timeout_add(interval_us / 2 / 1000, feed_watchdog, NULL);
}

static void
clear(Program *program)
{
    g_clear_handle_id(&program->first_snapshot_timer, g_source_remove);
    g_clear_handle_id(&program->name, g_bus_unown_name);
    if (program->card_list_thread)
        program->card_list = g_thread_join(program->card_list_thread);
    /* A monitor that is caught in a call ends with the process. */
    if (program->monitor && !scd_monitor_free(program->monitor))
        g_warning("The monitor is caught in a call of libpcsclite");
    g_clear_pointer(&program->service, scd_service_free);
    g_clear_pointer(&program->card_list, scd_card_list_free);
    /* The last replies and signals; nothing else waits for this thread any more. */
    if (program->bus)
        g_dbus_connection_flush_sync(program->bus, NULL, NULL);
    g_clear_object(&program->bus);
    g_free(program->settings);
    g_main_loop_unref(program->loop);
}

/* TRUE when the service wants to be started anew. */
static gboolean
run(const Options *options, int *status)
{
    Program program = {
        .options = options,
        .settings = g_path_get_dirname(options->config_file),
        .loop = g_main_loop_new(NULL, FALSE),
        .started = g_get_monotonic_time(),
    };
    guint term = g_unix_signal_add(SIGTERM, stop_signal, &program);
    guint interrupt = g_unix_signal_add(SIGINT, stop_signal, &program);

    read_config(options->config_file, &program.config);
    scd_error_register();
    start_watchdog();
    program.card_list_thread = g_thread_new("card-list", read_card_list_in_thread, &program);
    g_bus_get(G_BUS_TYPE_SYSTEM, NULL, got_bus, &program);
    g_main_loop_run(program.loop);

    sd_notify(0, program.restart ? "STATUS=Starting anew" : "STOPPING=1");
    g_source_remove(term);
    g_source_remove(interrupt);
    clear(&program);
    *status = program.status;
    return program.restart;
}

/* systemd may give several; a unit that does has ours first. */
static char *
get_state_directory(void)
{
    const char *folders = g_getenv("STATE_DIRECTORY");

    return folders && *folders ? g_strndup(folders, strcspn(folders, ":")) : NULL;
}

static gboolean
parse_options(int argc, char **argv, Options *options, GError **error)
{
    const GOptionEntry entries[] = {
        {"card-list", 0, 0, G_OPTION_ARG_FILENAME, &options->card_list,
         "Names of cards by ATR, in the format of pcsc-tools (default: " CARD_LIST ")", "FILE"},
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &options->config_file,
         "Settings, see smartcardd.conf(5) (default: " CONFIG_FILE ")", "FILE"},
        {"call-limit", 0, 0, G_OPTION_ARG_INT, &options->call_limit_s,
         "Start anew when libpcsclite does not answer for so long (default: 30)", "SECONDS"},
        {"sysfs", 0, 0, G_OPTION_ARG_FILENAME, &options->sysfs,
         "Where the kernel tells of USB devices (default: " SYSFS ")", "FOLDER"},
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &options->state,
         "Where to keep aliases (default: $STATE_DIRECTORY, which systemd sets)", "FOLDER"},
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

int
main(int argc, char **argv)
{
    Options options = {.call_limit_s = CALL_LIMIT_S};
    g_auto(GStrv) arguments = g_strdupv(argv);
    g_autoptr(GError) error = NULL;
    int status = EXIT_SUCCESS;
    gboolean start_anew = FALSE;

    scd_log_start();
    /* Read by libpcsclite: what another program's transaction holds up is to say so, not to sleep.
     */
    g_setenv("PCSCLITE_NO_BLOCKING", "1", TRUE);
    if (!parse_options(argc, argv, &options, &error)) {
        g_printerr("smartcardd: %s\n", error->message);
        status = 2;
    } else if (options.version) {
        g_print("smartcardd %s\n", PROJECT_VERSION);
    } else {
        start_anew = run(&options, &status);
    }
    g_free(options.card_list);
    g_free(options.config_file);
    g_free(options.sysfs);
    g_free(options.state);
    if (start_anew)
        execv("/proc/self/exe", arguments);
    return status;
}
