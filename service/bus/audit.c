/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/audit.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/limit.h"
#include "base/usb-device.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"

/* systemd replies in much less time, unless it is overloaded. */
#define UNIT_TIMEOUT_MS 2000

/*
 * dbus-daemon allows 128 pending calls of a connection, and polkit needs most of them. A call is
 * pending until systemd replies, however long the messages have waited.
 */
#define UNIT_QUERIES_MAX 8

/* For each user, each kind of event and each reader, so that none hides another. */
#define MESSAGES_MAX 60
#define WINDOW_S 60

struct ScdAudit {
    GDBusConnection *bus;
    GCancellable *stopped; /* cancels the queries */
    GPtrArray *queries;    /* of UnitQuery: those that are pending on the bus */
    ScdRateLimit *rate_limit;
    GArray *left_out;     /* of LeftOut */
    guint left_out_timer; /* while there are any */
    gboolean pcscd_known; /* the first state was reported */
    char *pcscd_trouble;  /* why pcscd is not available; NULL: it is */
};

typedef struct {
    const char *id; /* MESSAGE_ID, as in data/smartcardd.catalog */
    GLogLevelFlags level;
    const char *priority; /* the level, as the journal writes it */
} AuditMessage;

static const AuditMessage messages[] = {
    [SCD_AUDIT_OPENED] = {"b32b14329c5e4241b8b4b35602adbcfe", G_LOG_LEVEL_INFO, "6"},
    [SCD_AUDIT_REFUSED] = {"65a4b809feaa4533ac71efd73cc04d8e", G_LOG_LEVEL_MESSAGE, "5"},
    [SCD_AUDIT_REVOKED] = {"069ce482ef6346659b69c176d23b665f", G_LOG_LEVEL_MESSAGE, "5"},
    [SCD_AUDIT_LIMIT] = {"34b829fcea15422a97dd22bdd1c585c6", G_LOG_LEVEL_MESSAGE, "5"},
    [SCD_AUDIT_TAKEN] = {"ad66bcc26f324d58bf4c70b6fb49c72a", G_LOG_LEVEL_MESSAGE, "5"},
};

static const AuditMessage left_out = {"3f6a9d0c5b1e4c0e8a7d2f94c6e1b853", G_LOG_LEVEL_MESSAGE, "5"};

/* In the order of ScdAuditEvent. */
static const char *const kinds[] = {"opened sessions", "refused calls", "revoked sessions",
                                    "reached limits", "ended transactions"};

static const AuditMessage pcscd_lost = {"059ed11ac0c7416eb70ed4d1c537ee43", G_LOG_LEVEL_WARNING,
                                        "4"};
static const AuditMessage pcscd_back = {"7f1f8c92c252452dafc194f8be84acfe", G_LOG_LEVEL_MESSAGE,
                                        "5"};

/* Messages that were dropped. */
typedef struct {
    guint uid;
    ScdAuditEvent event;
    guint count;
} LeftOut;

/* An event, with the data from the time when it occurred. */
typedef struct {
    ScdAuditEvent event;
    guint uid;
    guint pid; /* 0 if the bus does not know it */
    GList link;
    char *reader;
    char *usb_path;
    char *detail;
    gboolean last; /* further messages of this kind are dropped for now */
} AuditEntry;

static void
free_entry(AuditEntry *entry)
{
    g_free(entry->reader);
    g_free(entry->usb_path);
    g_free(entry->detail);
    g_free(entry);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AuditEntry, free_entry)

/* values: pairs of name and value, the last name is NULL. Empty values are not written. */
static void
write_fields(const AuditMessage *kind, const char *message, const char *const (*values)[2])
{
    GArray *fields = g_array_new(FALSE, FALSE, sizeof(GLogField));
    const GLogField first[] = {
        {"MESSAGE", message, -1},
        {"MESSAGE_ID", kind->id, -1},
        {"PRIORITY", kind->priority, -1},
        {"GLIB_DOMAIN", "smartcardd", -1},
    };

    g_array_append_vals(fields, first, G_N_ELEMENTS(first));
    for (; (*values)[0]; values++) {
        const GLogField field = {(*values)[0], (*values)[1], -1};
        if (field.value && *(const char *)field.value)
            g_array_append_val(fields, field);
    }
    g_log_structured_array(kind->level, (GLogField *)fields->data, fields->len);
    g_array_unref(fields);
}

static char *
describe_client(const AuditEntry *entry, const char *unit)
{
    if (!entry->pid)
        return g_strdup_printf("A program of user %u", entry->uid);
    if (!unit)
        return g_strdup_printf("Process %u of user %u", entry->pid, entry->uid);
    return g_strdup_printf("Process %u of user %u (%s)", entry->pid, entry->uid, unit);
}

static char *
describe_reader(const AuditEntry *entry)
{
    if (!entry->usb_path || !*entry->usb_path)
        return g_strdup_printf("reader '%s'", entry->reader);
    return g_strdup_printf("reader '%s' (USB port %s)", entry->reader, entry->usb_path);
}

static char *
describe_event(const AuditEntry *entry, const char *unit)
{
    g_autofree char *client = describe_client(entry, unit);
    g_autofree char *reader = entry->reader ? describe_reader(entry) : NULL;

    switch (entry->event) {
    case SCD_AUDIT_OPENED:
        return g_strdup_printf("%s uses %s", client, reader);
    case SCD_AUDIT_REFUSED:
        return g_strdup_printf("%s was refused %s (polkit action %s)", client, reader,
                               entry->detail);
    case SCD_AUDIT_REVOKED:
        return g_strdup_printf("%s is no longer authorized to use %s", client, reader);
    case SCD_AUDIT_LIMIT:
        return g_strdup_printf("%s has reached a limit: %s", client, entry->detail);
    case SCD_AUDIT_TAKEN:
        return g_strdup_printf("%s kept other programs from the card in %s for too long: its "
                               "transaction was ended, and the card was reset",
                               client, reader);
    }
    g_assert_not_reached();
}

static void
write_entry(const AuditEntry *entry, const char *unit)
{
    g_autofree char *uid = g_strdup_printf("%u", entry->uid);
    g_autofree char *pid = entry->pid ? g_strdup_printf("%u", entry->pid) : NULL;
    g_autofree char *described = describe_event(entry, unit);
    g_autofree char *message = g_strconcat(
        described,
        entry->last ? "; further messages of this kind are dropped for a minute, and counted" : "",
        NULL);
    const char *const values[][2] = {
        {"READER", entry->reader},
        {"USB_PATH", entry->usb_path},
        {"CLIENT_UID", uid},
        {"CLIENT_PID", pid},
        {"CLIENT_UNIT", unit},
        {"ACTION", entry->event == SCD_AUDIT_REFUSED ? entry->detail : NULL},
        {NULL, NULL},
    };

    write_fields(&messages[entry->event], message, values);
}

/* The query for the unit of a client, from the call until systemd replies. */
typedef struct {
    ScdAudit *audit;
    ScdClient *client; /* a reference */
    GQueue waiting;    /* of AuditEntry, by its link: those that are written when it ends */
    guint timer;       /* 0 when they have been written */
} UnitQuery;

static void
write_waiting(UnitQuery *query)
{
    AuditEntry *entry;

    g_clear_handle_id(&query->timer, g_source_remove);
    while ((entry = g_queue_peek_head(&query->waiting))) {
        g_queue_unlink(&query->waiting, &entry->link);
        write_entry(entry, scd_client_unit(query->client));
        free_entry(entry);
    }
}

static gboolean
handle_unit_timeout(gpointer data)
{
    UnitQuery *query = data;

    query->timer = 0;
    write_waiting(query);
    return G_SOURCE_REMOVE;
}

/* An error means that there is no systemd, or that the process has ended: no unit is logged. */
static void
handle_unit(GObject *source, GAsyncResult *result, gpointer data)
{
    UnitQuery *query = data;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);
    g_autofree char *unit = NULL;
    char *name = NULL;

    if (reply) {
        const char *path;
        g_variant_get(reply, "(&o)", &path);
        if (sd_bus_path_decode(path, SYSTEMD_PATH "/unit", &name) > 0)
            unit = scd_device_text_clean(name, strlen(name));
        free(name);
    }
    scd_client_set_unit(query->client, unit);
    write_waiting(query);
    g_ptr_array_remove_fast(query->audit->queries, query);
    scd_client_unref(query->client);
    g_free(query);
}

static UnitQuery *
find_query(const ScdAudit *audit, const ScdClient *client)
{
    for (guint i = 0; i < audit->queries->len; i++) {
        UnitQuery *query = audit->queries->pdata[i];
        if (query->client == client)
            return query;
    }
    return NULL;
}

static UnitQuery *
query_unit(ScdAudit *audit, ScdClient *client)
{
    UnitQuery *query = g_new0(UnitQuery, 1);

    query->audit = audit;
    query->client = scd_client_ref(client);
    query->timer = g_timeout_add(UNIT_TIMEOUT_MS, handle_unit_timeout, query);
    g_ptr_array_add(audit->queries, query);
    g_dbus_connection_call(audit->bus, SYSTEMD, SYSTEMD_PATH, SYSTEMD ".Manager", "GetUnitByPID",
                           g_variant_new("(u)", scd_client_pid(client)), G_VARIANT_TYPE("(o)"),
                           G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT, audit->stopped, handle_unit,
                           query);
    return query;
}

/* Returns the query that the entry has to wait for; NULL if it is to be written now. */
static UnitQuery *
get_query(ScdAudit *audit, ScdClient *client)
{
    /* Without a PID, systemd would return the unit of the service itself. */
    if (scd_client_pid(client) == 0 || scd_client_unit_is_set(client))
        return NULL;
    UnitQuery *query = find_query(audit, client);
    if (!query && audit->queries->len < UNIT_QUERIES_MAX)
        query = query_unit(audit, client);
    return query && query->timer ? query : NULL;
}

ScdAudit *
scd_audit_new(GDBusConnection *bus)
{
    ScdAudit *audit = g_new0(ScdAudit, 1);

    audit->bus = g_object_ref(bus);
    audit->stopped = g_cancellable_new();
    audit->queries = g_ptr_array_new();
    audit->rate_limit = scd_rate_limit_new(MESSAGES_MAX, WINDOW_S * G_USEC_PER_SEC);
    audit->left_out = g_array_new(FALSE, FALSE, sizeof(LeftOut));
    return audit;
}

static void
write_left_out(const LeftOut *entry)
{
    g_autofree char *uid = g_strdup_printf("%u", entry->uid);
    g_autofree char *count = g_strdup_printf("%u", entry->count);
    g_autofree char *message = g_strdup_printf("%u messages about user %u were dropped: %s",
                                               entry->count, entry->uid, kinds[entry->event]);
    const char *const values[][2] = {{"CLIENT_UID", uid}, {"DROPPED", count}, {NULL, NULL}};

    write_fields(&left_out, message, values);
}

static gboolean
write_all_left_out(gpointer data)
{
    ScdAudit *audit = data;

    for (guint i = 0; i < audit->left_out->len; i++)
        write_left_out(&g_array_index(audit->left_out, LeftOut, i));
    g_array_set_size(audit->left_out, 0);
    audit->left_out_timer = 0;
    return G_SOURCE_REMOVE;
}

static void
count_left_out(ScdAudit *audit, guint uid, ScdAuditEvent event)
{
    const LeftOut first = {uid, event, 1};

    if (!audit->left_out_timer)
        audit->left_out_timer = g_timeout_add_seconds(WINDOW_S, write_all_left_out, audit);
    for (guint i = 0; i < audit->left_out->len; i++) {
        LeftOut *entry = &g_array_index(audit->left_out, LeftOut, i);
        if (entry->uid == uid && entry->event == event) {
            entry->count++;
            return;
        }
    }
    g_array_append_val(audit->left_out, first);
}

void
scd_audit_stop(ScdAudit *audit)
{
    g_cancellable_cancel(audit->stopped);
    g_clear_handle_id(&audit->left_out_timer, g_source_remove);
    write_all_left_out(audit);
}

void
scd_audit_free(ScdAudit *audit)
{
    g_assert(audit->queries->len == 0);
    g_ptr_array_unref(audit->queries);
    g_object_unref(audit->stopped);
    g_object_unref(audit->bus);
    scd_rate_limit_free(audit->rate_limit);
    g_clear_handle_id(&audit->left_out_timer, g_source_remove);
    g_array_unref(audit->left_out);
    g_free(audit->pcscd_trouble);
    g_free(audit);
}

static AuditEntry *
new_entry(ScdAuditEvent event, const ScdClient *client, const ScdReader *reader, const char *detail)
{
    AuditEntry *entry = g_new0(AuditEntry, 1);

    entry->event = event;
    entry->link.data = entry;
    entry->uid = scd_client_uid(client);
    entry->pid = scd_client_pid(client);
    if (reader) {
        entry->reader = g_strdup(scd_reader_name(reader));
        entry->usb_path = g_strdup(scd_reader_usb_path(reader));
    }
    entry->detail = g_strdup(detail);
    return entry;
}

void
scd_audit_client(ScdAudit *audit, ScdAuditEvent event, ScdClient *client, const ScdReader *reader,
                 const char *detail)
{
    guint uid = scd_client_uid(client);
    g_autofree char *subject =
        g_strdup_printf("%u %u %s", uid, event, reader ? scd_reader_name(reader) : "");
    ScdRateLimitState left =
        scd_rate_limit_spend(audit->rate_limit, subject, g_get_monotonic_time());
    if (left == SCD_RATE_LIMIT_SPENT) {
        count_left_out(audit, uid, event);
        return;
    }

    g_autoptr(AuditEntry) entry = new_entry(event, client, reader, detail);
    entry->last = left == SCD_RATE_LIMIT_LAST;
    UnitQuery *query = get_query(audit, client);
    if (query)
        g_queue_push_tail_link(&query->waiting, &g_steal_pointer(&entry)->link);
    else
        write_entry(entry, scd_client_unit(client));
}

void
scd_audit_pcscd(ScdAudit *audit, const char *trouble)
{
    const char *const none[][2] = {{NULL, NULL}};
    gboolean first = !audit->pcscd_known;

    if (!first && g_strcmp0(trouble, audit->pcscd_trouble) == 0)
        return;
    audit->pcscd_known = TRUE;
    g_free(audit->pcscd_trouble);
    audit->pcscd_trouble = g_strdup(trouble);
    if (trouble) {
        g_autofree char *message = g_strdup_printf("pcscd: %s", trouble);
        write_fields(&pcscd_lost, message, none);
    } else if (!first) {
        write_fields(&pcscd_back, "pcscd: can be reached again", none);
    }
}
