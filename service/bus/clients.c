/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/clients.h"

#include "base/error.h"
#include "pcsc/main-thread.h"

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

/* Outlives the clients while a call from the gate is on its way to the main thread. */
typedef struct {
    ScdClients *clients; /* NULL once they are freed; main thread only */
} ClientsLink;

struct ScdClients {
    GDBusConnection *bus;
    ScdGate *gate;
    ClientsLink *link;
    GHashTable
        *by_name; /* name, owned by the client → ScdClient, a reference; without those gone */
    guint subscription;
};

typedef enum { CLIENT_QUERIED, CLIENT_KNOWN, CLIENT_GONE } ClientState;

struct ScdClient {
    grefcount references;
    ScdClients *clients; /* valid until it is gone */
    char *name;
    ClientState state;
    guint uid; /* uid and pid: once the client is known */
    guint pid;
    char *unit; /* or NULL */
    gboolean unit_is_set;
    GQueue lookups; /* of ClientLookup, until the client is known */
    GQueue leaves;  /* of ClientLeave, in the order of their calls */
    guint leave_id; /* the last one returned */
};

typedef struct {
    ScdClientFunc func;
    gpointer data;
} ClientLookup;

typedef struct {
    guint id;
    ScdClientLeaveFunc func;
    gpointer data;
} ClientLeave;

/* The queue is empty afterwards, even if the functions add lookups. */
static void
end_lookups(ScdClient *client, const GError *error)
{
    ClientLookup *lookup;

    while ((lookup = g_queue_pop_head(&client->lookups))) {
        lookup->func(error ? NULL : scd_client_ref(client), error, lookup->data);
        g_free(lookup);
    }
}

static void
remove_client(ScdClient *left)
{
    /* The functions may release all other references. */
    g_autoptr(ScdClient) client = scd_client_ref(left);
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_E_CANCELLED, "The client has left the bus");
    ClientLeave *next;

    g_hash_table_remove(client->clients->by_name, client->name);
    scd_client_unref(left);
    scd_gate_forget(client->clients->gate, client->name);
    client->state = CLIENT_GONE;
    end_lookups(client, error);
    while ((next = g_queue_pop_head(&client->leaves))) {
        next->func(next->data);
        g_free(next);
    }
}

static void
handle_name_owner(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                  const char *signal, GVariant *arguments, gpointer data)
{
    ScdClients *clients = data;
    const char *name, *owner;

    if (!g_variant_is_of_type(arguments, G_VARIANT_TYPE("(sss)")))
        return;
    g_variant_get(arguments, "(&s&s&s)", &name, NULL, &owner);

    ScdClient *client = g_hash_table_lookup(clients->by_name, name);
    if (client && !*owner)
        remove_client(client);
}

/* The pending query holds a reference to the client. */
static void
handle_credentials(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(ScdClient) client = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

    if (client->state == CLIENT_GONE)
        return;
    if (!reply) {
        remove_client(client);
        return;
    }
    g_autoptr(GVariant) credentials = g_variant_get_child_value(reply, 0);
    if (!g_variant_lookup(credentials, "UnixUserID", "u", &client->uid)) {
        remove_client(client);
        return;
    }
    g_variant_lookup(credentials, "ProcessID", "u", &client->pid);
    client->state = CLIENT_KNOWN;
    scd_gate_set_user(client->clients->gate, client->name, client->uid);
    end_lookups(client, NULL);
}

static ScdClient *
query_client(ScdClients *clients, const char *unique_name)
{
    ScdClient *client = g_new0(ScdClient, 1);
    g_ref_count_init(&client->references);
    client->clients = clients;
    client->name = g_strdup(unique_name);
    client->state = CLIENT_QUERIED;
    g_hash_table_insert(clients->by_name, client->name, scd_client_ref(client));
    /* An error means that the client has left, so a bus that is slow must not cause one. */
    g_dbus_connection_call(clients->bus, BUS_NAME, BUS_PATH, BUS_NAME, "GetConnectionCredentials",
                           g_variant_new("(s)", unique_name), G_VARIANT_TYPE("(a{sv})"),
                           G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, handle_credentials, client);
    return client;
}

typedef struct {
    ClientsLink *link;
    char *name;
} UnknownSender;

static gboolean
query_sender(gpointer data)
{
    const UnknownSender *sender = data;
    ScdClients *clients = sender->link->clients;

    if (!clients)
        return G_SOURCE_REMOVE;
    const ScdClient *client = g_hash_table_lookup(clients->by_name, sender->name);
    if (!client)
        query_client(clients, sender->name);
    else if (client->state == CLIENT_KNOWN)
        scd_gate_set_user(clients->gate, client->name, client->uid);
    return G_SOURCE_REMOVE;
}

static void
free_sender(gpointer data)
{
    UnknownSender *sender = data;

    g_atomic_rc_box_release(sender->link);
    g_free(sender->name);
    g_free(sender);
}

/* In GDBus's thread, with the gate's lock. */
static void
query_sender_later(const char *name, gpointer data)
{
    ClientsLink *link = data;
    UnknownSender *sender = g_new(UnknownSender, 1);

    *sender = (UnknownSender){g_atomic_rc_box_acquire(link), g_strdup(name)};
    scd_main_thread_invoke(query_sender, sender, free_sender);
}

ScdClients *
scd_clients_new(GDBusConnection *bus, ScdGate *gate)
{
    ScdClients *clients = g_new0(ScdClients, 1);
    clients->bus = g_object_ref(bus);
    clients->gate = gate;
    clients->link = g_atomic_rc_box_new(ClientsLink);
    clients->link->clients = clients;
    scd_gate_on_unknown_sender(gate, query_sender_later, clients->link);
    clients->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    clients->subscription = g_dbus_connection_signal_subscribe(
        bus, BUS_NAME, BUS_NAME, "NameOwnerChanged", BUS_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
        handle_name_owner, clients, NULL);
    return clients;
}

static ScdClient *
get_any_client(ScdClients *clients)
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

    scd_gate_on_unknown_sender(clients->gate, NULL, NULL);
    clients->link->clients = NULL;
    g_atomic_rc_box_release(clients->link);
    g_dbus_connection_signal_unsubscribe(clients->bus, clients->subscription);
    while ((client = get_any_client(clients)))
        remove_client(client);
    g_hash_table_unref(clients->by_name);
    g_object_unref(clients->bus);
    g_free(clients);
}

void
scd_clients_get(ScdClients *clients, const char *unique_name, ScdClientFunc func, gpointer data)
{
    ScdClient *client = g_hash_table_lookup(clients->by_name, unique_name);

    if (client && client->state == CLIENT_KNOWN) {
        func(scd_client_ref(client), NULL, data);
        return;
    }
    if (!client)
        client = query_client(clients, unique_name);
    ClientLookup *lookup = g_new(ClientLookup, 1);
    lookup->func = func;
    lookup->data = data;
    g_queue_push_tail(&client->lookups, lookup);
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
    g_assert(g_queue_is_empty(&client->lookups) && g_queue_is_empty(&client->leaves));
    g_free(client->unit);
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

const char *
scd_client_unit(const ScdClient *client)
{
    return client->unit;
}

void
scd_client_set_unit(ScdClient *client, const char *unit)
{
    g_free(client->unit);
    client->unit = g_strdup(unit);
    client->unit_is_set = TRUE;
}

gboolean
scd_client_unit_is_set(const ScdClient *client)
{
    return client->unit_is_set;
}

gboolean
scd_client_is_gone(const ScdClient *client)
{
    return client->state == CLIENT_GONE;
}

guint
scd_client_on_leave(ScdClient *client, ScdClientLeaveFunc func, gpointer data)
{
    ClientLeave *added = g_new(ClientLeave, 1);

    g_assert(client->state != CLIENT_GONE);
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
        ClientLeave *candidate = item->data;
        if (candidate->id != id)
            continue;
        g_queue_delete_link(&client->leaves, item);
        g_free(candidate);
        return;
    }
}
