/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/clients.h"

#include "base/error.h"

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

struct ScdClients {
    GDBusConnection *bus;
    GHashTable *by_name; /* of those that are not gone; they own the keys; a reference of each */
    guint subscription;
};

typedef enum { ASKED, KNOWN, GONE } State;

struct ScdClient {
    grefcount references;
    ScdClients *clients; /* valid until it is gone */
    char *name;
    State state;
    guint uid; /* once it is known, as is */
    guint pid;
    GQueue askers;  /* of Asker, until it is known */
    GQueue leaves;  /* of Leave, in the order in which they came */
    guint leave_id; /* the last one given */
};

typedef struct {
    ScdClientFunc func;
    gpointer data;
} Asker;

typedef struct {
    guint id;
    ScdClientLeaveFunc func;
    gpointer data;
} Leave;

/* Nobody is left in the queue after this, whatever the functions do. */
static void
answer(ScdClient *client, const GError *error)
{
    Asker *asker;

    while ((asker = g_queue_pop_head(&client->askers))) {
        asker->func(error ? NULL : scd_client_ref(client), error, asker->data);
        g_free(asker);
    }
}

static void
leave(ScdClient *left)
{
    /* The functions may release all others. */
    g_autoptr(ScdClient) client = scd_client_ref(left);
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_E_CANCELLED, "The client has left");
    Leave *next;

    g_hash_table_remove(client->clients->by_name, client->name);
    scd_client_unref(left);
    client->state = GONE;
    answer(client, error);
    while ((next = g_queue_pop_head(&client->leaves))) {
        next->func(next->data);
        g_free(next);
    }
}

static void
name_owner_changed(GDBusConnection *bus, const char *sender, const char *path,
                   const char *interface, const char *signal, GVariant *arguments, gpointer data)
{
    ScdClients *clients = data;
    const char *name, *owner;

    if (!g_variant_is_of_type(arguments, G_VARIANT_TYPE("(sss)")))
        return;
    g_variant_get(arguments, "(&s&s&s)", &name, NULL, &owner);

    ScdClient *client = g_hash_table_lookup(clients->by_name, name);
    if (client && !*owner)
        leave(client);
}

ScdClients *
scd_clients_new(GDBusConnection *bus)
{
    ScdClients *clients = g_new0(ScdClients, 1);
    clients->bus = g_object_ref(bus);
    clients->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    clients->subscription = g_dbus_connection_signal_subscribe(
        bus, BUS_NAME, BUS_NAME, "NameOwnerChanged", BUS_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
        name_owner_changed, clients, NULL);
    return clients;
}

static ScdClient *
any_client(ScdClients *clients)
{
    GHashTableIter iter;
    gpointer client;

    g_hash_table_iter_init(&iter, clients->by_name);
    return g_hash_table_iter_next(&iter, NULL, &client) ? client : NULL;
}

void
scd_clients_free(ScdClients *clients)
{
    ScdClient *client;

    g_dbus_connection_signal_unsubscribe(clients->bus, clients->subscription);
    while ((client = any_client(clients)))
        leave(client);
    g_hash_table_unref(clients->by_name);
    g_object_unref(clients->bus);
    g_free(clients);
}

/* The question holds a reference. */
static void
got_credentials(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(ScdClient) client = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

    if (client->state == GONE)
        return;
    if (!reply) {
        leave(client);
        return;
    }
    g_autoptr(GVariant) credentials = g_variant_get_child_value(reply, 0);
    if (!g_variant_lookup(credentials, "UnixUserID", "u", &client->uid)) {
        leave(client);
        return;
    }
    g_variant_lookup(credentials, "ProcessID", "u", &client->pid);
    client->state = KNOWN;
    answer(client, NULL);
}

static ScdClient *
ask(ScdClients *clients, const char *unique_name)
{
    ScdClient *client = g_new0(ScdClient, 1);
    g_ref_count_init(&client->references);
    client->clients = clients;
    client->name = g_strdup(unique_name);
    client->state = ASKED;
    g_hash_table_insert(clients->by_name, client->name, scd_client_ref(client));
    g_dbus_connection_call(clients->bus, BUS_NAME, BUS_PATH, BUS_NAME, "GetConnectionCredentials",
                           g_variant_new("(s)", unique_name), G_VARIANT_TYPE("(a{sv})"),
                           G_DBUS_CALL_FLAGS_NONE, -1, NULL, got_credentials, client);
    return client;
}

void
scd_clients_get(ScdClients *clients, const char *unique_name, ScdClientFunc func, gpointer data)
{
    ScdClient *client = g_hash_table_lookup(clients->by_name, unique_name);

    if (client && client->state == KNOWN) {
        func(scd_client_ref(client), NULL, data);
        return;
    }
    if (!client)
        client = ask(clients, unique_name);
    Asker *asker = g_new(Asker, 1);
    asker->func = func;
    asker->data = data;
    g_queue_push_tail(&client->askers, asker);
}

ScdClient *
scd_client_ref(ScdClient *client)
{
    g_ref_count_inc(&client->references);
    return client;
}

void
scd_client_unref(ScdClient *client)
{
    if (!g_ref_count_dec(&client->references))
        return;
    g_assert(g_queue_is_empty(&client->askers) && g_queue_is_empty(&client->leaves));
    g_free(client->name);
    g_free(client);
}

const char *
scd_client_name(const ScdClient *client)
{
    return client->name;
}

guint
scd_client_uid(const ScdClient *client)
{
    return client->uid;
}

guint
scd_client_pid(const ScdClient *client)
{
    return client->pid;
}

gboolean
scd_client_is_gone(const ScdClient *client)
{
    return client->state == GONE;
}

guint
scd_client_on_leave(ScdClient *client, ScdClientLeaveFunc func, gpointer data)
{
    Leave *added = g_new(Leave, 1);

    g_assert(client->state != GONE);
    added->id = ++client->leave_id;
    added->func = func;
    added->data = data;
    g_queue_push_tail(&client->leaves, added);
    return added->id;
}

void
scd_client_remove_leave(ScdClient *client, guint id)
{
    for (GList *item = client->leaves.head; item; item = item->next) {
        Leave *candidate = item->data;
        if (candidate->id != id)
            continue;
        g_queue_delete_link(&client->leaves, item);
        g_free(candidate);
        return;
    }
}
