/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/gate.h"

#include <string.h>

#include "base/reader-name.h"

#define KIB 1024u
#define MIB (1024u * KIB)

#define PREFIX "org.smartcardd1."
#define ROOT "/org/smartcardd1"

/*
 * The limits are not settings: they follow from the arguments of the methods, and from MemoryMax=
 * of the unit, which a unit test compares with their sum.
 */

/* The longest path of the tree is that of a reader: each byte of its name may be an escape. */
#define PATH_MAX_LENGTH (32 + 4 * SCD_READER_NAME_MAX_LENGTH)

/* Arguments beside commands and data: option keys, words, selectors, an ATR and its mask. */
#define BODY_MAX (4 * KIB)

/* Commands of 4 MiB; a few more are refused with a better message by the method itself. */
#define TRANSMIT_MANY_BODY_MAX (4 * MIB + 256 * KIB)

/* TransmitMany takes 1,024 commands; the rest is for options. */
#define VALUES_MAX (1024 + 512)

/* Signals and replies come from the bus, polkit, systemd, logind. */
#define OTHER_BODY_MAX (256 * KIB)
#define OTHER_VALUES_MAX (8 * KIB)

/* Programs may send calls without waiting for replies. By default, dbus-daemon allows 128. */
#define SENDER_CALLS_MAX 1024
#define USER_CALLS_MAX 2048
#define ALL_CALLS_MAX 8192

/* The longest call (TransmitManyHex) takes about 13 MiB; with the pool, a user has 16 MiB. */
#define USER_BYTES_MAX (14 * MIB)
#define ALL_BYTES_MAX (80 * MIB)

/* For all senders whose user is not known yet. The bus takes about a millisecond to report it. */
#define POOL_BYTES_MAX (2 * MIB)

/* Bytes that GDBus and the service allocate for a call, and for each value in it; measured. */
#define CALL_COST (2 * KIB)
#define VALUE_COST 96

typedef struct {
    const char *method; /* interface and member, without the prefix */
    gsize body_max;
    guint percent; /* of the body that is held at once: GDBus's copy and the job's */
} GateBodyLimit;

static const GateBodyLimit body_limits[] = {
    {"Session.Transmit", 65544 + BODY_MAX, 200},
    {"Session.TransmitMany", TRANSMIT_MANY_BODY_MAX, 200},
    {"Session.Control", 65548 + BODY_MAX, 200},
    {"Card.Transmit", 65544 + BODY_MAX, 200},
    {"Card.TransmitMany", TRANSMIT_MANY_BODY_MAX, 200},
    {"Card.TransmitHex", 2 * 65544 + BODY_MAX, 150},
    {"Card.TransmitManyHex", 8 * MIB + 8 * KIB + BODY_MAX, 150},
    {"Reader.Control", 65548 + BODY_MAX, 200},
};

#define MESSAGE_MAX (2 * TRANSMIT_MANY_BODY_MAX + 2 * KIB)

static const ScdGateError too_large = {
    "org.freedesktop.DBus.Error.LimitsExceeded",
    "The call is too large: the manual page org.smartcardd1(5) has the limits of each method"};
static const ScdGateError with_descriptors = {"org.freedesktop.DBus.Error.InvalidArgs",
                                              "No method takes file descriptors"};
static const ScdGateError no_object = {"org.freedesktop.DBus.Error.UnknownObject",
                                       "There is no such object"};
static const ScdGateError malformed = {
    "org.freedesktop.DBus.Error.InvalidArgs",
    "The arguments are malformed, or more than any method takes"};
static const ScdGateError too_many = {
    "org.freedesktop.DBus.Error.LimitsExceeded",
    "Too many calls of this user wait for their replies: wait for some of them first"};

/* The calls of a user, or of the pool, that wait for their replies, and the bytes that they take.
 */
typedef struct {
    guint calls;
    gsize bytes;
} GateUsage;

typedef struct {
    guint senders; /* that hold it; freed with the last of them */
    GateUsage usage;
} GateUser;

typedef struct {
    char *name;
    GateUser *user; /* NULL while it is not known: charged to the pool */
    guint32 uid;
    gboolean asked; /* the user is being looked up */
    gboolean gone;
    GateUsage usage;
    GHashTable *calls; /* serial → GateCall */
} GateSender;

/* One call that waits for its reply. Owned by its sender's table. */
typedef struct {
    guint32 serial;
    gboolean no_reply;
    gsize bytes;
} GateCall;

struct ScdGate {
    gatomicrefcount references;
    GMutex lock;
    ScdGateUnknownSenderFunc unknown_sender; /* or NULL */
    gpointer data;
    GHashTable *senders; /* name → GateSender; a sender that left stays until its last reply */
    GHashTable *users;   /* uid → GateUser */
    GateUsage pool;
    GateUsage all;
};

static void
charge_usage(GateUsage *usage, gsize bytes)
{
    usage->calls++;
    usage->bytes += bytes;
}

static void
release_usage(GateUsage *usage, gsize bytes)
{
    g_assert(usage->calls > 0 && usage->bytes >= bytes);
    usage->calls--;
    usage->bytes -= bytes;
}

static gboolean
has_room(const GateUsage *usage, guint calls_max, gsize bytes_max, gsize bytes)
{
    return usage->calls < calls_max && bytes_max - MIN(usage->bytes, bytes_max) >= bytes;
}

static GateUsage *
usage_of_owner(ScdGate *gate, GateSender *sender)
{
    return sender->user ? &sender->user->usage : &gate->pool;
}

static void
release_user_locked(ScdGate *gate, GateSender *sender)
{
    GateUser *user = g_steal_pointer(&sender->user);

    if (user && --user->senders == 0)
        g_hash_table_remove(gate->users, GUINT_TO_POINTER(sender->uid));
}

static void
free_sender(gpointer data)
{
    GateSender *sender = data;

    g_hash_table_unref(sender->calls);
    g_free(sender->name);
    g_free(sender);
}

ScdGate *
scd_gate_new(void)
{
    ScdGate *gate = g_new0(ScdGate, 1);

    g_atomic_ref_count_init(&gate->references);
    g_mutex_init(&gate->lock);
    gate->senders = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_sender);
    gate->users = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return gate;
}

ScdGate *
scd_gate_ref(ScdGate *gate)
{
    g_atomic_ref_count_inc(&gate->references);
    return gate;
}

void
scd_gate_unref(ScdGate *gate)
{
    if (!g_atomic_ref_count_dec(&gate->references))
        return;
    g_hash_table_unref(gate->senders);
    g_hash_table_unref(gate->users);
    g_mutex_clear(&gate->lock);
    g_free(gate);
}

void
scd_gate_on_unknown_sender(ScdGate *gate, ScdGateUnknownSenderFunc func, gpointer data)
{
    g_mutex_lock(&gate->lock);
    gate->unknown_sender = func;
    gate->data = data;
    g_mutex_unlock(&gate->lock);
}

gsize
scd_gate_message_max(void)
{
    return MESSAGE_MAX;
}

gsize
scd_gate_user_bytes_max(void)
{
    return USER_BYTES_MAX + POOL_BYTES_MAX;
}

gsize
scd_gate_all_bytes_max(void)
{
    return ALL_BYTES_MAX;
}

static const GateBodyLimit *
find_body_limit(const ScdDbusHeader *header)
{
    static const GateBodyLimit other = {NULL, BODY_MAX, 200};
    const char *interface = header->interface;

    if (!interface || !header->member || !g_str_has_prefix(interface, PREFIX))
        return &other;
    interface += strlen(PREFIX);
    gsize length = strlen(interface);
    for (gsize i = 0; i < G_N_ELEMENTS(body_limits); i++) {
        const char *method = body_limits[i].method;
        if (strncmp(method, interface, length) == 0 && method[length] == '.' &&
            g_str_equal(method + length + 1, header->member))
            return &body_limits[i];
    }
    return &other;
}

static ScdGateVerdict
refuse_with(const ScdGateError *reason, ScdGateError *error)
{
    *error = *reason;
    return SCD_GATE_REFUSE;
}

/* Returns whether there may be an object at the path: the tree has three branches, one level deep.
 */
static gboolean
is_path_of_tree(const char *path)
{
    static const char *const inner[] = {"/", "/org", "/org/freedesktop",
                                        "/org/freedesktop/LogControl1", ROOT};
    static const char *const branches[] = {ROOT "/readers", ROOT "/cards", ROOT "/sessions"};

    for (gsize i = 0; i < G_N_ELEMENTS(inner); i++)
        if (g_str_equal(path, inner[i]))
            return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(branches); i++) {
        gsize length = strlen(branches[i]);
        if (g_str_has_prefix(path, branches[i]) &&
            (path[length] == '\0' || (path[length] == '/' && !strchr(path + length + 1, '/'))))
            return TRUE;
    }
    return FALSE;
}

ScdGateVerdict
scd_gate_check_header(const ScdDbusHeader *header, gsize length, ScdGateError *error)
{
    if (header->type != SCD_DBUS_METHOD_CALL)
        return header->body_length <= OTHER_BODY_MAX ? SCD_GATE_PASS : SCD_GATE_DROP;
    if (!header->sender || !header->path || !header->member)
        return SCD_GATE_DROP;
    if (header->unix_fds > 0)
        return refuse_with(&with_descriptors, error);
    if (strlen(header->path) > PATH_MAX_LENGTH || !is_path_of_tree(header->path))
        return refuse_with(&no_object, error);
    if (length > MESSAGE_MAX || header->body_length > find_body_limit(header)->body_max)
        return refuse_with(&too_large, error);
    return SCD_GATE_PASS;
}

static GateSender *
ensure_sender_locked(ScdGate *gate, const char *name)
{
    GateSender *sender = g_hash_table_lookup(gate->senders, name);

    if (!sender) {
        sender = g_new0(GateSender, 1);
        sender->name = g_strdup(name);
        sender->calls = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        g_hash_table_insert(gate->senders, sender->name, sender);
    }
    return sender;
}

static gboolean
may_charge_locked(ScdGate *gate, GateSender *sender, gsize bytes)
{
    if (sender->usage.calls >= SENDER_CALLS_MAX ||
        !has_room(&gate->all, ALL_CALLS_MAX, ALL_BYTES_MAX, bytes))
        return FALSE;
    return has_room(usage_of_owner(gate, sender), USER_CALLS_MAX,
                    sender->user ? USER_BYTES_MAX : POOL_BYTES_MAX, bytes);
}

/* A serial that is used again while its call is open is the sender's mistake. */
static gboolean
charge_call_locked(ScdGate *gate, GateSender *sender, const ScdDbusHeader *header, gsize bytes)
{
    if (g_hash_table_contains(sender->calls, GUINT_TO_POINTER(header->serial)) ||
        !may_charge_locked(gate, sender, bytes))
        return FALSE;
    GateCall *call = g_new(GateCall, 1);
    *call =
        (GateCall){header->serial, (header->flags & SCD_DBUS_FLAG_NO_REPLY_EXPECTED) != 0, bytes};
    g_hash_table_insert(sender->calls, GUINT_TO_POINTER(header->serial), call);
    charge_usage(&sender->usage, bytes);
    charge_usage(usage_of_owner(gate, sender), bytes);
    charge_usage(&gate->all, bytes);
    return TRUE;
}

static ScdGateVerdict
admit_call(ScdGate *gate, const ScdDbusHeader *header, gsize bytes, ScdGateError *error)
{
    g_mutex_lock(&gate->lock);
    GateSender *sender = ensure_sender_locked(gate, header->sender);
    if (!sender->user && !sender->asked && gate->unknown_sender) {
        sender->asked = TRUE;
        gate->unknown_sender(sender->name, gate->data);
    }
    gboolean charged = charge_call_locked(gate, sender, header, bytes);
    g_mutex_unlock(&gate->lock);
    return charged ? SCD_GATE_PASS : refuse_with(&too_many, error);
}

ScdGateVerdict
scd_gate_admit(ScdGate *gate, const ScdDbusHeader *header, const guint8 *body, ScdGateError *error)
{
    gboolean is_call = header->type == SCD_DBUS_METHOD_CALL;
    gsize values;

    if (!scd_dbus_count_values(header, body, is_call ? VALUES_MAX : OTHER_VALUES_MAX, &values))
        return is_call ? refuse_with(&malformed, error) : SCD_GATE_DROP;
    if (!is_call)
        return SCD_GATE_PASS;
    gsize held = (gsize)header->body_length * find_body_limit(header)->percent / 100;
    return admit_call(gate, header, CALL_COST + held + values * VALUE_COST, error);
}

static void
free_sender_if_over_locked(ScdGate *gate, GateSender *sender)
{
    if (!sender->gone || sender->usage.calls > 0)
        return;
    release_user_locked(gate, sender);
    g_hash_table_remove(gate->senders, sender->name);
}

ScdGateVerdict
scd_gate_reply(ScdGate *gate, const char *destination, guint32 reply_serial)
{
    ScdGateVerdict verdict = SCD_GATE_PASS;

    g_mutex_lock(&gate->lock);
    GateSender *sender = g_hash_table_lookup(gate->senders, destination);
    const GateCall *call =
        sender ? g_hash_table_lookup(sender->calls, GUINT_TO_POINTER(reply_serial)) : NULL;
    if (call) {
        verdict = call->no_reply ? SCD_GATE_DROP : SCD_GATE_PASS;
        release_usage(&sender->usage, call->bytes);
        release_usage(usage_of_owner(gate, sender), call->bytes);
        release_usage(&gate->all, call->bytes);
        g_hash_table_remove(sender->calls, GUINT_TO_POINTER(reply_serial));
        free_sender_if_over_locked(gate, sender);
    }
    g_mutex_unlock(&gate->lock);
    return verdict;
}

static GateUser *
ensure_user_locked(ScdGate *gate, guint32 uid)
{
    GateUser *user = g_hash_table_lookup(gate->users, GUINT_TO_POINTER(uid));

    if (!user) {
        user = g_new0(GateUser, 1);
        g_hash_table_insert(gate->users, GUINT_TO_POINTER(uid), user);
    }
    user->senders++;
    return user;
}

static void
move_usage(const GateUsage *usage, GateUsage *from, GateUsage *to)
{
    from->calls -= usage->calls;
    from->bytes -= usage->bytes;
    to->calls += usage->calls;
    to->bytes += usage->bytes;
}

void
scd_gate_set_user(ScdGate *gate, const char *name, guint32 uid)
{
    g_mutex_lock(&gate->lock);
    GateSender *sender = g_hash_table_lookup(gate->senders, name);
    if (sender && !sender->user) {
        sender->uid = uid;
        sender->user = ensure_user_locked(gate, uid);
        move_usage(&sender->usage, &gate->pool, &sender->user->usage);
    }
    g_mutex_unlock(&gate->lock);
}

void
scd_gate_forget(ScdGate *gate, const char *name)
{
    g_mutex_lock(&gate->lock);
    GateSender *sender = g_hash_table_lookup(gate->senders, name);
    if (sender) {
        sender->gone = TRUE;
        free_sender_if_over_locked(gate, sender);
    }
    g_mutex_unlock(&gate->lock);
}

void
scd_gate_get_usage(ScdGate *gate, guint *calls, gsize *bytes)
{
    g_mutex_lock(&gate->lock);
    *calls = gate->all.calls;
    *bytes = gate->all.bytes;
    g_mutex_unlock(&gate->lock);
}
