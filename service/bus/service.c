/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/service.h"

#include "bus/admission.h"
#include "bus/audit.h"
#include "bus/log-control.h"
#include "bus/manager.h"
#include "bus/readers.h"
#include "bus/status-text.h"

struct ScdService {
    const ScdServiceOptions *options;
    ScdTree *tree;
    ScdClients *clients;
    ScdAuthority *authority;
    ScdAudit *audit;
    ScdWorkers *workers;
    ScdSessions *sessions;
    ScdWaitCalls *wait_calls;
    ScdReaderTracker *tracker;
    ScdAliases *aliases;
    ScdReaders *readers;
    ScdManager *manager;
    ScdStatusText *status_text;
};

static void
authority_changed(gpointer data)
{
    ScdService *service = data;
    scd_sessions_recheck(service->sessions);
}

static void
show(ScdSnapshot *snapshot, gpointer data)
{
    ScdService *service = data;

    /* While Available is false there are no readers: true comes first, and false last. */
    if (!snapshot->trouble)
        scd_manager_set_trouble(service->manager, NULL);
    scd_readers_apply_snapshot(service->readers, snapshot);
    if (snapshot->trouble)
        scd_manager_set_trouble(service->manager, snapshot->trouble);
    scd_audit_pcscd(service->audit, snapshot->trouble);
    scd_status_text_set_trouble(service->status_text, snapshot->trouble);
    service->options->shown(service->options->data);
}

static void
learn(const char *reader, const ScdIdentity *identity, gpointer data)
{
    ScdService *service = data;
    scd_readers_identify(service->readers, reader, identity);
}

static void
update_status_text(gpointer data)
{
    scd_status_text_changed(data);
}

static guint
count_named(const ScdAlias *alias, gpointer data)
{
    ScdService *service = data;
    return scd_readers_count_named(service->readers, alias);
}

static void
aliases_changed(gpointer data)
{
    ScdService *service = data;
    scd_readers_rename_all(service->readers);
}

static ScdReaders *
new_readers(ScdService *service)
{
    const ScdReadersParts parts = {
        .tree = service->tree,
        .sessions = service->sessions,
        .wait_calls = service->wait_calls,
        .aliases = service->aliases,
        .tracker = service->tracker,
        .card_list = service->options->card_list,
    };

    return scd_readers_new(&parts);
}

ScdService *
scd_service_new(GDBusConnection *bus, const ScdServiceOptions *options, GError **error)
{
    static const ScdReaderTrackerEvents identification_events = {show, learn};
    static const ScdAliasesEvents aliases_events = {count_named, aliases_changed};
    g_autoptr(ScdService) service = g_new0(ScdService, 1);

    service->options = options;
    service->tree = scd_tree_new(bus, error);
    if (!service->tree || !scd_log_control_register(bus, error))
        return NULL;
    service->clients = scd_clients_new(bus);
    service->authority = scd_authority_new(authority_changed, service);
    service->audit = scd_audit_new(bus);
    service->workers = scd_workers_new(options->config->idle_limit_s * 1000);
    const ScdAdmission admission = {service->clients, service->authority, service->audit};
    service->sessions = scd_sessions_new(bus, &admission, service->workers, options->config);
    service->wait_calls = scd_wait_calls_new(service->clients, service->audit, options->config);
    service->tracker = scd_reader_tracker_new(options->sysfs, &identification_events, service);
    service->aliases = scd_aliases_new(options->settings, options->state, &aliases_events, service);
    service->readers = new_readers(service);
    service->status_text = scd_status_text_new(service->readers, service->sessions,
                                               options->status_text, options->data);
    scd_sessions_on_change(service->sessions, update_status_text, service->status_text);
    service->manager = scd_manager_new(service->tree, service->readers, service->clients,
                                       service->authority, service->wait_calls, error);
    return service->manager ? g_steal_pointer(&service) : NULL;
}

void
scd_service_free(ScdService *service)
{
    g_clear_pointer(&service->manager, scd_manager_free);
    if (service->status_text)
        scd_sessions_on_change(service->sessions, NULL, NULL);
    g_clear_pointer(&service->status_text, scd_status_text_free);
    if (service->wait_calls)
        scd_wait_calls_end_all(service->wait_calls);
    /* The cards are reset while there are workers to do it. */
    if (service->sessions)
        scd_sessions_end_all(service->sessions);
    g_clear_pointer(&service->readers, scd_readers_free);
    g_clear_pointer(&service->aliases, scd_aliases_free);
    g_clear_pointer(&service->tracker, scd_reader_tracker_free);
    g_clear_pointer(&service->wait_calls, scd_wait_calls_free);
    if (service->workers && !scd_workers_stop(service->workers)) {
        g_warning("A worker is caught in a call of libpcsclite");
        return;
    }
    g_clear_pointer(&service->authority, scd_authority_free);
    g_clear_pointer(&service->clients, scd_clients_free);
    if (service->audit)
        scd_audit_stop(service->audit);
    /* What the workers and the bus have told us last gives up its hold on the sessions' limits. */
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_clear_pointer(&service->sessions, scd_sessions_free);
    g_clear_pointer(&service->workers, scd_workers_free);
    g_clear_pointer(&service->audit, scd_audit_free);
    g_clear_pointer(&service->tree, scd_tree_free);
    g_free(service);
}

void
scd_service_set_monitor(ScdService *service, ScdMonitor *monitor)
{
    scd_wait_calls_set_monitor(service->wait_calls, monitor);
}

void
scd_service_apply_snapshot(ScdService *service, ScdSnapshot *snapshot)
{
    scd_reader_tracker_apply_snapshot(service->tracker, snapshot);
}

void
scd_service_readers_enumerated(ScdService *service)
{
    scd_reader_tracker_check(service->tracker);
}

void
scd_service_refreshed(ScdService *service)
{
    scd_wait_calls_refreshed(service->wait_calls);
}
