/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/service.h"

#include <string.h>

#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "bus/manager.h"
#include "bus/methods.h"
#include "bus/object.h"
#include "scd-interface-info.h"

/* Without an answer of pcscd by then, the service starts without readers. */
#define FIRST_SNAPSHOT_LIMIT_MS 2000

/* The gate is closed when the service is freed, so there are few events. */
#define REST_LIMIT_US (2 * G_USEC_PER_SEC)

/* Limits the number of messages to systemd while cards are inserted and removed quickly. */
#define STATUS_DELAY_MS 100

#define LOG_CONTROL_PATH "/org/freedesktop/LogControl1"

/* In the order in which the parts are made: each one uses some of those above. */
struct ScdService {
    const ScdServiceOptions *options;
    guint first_snapshot_timer; /* until the monitor has reported the first snapshot */
    ScdSettings *settings;
    ScdTree *tree;
    ScdClients *clients;
    ScdAudit *audit;
    ScdAuthorization *authorization;
    ScdCallRegistry *registry;
    ScdWorkers *workers;
    ScdSessions *sessions;
    ScdGoneObjects *gone_objects;
    ScdAliases *aliases;
    ScdReaders *readers;
    ScdMonitor *monitor;
    ScdWaitCalls *wait_calls;
    ScdMethodContext methods;
    ScdThreadCalls *reload;
    ScdUnserved *unserved;
    ScdManager *manager;
    guint status_timer;
    char *trouble; /* why pcscd is not available; NULL while it is */
};

static const char *
get_plural_ending(guint number)
{
    return number == 1 ? "" : "s";
}

/* The line of text that systemctl status shows, such as "2 readers, 1 card, 3 sessions". */
static void
send_status(const ScdService *service)
{
    guint n_sessions = scd_sessions_count(service->sessions);
    guint n_readers, n_cards;

    if (service->trouble) {
        sd_notifyf(0, "STATUS=%s", service->trouble);
        return;
    }
    scd_readers_count(service->readers, &n_readers, &n_cards);
    sd_notifyf(0, "STATUS=%u reader%s, %u card%s, %u session%s", n_readers,
               get_plural_ending(n_readers), n_cards, get_plural_ending(n_cards), n_sessions,
               get_plural_ending(n_sessions));
}

static gboolean
settle(gpointer data)
{
    ScdService *service = data;

    service->status_timer = 0;
    send_status(service);
    if (service->options->card_list)
        scd_card_list_release_pages(service->options->card_list);
    return G_SOURCE_REMOVE;
}

/* The number of readers, cards or sessions may have changed. */
static void
update_status(gpointer data)
{
    ScdService *service = data;

    if (!service->status_timer)
        service->status_timer = g_timeout_add(STATUS_DELAY_MS, settle, service);
}

static void
announce_ready(ScdService *service)
{
    service->options->ready(service->options->data);
}

static gboolean
handle_first_snapshot_timeout(gpointer data)
{
    ScdService *service = data;

    service->first_snapshot_timer = 0;
    g_warning("pcscd does not answer: starting without readers until it does");
    announce_ready(service);
    return G_SOURCE_REMOVE;
}

static void
handle_snapshot(ScdSnapshot *snapshot, gpointer data)
{
    ScdService *service = data;

    /* pcscd has answered, and identifying the readers takes a bounded time. */
    g_clear_handle_id(&service->first_snapshot_timer, g_source_remove);
    scd_readers_apply_snapshot(service->readers, snapshot);
}

static void
handle_readers_enumerated(gpointer data)
{
    ScdService *service = data;
    scd_readers_check_relocation(service->readers);
}

static void
handle_refreshed(gpointer data)
{
    ScdService *service = data;
    scd_wait_calls_refreshed(service->wait_calls);
}

static void
handle_stuck(const char *why, gpointer data)
{
    ScdService *service = data;
    service->options->stuck(why, service->options->data);
}

/*
 * Available is announced before the readers come, and before they go: so a client can tell a pcscd
 * that stopped from a reader that was unplugged and a card that was removed.
 */
static void
handle_changing_readers(const char *trouble, gpointer data)
{
    ScdService *service = data;

    scd_manager_set_trouble(service->manager, trouble);
    if (trouble)
        scd_wait_calls_pcscd_lost(service->wait_calls, trouble);
}

static void
handle_changed_readers(const char *trouble, gpointer data)
{
    ScdService *service = data;

    scd_manager_update_reader_changes(service->manager);
    scd_audit_pcscd(service->audit, trouble);
    g_free(service->trouble);
    service->trouble = g_strdup(trouble);
    update_status(service);
    announce_ready(service);
}

static void
handle_probed(const char *reader, gpointer data)
{
    ScdService *service = data;
    scd_authorization_reader_probed(service->authorization, reader);
}

/* For authorization. There are no readers any more while they are freed. */
static void
probe_reader(const char *reader, gpointer data)
{
    ScdService *service = data;

    if (service->readers)
        scd_readers_probe(service->readers, reader);
}

static void
handle_card_inserted(ScdReader *reader, gpointer data)
{
    ScdService *service = data;
    scd_wait_calls_card_inserted(service->wait_calls, reader);
}

static void
handle_card_removed(const char *card_path, gpointer data)
{
    ScdService *service = data;
    scd_wait_calls_card_removed(service->wait_calls, card_path);
}

static void
handle_reader_renamed(ScdReader *reader, gpointer data)
{
    ScdService *service = data;
    scd_wait_calls_reader_renamed(service->wait_calls, reader);
}

/* There are no readers any more while they are freed. */
static guint
count_readers_with_alias(const ScdAlias *alias, const ScdIdentity *except, gpointer data)
{
    ScdService *service = data;
    return service->readers ? scd_readers_count_named(service->readers, alias, except) : 0;
}

static void
update_aliases(gpointer data)
{
    ScdService *service = data;
    scd_readers_update_aliases(service->readers);
}

static void
check_card_list(const ScdService *service)
{
    if (!service->options->card_list && scd_login_cards_have_names(service->settings->login_cards))
        g_warning("LoginCards has names of cards, but there is no list of cards to find them in: "
                  "install pcsc-tools, or write ATRs");
}

/* The aliases first, because readers that are added get theirs from them. */
static void
apply_settings(ScdSettings *settings, ScdService *service)
{
    const ScdConfig *config = &service->options->settings->config;

    if (memcmp(&settings->config, config, sizeof *config) != 0)
        g_message("Changes in [Limits] and [Transactions] take effect when the service is "
                  "restarted: systemctl restart smartcardd");
    scd_settings_unref(service->settings);
    service->settings = scd_settings_ref(settings);
    check_card_list(service);
    scd_aliases_apply_settings(service->aliases, settings);
    scd_readers_apply_settings(service->readers);
}

static gpointer
read_settings_in_thread(const char *file)
{
    return scd_settings_read(file);
}

static void
free_settings(gpointer settings)
{
    scd_settings_unref(settings);
}

/* If a file cannot be read, a reader that is ignored now would appear without it. */
static GVariant *
finish_reload(gpointer result, gpointer data, GError **error)
{
    ScdSettings *settings = result;

    scd_settings_log_warnings(settings);
    if (settings->unreadable) {
        g_set_error(error, G_DBUS_ERROR, G_DBUS_ERROR_FAILED, "The settings stay as they are: %s",
                    settings->unreadable);
        g_warning("%s", (*error)->message);
        return NULL;
    }
    apply_settings(settings, data);
    g_message("The settings were read again");
    return g_variant_new("()");
}

static GVariant *
get_log_property(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                 const char *name, GError **error, gpointer data)
{
    if (g_str_equal(name, "LogLevel"))
        return g_variant_new_string(scd_log_level());
    if (g_str_equal(name, "LogTarget"))
        return g_variant_new_string(scd_log_target());
    return g_variant_new_string(g_get_prgname()); /* SyslogIdentifier */
}

static gboolean
set_log_property(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                 const char *name, GVariant *value, GError **error, gpointer data)
{
    const char *word = g_variant_get_string(value, NULL);
    gboolean is_level = g_str_equal(name, "LogLevel");
    gboolean known = is_level ? scd_log_set_level(word) : scd_log_set_target(word);

    if (!known)
        g_set_error(error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "Unknown log %s '%s'",
                    is_level ? "level" : "target", word);
    return known;
}

/*
 * The interface org.freedesktop.LogControl1, for systemctl service-log-level and
 * service-log-target. The bus policy allows only root to set its properties. Registered until
 * the connection ends.
 */
static gboolean
register_log_control(GDBusConnection *bus, GError **error)
{
    static const GDBusInterfaceVTable functions = {NULL, get_log_property, set_log_property};

    return g_dbus_connection_register_object(
               bus, LOG_CONTROL_PATH,
               (GDBusInterfaceInfo *)&scd_org_freedesktop_log_control1_interface, &functions, NULL,
               NULL, error) != 0;
}

static ScdReaders *
new_readers(ScdService *service)
{
    static const ScdReadersEvents events = {
        .changing = handle_changing_readers,
        .changed = handle_changed_readers,
        .card_inserted = handle_card_inserted,
        .card_removed = handle_card_removed,
        .reader_renamed = handle_reader_renamed,
        .probed = handle_probed,
    };
    const ScdReadersParts parts = {
        .reader =
            {
                .tree = service->tree,
                .workers = service->workers,
                .card_list = service->options->card_list,
                .settings = &service->settings,
                .reader_interface = &scd_reader_methods,
                .card_interface = &scd_card_methods,
                .context = &service->methods,
            },
        .sysfs = service->options->sysfs,
        .aliases = service->aliases,
        .events = &events,
        .data = service,
    };

    return scd_readers_new(&parts);
}

/* For calls on objects that do not exist. */
static GError *
explain_gone_object(const char *path, const char *sender, gpointer data)
{
    const ScdService *service = data;
    GError *error = NULL;

    if (service->wait_calls && scd_wait_calls_has_lost(service->wait_calls, path))
        return g_error_new(
            SCD_ERROR, SCD_W_REMOVED_CARD,
            "The card %s went when pcscd stopped: use the present object of the card", path);
    if (scd_card_was_used(path))
        return g_error_new(SCD_ERROR, SCD_W_REMOVED_CARD,
                           "The card %s was removed: use the present object of the card", path);
    if (scd_sessions_had(service->sessions, path, sender, &error))
        return error;
    return g_error_new_literal(SCD_ERROR, SCD_UNKNOWN_OBJECT, "There is no such object");
}

static ScdSessions *
new_sessions(ScdService *service, GDBusConnection *bus)
{
    const ScdSessionsParts parts = {
        .bus = bus,
        .authorization = service->authorization,
        .audit = service->audit,
        .workers = service->workers,
        .config = &service->options->settings->config,
        .interface = &scd_session_methods,
        .registry = service->registry,
    };

    return scd_sessions_new(&parts);
}

static ScdMonitor *
new_monitor(ScdService *service, GError **error)
{
    static const ScdMonitorEvents events = {handle_snapshot, handle_readers_enumerated,
                                            handle_refreshed, handle_stuck};

    return scd_monitor_new(&events, service, service->options->call_limit_s, error);
}

static ScdWaitCalls *
new_wait_calls(ScdService *service)
{
    const ScdWaitCallsParts parts = {
        .authorization = service->authorization,
        .audit = service->audit,
        .readers = service->readers,
        .monitor = service->monitor,
        .config = &service->options->settings->config,
        .registry = service->registry,
    };

    return scd_wait_calls_new(&parts);
}

/* The events of the monitor follow from the main loop, when all parts have been made. */
static gboolean
make_parts(ScdService *service, GDBusConnection *bus, ScdGate *gate, GError **error)
{
    static const ScdThreadCallsFuncs reload_funcs = {"settings", read_settings_in_thread,
                                                     free_settings, finish_reload};
    static const ScdAliasesEvents aliases_events = {count_readers_with_alias, update_aliases};
    const ScdServiceOptions *options = service->options;

    service->tree = scd_tree_new(bus, error);
    if (!service->tree || !register_log_control(bus, error))
        return FALSE;
    service->clients = scd_clients_new(bus, gate);
    service->audit = scd_audit_new(bus);
    service->authorization = scd_authorization_new(bus, service->clients, service->audit);
    service->registry = scd_call_registry_new();
    service->workers = scd_workers_new(options->settings->config.idle_limit_s * 1000,
                                       options->settings->config.total_limit_s * 1000);
    service->sessions = new_sessions(service, bus);
    service->gone_objects = scd_gone_objects_new(bus, explain_gone_object, service);
    scd_authorization_set_prober(service->authorization, probe_reader, service);
    service->aliases = scd_aliases_new(service->settings, options->state, &aliases_events, service);
    service->readers = new_readers(service);
    service->monitor = new_monitor(service, error);
    if (!service->monitor)
        return FALSE;
    service->wait_calls = new_wait_calls(service);
    service->methods = (ScdMethodContext){service->sessions, service->authorization,
                                          service->aliases, service->wait_calls};
    scd_sessions_on_change(service->sessions, update_status, service);
    service->reload = scd_thread_calls_new(&reload_funcs, options->settings_file, service);
    service->unserved = scd_unserved_new(&(ScdUnservedParts){
        options->sysfs, service->readers, &service->settings, &service->trouble});
    const ScdManagerParts manager_parts = {
        service->tree,          service->readers,    service->clients,
        service->authorization, service->wait_calls, service->sessions,
        service->registry,      service->reload,     service->unserved};
    service->manager = scd_manager_new(&manager_parts, error);
    return service->manager != NULL;
}

ScdService *
scd_service_new(GDBusConnection *bus, ScdGate *gate, const ScdServiceOptions *options,
                GError **error)
{
    g_autoptr(ScdService) service = g_new0(ScdService, 1);

    service->options = options;
    service->settings = scd_settings_ref(options->settings);
    service->trouble = g_strdup(SCD_MANAGER_FIRST_TROUBLE);
    check_card_list(service);
    if (!make_parts(service, bus, gate, error))
        return NULL;
    service->first_snapshot_timer =
        g_timeout_add(FIRST_SNAPSHOT_LIMIT_MS, handle_first_snapshot_timeout, service);
    return g_steal_pointer(&service);
}

void
scd_service_reload(ScdService *service)
{
    scd_thread_calls_add(service->reload, NULL);
}

/* The workers remain, to reset the cards. */
void
scd_service_stop(ScdService *service)
{
    if (service->sessions)
        scd_sessions_on_change(service->sessions, NULL, NULL);
    if (service->wait_calls)
        scd_wait_calls_end_all(service->wait_calls);
    if (service->sessions)
        scd_sessions_end_all(service->sessions);
}

/* Objects go without a signal, with the bus name: the readers and cards have not been removed. */
static void
free_objects(ScdService *service)
{
    g_clear_pointer(&service->manager, scd_manager_free);
    g_clear_pointer(&service->reload, scd_thread_calls_free);
    g_clear_pointer(&service->unserved, scd_unserved_free);
    g_clear_handle_id(&service->first_snapshot_timer, g_source_remove);
    g_clear_handle_id(&service->status_timer, g_source_remove);
    g_clear_pointer(&service->readers, scd_readers_free);
    g_clear_pointer(&service->aliases, scd_aliases_free);
    if (service->authorization)
        scd_authorization_set_prober(service->authorization, NULL, NULL);
    g_clear_pointer(&service->wait_calls, scd_wait_calls_free);
}

/* A service that is in use until the process exits, by a thread that is stuck or by events: not a
 * leak. */
static ScdService *volatile abandoned;

/* Returns FALSE if events are left after a while. */
static gboolean
dispatch_rest(void)
{
    gint64 end_us = g_get_monotonic_time() + REST_LIMIT_US;

    while (g_main_context_iteration(NULL, FALSE))
        if (g_get_monotonic_time() > end_us)
            return FALSE;
    return TRUE;
}

void
scd_service_free(ScdService *service)
{
    scd_service_stop(service);
    if (service->monitor && !scd_monitor_free(service->monitor))
        g_warning("The monitor thread is stuck in a call of libpcsclite");
    free_objects(service);
    if (service->workers && !scd_workers_stop(service->workers)) {
        g_warning("A worker thread is stuck in a call of libpcsclite");
        abandoned = service;
        return;
    }
    g_clear_pointer(&service->authorization, scd_authorization_free);
    g_clear_pointer(&service->clients, scd_clients_free);
    if (service->audit)
        scd_audit_stop(service->audit);
    /* The last events of workers and bus hold references to the limits of the sessions. */
    if (!dispatch_rest()) {
        g_warning("Events are left when the service stops");
        abandoned = service;
        return;
    }
    g_clear_pointer(&service->gone_objects, scd_gone_objects_free);
    g_clear_pointer(&service->sessions, scd_sessions_free);
    g_clear_pointer(&service->workers, scd_workers_free);
    g_clear_pointer(&service->registry, scd_call_registry_free);
    g_clear_pointer(&service->audit, scd_audit_free);
    g_clear_pointer(&service->tree, scd_tree_free);
    scd_settings_unref(service->settings);
    g_free(service->trouble);
    g_free(service);
}
