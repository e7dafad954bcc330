/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/service.h"

#include "bus/manager.h"
#include "bus/readers.h"

struct ScdService {
    ScdTree *tree;
    ScdClients *clients;
    ScdAuthority *authority;
    ScdReaders *readers;
    ScdManager *manager;
};

ScdService *
scd_service_new(GDBusConnection *bus, const ScdCardList *card_list, GError **error)
{
    g_autoptr(ScdService) service = g_new0(ScdService, 1);

    service->tree = scd_tree_new(bus, error);
    if (!service->tree)
        return NULL;
    service->clients = scd_clients_new(bus);
    service->authority = scd_authority_new(NULL, NULL);
    service->readers = scd_readers_new(service->tree, card_list);
    service->manager = scd_manager_new(service->tree, service->readers, service->clients,
                                       service->authority, error);
    return service->manager ? g_steal_pointer(&service) : NULL;
}

void
scd_service_free(ScdService *service)
{
    g_clear_pointer(&service->manager, scd_manager_free);
    g_clear_pointer(&service->readers, scd_readers_free);
    g_clear_pointer(&service->authority, scd_authority_free);
    g_clear_pointer(&service->clients, scd_clients_free);
    g_clear_pointer(&service->tree, scd_tree_free);
    g_free(service);
}

void
scd_service_follow(ScdService *service, ScdSnapshot *snapshot)
{
    /* While Available is false there are no readers: true comes first, and false last. */
    if (!snapshot->trouble)
        scd_manager_set_trouble(service->manager, NULL);
    scd_readers_follow(service->readers, snapshot);
    if (snapshot->trouble)
        scd_manager_set_trouble(service->manager, snapshot->trouble);
}
