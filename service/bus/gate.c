/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/gate.h"

#include <string.h>

#include "base/limit.h"

#define KIB 1024u
#define MIB (1024u * KIB)

/*
 * The limits are not settings: they follow from the arguments of the methods, and from MemoryMax=
 * of the unit, which a unit test compares with their sum.
 */

/* TransmitMany takes 1,024 commands; the rest is for options. */
#define VALUES_MAX (1024 + 512)

/* Signals and replies come from the bus, polkit, systemd, logind. */
#define OTHER_VALUES_MAX (8 * KIB)

/* Programs may send calls without waiting for replies. By default, dbus-daemon allows 128. */
#define SENDER_CALLS_MAX 1024
#define USER_CALLS_MAX 2048
#define ALL_CALLS_MAX 8192

/*
 * A call takes the main thread, which serves all users, about 0.1 ms. So a user who floods the
 * service gets a tenth of its time. Further calls are held back until there are tokens.
 */
static const ScdTokenRate user_rate = {1000, 256};

/*
 * The replies to a user's queries wait for the bus, which takes messages from all connections in
 * turn, and the replies to other users are behind them. A reply has about as many KiB as its
 * weight, and takes as many tokens. While the bus is behind, a user gets 200 KiB in a second.
 */
#define WEIGHT_MAX 32
#define CONGESTED_US_PER_WEIGHT 5000

/* A program that waits for each reply before the next call is never held back. */
#define FREE_CALLS 2

/* New senders share the tokens of the pool until their users are known, but for these calls. */
#define FIRST_CALLS 16

/* Bytes that GDBus and the service allocate for a call, and for each value in it; measured. */
#define CALL_COST (2 * KIB)
#define VALUE_COST 96

static const ScdGateError malformed = {
    "org.freedesktop.DBus.Error.InvalidArgs",
    "The arguments are malformed, or more than any method takes"};
static const ScdGateError too_many = {
    "org.freedesktop.DBus.Error.LimitsExceeded",
    "Too many calls of this user wait for their replies: wait for some of them first"};

/* The calls of a sender or a user that wait for their replies, and the bytes that they take. */
typedef struct {
    guint calls;
    gsize bytes;
    guint weight; /* of the queries that are not held back */
} GateUsage;

/* A user, or the pool. */
typedef struct {
    guint senders; /* that hold it; freed some time after there are none and the bucket is full */
    GateUsage usage;
    ScdTokenBucket bucket;
    gint64 next_us; /* when the next query may pass if the bus is behind */
} GateUser;

typedef struct {
    char *name;
    GateUser *user; /* the pool while it is not known */
    guint32 uid;
    gboolean asked; /* the user is being looked up */
    gboolean gone;
    GateUsage usage;
    guint first_calls; /* that took no token of the pool */
    guint pool_tokens; /* that its calls have taken from the pool */
    GHashTable *calls; /* serial → GateCall */
    GQueue held;       /* GateCall: those that are held back, in order */
} GateSender;

/* One call that waits for its reply. Owned by its sender's table. */
typedef struct {
    guint32 serial;
    gboolean no_reply;
    gboolean uses_card;
    gboolean has_token;
    gsize bytes;
    guint weight;     /* 0: no query; charged unless the call is held back */
    GByteArray *held; /* the message while it is held back */
} GateCall;

struct ScdGate {
    gatomicrefcount references;
    GMutex lock;
    ScdGateUnknownSenderFunc unknown_sender; /* or NULL */
    gpointer data;
    GHashTable *senders; /* name → GateSender; a sender that left stays until its last reply */
    GHashTable *users;   /* uid → GateUser */
    GHashTable *expected_replies; /* serials of the calls of the service itself */
    GQueue waiting;               /* GateSender: those with calls that are held back, in turn */
    gboolean congested, closed;
    GateUser pool;
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

/* A user whose senders leave and come back has no more tokens than before. */
static gboolean
is_user_over(gpointer uid, gpointer value, gpointer now_us)
{
    const GateUser *user = value;

    return user->senders == 0 && scd_token_bucket_is_full(&user->bucket, *(gint64 *)now_us);
}

static gboolean
is_known(const ScdGate *gate, const GateSender *sender)
{
    return sender->user != &gate->pool;
}

static void
free_call(gpointer data)
{
    GateCall *call = data;

    if (call->held) {
        explicit_bzero(call->held->data, call->held->len);
        g_byte_array_unref(call->held);
    }
    g_free(call);
}

static void
free_sender(gpointer data)
{
    GateSender *sender = data;

    g_queue_clear(&sender->held);
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
    gate->expected_replies = g_hash_table_new(NULL, NULL);
    g_queue_init(&gate->waiting);
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
    g_queue_clear(&gate->waiting);
    g_hash_table_unref(gate->senders);
    g_hash_table_unref(gate->users);
    g_hash_table_unref(gate->expected_replies);
    g_mutex_clear(&gate->lock);
    g_free(gate);
}

void
scd_gate_close(ScdGate *gate)
{
    g_mutex_lock(&gate->lock);
    gate->closed = TRUE;
    g_mutex_unlock(&gate->lock);
}

void
scd_gate_on_unknown_sender(ScdGate *gate, ScdGateUnknownSenderFunc func, gpointer data)
{
    g_mutex_lock(&gate->lock);
    gate->unknown_sender = func;
    gate->data = data;
    g_mutex_unlock(&gate->lock);
}

static GateSender *
ensure_sender_locked(ScdGate *gate, const char *name)
{
    GateSender *sender = g_hash_table_lookup(gate->senders, name);

    if (!sender) {
        sender = g_new0(GateSender, 1);
        sender->name = g_strdup(name);
        sender->user = &gate->pool;
        g_queue_init(&sender->held);
        sender->calls = g_hash_table_new_full(NULL, NULL, NULL, free_call);
        g_hash_table_insert(gate->senders, sender->name, sender);
    }
    return sender;
}

static gboolean
may_charge_locked(ScdGate *gate, GateSender *sender, gsize bytes)
{
    if (sender->usage.calls >= SENDER_CALLS_MAX ||
        !has_room(&gate->all, ALL_CALLS_MAX, SCD_GATE_ALL_BYTES_MAX, bytes))
        return FALSE;
    return has_room(&sender->user->usage, USER_CALLS_MAX,
                    is_known(gate, sender) ? SCD_GATE_USER_BYTES_MAX : SCD_GATE_POOL_BYTES_MAX,
                    bytes);
}

static gboolean
may_be_served_locked(ScdGate *gate, const GateSender *sender, const GateCall *call, gint64 now_us)
{
    const GateUser *user = sender->user;

    if (!scd_token_bucket_has(&user->bucket, &user_rate, now_us))
        return FALSE;
    if (call->weight == 0)
        return TRUE;
    if (gate->congested)
        return user->usage.weight == 0 && now_us >= user->next_us;
    return user->usage.weight == 0 || user->usage.weight + call->weight <= WEIGHT_MAX;
}

/* Whether a call that is charged already takes a token. */
static gboolean
is_counted(const ScdGate *gate, const GateSender *sender)
{
    if (!is_known(gate, sender))
        return sender->first_calls >= FIRST_CALLS;
    return sender->uid != 0 && sender->user->usage.calls > FREE_CALLS;
}

static void
take_tokens_locked(ScdGate *gate, GateSender *sender, guint count, gint64 now_us)
{
    scd_token_bucket_take(&sender->user->bucket, &user_rate, count, now_us);
    if (!is_known(gate, sender))
        sender->pool_tokens += count;
}

static void
charge_weight(GateSender *sender, guint weight)
{
    sender->usage.weight += weight;
    sender->user->usage.weight += weight;
}

/* Returns FALSE if the call has to be held back. */
static gboolean
serve_call_locked(ScdGate *gate, GateSender *sender, GateCall *call)
{
    gint64 now_us = g_get_monotonic_time();

    call->has_token = is_counted(gate, sender);
    if (call->has_token) {
        if (!may_be_served_locked(gate, sender, call, now_us))
            return FALSE;
        take_tokens_locked(gate, sender, MAX(call->weight, 1), now_us);
        sender->user->next_us = now_us + call->weight * CONGESTED_US_PER_WEIGHT;
    } else if (!is_known(gate, sender)) {
        sender->first_calls++;
    }
    charge_weight(sender, call->weight);
    return TRUE;
}

static void
give_token_back_locked(ScdGate *gate, GateSender *sender)
{
    scd_token_bucket_give_back(&sender->user->bucket, &user_rate, 1);
    if (!is_known(gate, sender))
        sender->pool_tokens--;
}

/* A serial that is used again while its call is open is the sender's mistake. Returns NULL if the
 * call has to be refused. */
static GateCall *
charge_call_locked(ScdGate *gate, GateSender *sender, const ScdDbusHeader *header, gsize bytes)
{
    if (g_hash_table_contains(sender->calls, GUINT_TO_POINTER(header->serial)) ||
        !may_charge_locked(gate, sender, bytes))
        return NULL;
    GateCall *call = g_new(GateCall, 1);
    *call = (GateCall){
        .serial = header->serial,
        .no_reply = (header->flags & SCD_DBUS_FLAG_NO_REPLY_EXPECTED) != 0,
        .uses_card = scd_gate_uses_card(header),
        .bytes = bytes,
        .weight = scd_gate_weigh_reply(header),
    };
    g_hash_table_insert(sender->calls, GUINT_TO_POINTER(header->serial), call);
    charge_usage(&sender->usage, bytes);
    charge_usage(&sender->user->usage, bytes);
    charge_usage(&gate->all, bytes);
    return call;
}

static void
release_call_locked(ScdGate *gate, GateSender *sender, const GateCall *call)
{
    if (!call->held) {
        sender->usage.weight -= call->weight;
        sender->user->usage.weight -= call->weight;
    }
    release_usage(&sender->usage, call->bytes);
    release_usage(&sender->user->usage, call->bytes);
    release_usage(&gate->all, call->bytes);
    g_hash_table_remove(sender->calls, GUINT_TO_POINTER(call->serial));
}

/* The reply of a query that is being served is longer than its weight says. */
static void
add_weight_locked(ScdGate *gate, GateSender *sender, GateCall *call, guint weight)
{
    gint64 now_us = g_get_monotonic_time();
    GateUsage *usages[] = {&sender->usage, &sender->user->usage, &gate->all};

    for (gsize i = 0; i < G_N_ELEMENTS(usages); i++)
        usages[i]->bytes += weight * KIB;
    call->bytes += weight * KIB;
    charge_weight(sender, weight);
    call->weight += weight;
    if (!call->has_token)
        return;
    take_tokens_locked(gate, sender, weight, now_us);
    sender->user->next_us = now_us + call->weight * CONGESTED_US_PER_WEIGHT;
}

static void
hold_call_locked(ScdGate *gate, GateSender *sender, GateCall *call, const guint8 *message,
                 gsize length)
{
    call->held = g_byte_array_sized_new(length);
    g_byte_array_append(call->held, message, length);
    if (g_queue_is_empty(&sender->held))
        g_queue_push_tail(&gate->waiting, sender);
    g_queue_push_tail(&sender->held, call);
}

static ScdGateVerdict
admit_call_locked(ScdGate *gate, const ScdDbusHeader *header, const guint8 *message, gsize length,
                  gsize cost)
{
    if (gate->closed)
        return SCD_GATE_DROP;
    GateSender *sender = ensure_sender_locked(gate, header->sender);
    if (!is_known(gate, sender) && !sender->asked && gate->unknown_sender) {
        sender->asked = TRUE;
        gate->unknown_sender(sender->name, gate->data);
    }
    GateCall *call = charge_call_locked(gate, sender, header, cost);
    if (!call)
        return SCD_GATE_REFUSE;
    if (g_queue_is_empty(&sender->held) && serve_call_locked(gate, sender, call))
        return SCD_GATE_PASS;
    hold_call_locked(gate, sender, call, message, length);
    return SCD_GATE_HOLD;
}

/* Returns the first call that was held back, if it may pass now. */
static GByteArray *
take_held_of_sender_locked(ScdGate *gate, GateSender *sender)
{
    GateCall *call = g_queue_peek_head(&sender->held);

    if (!serve_call_locked(gate, sender, call))
        return NULL;
    g_queue_pop_head(&sender->held);
    return g_steal_pointer(&call->held);
}

GByteArray *
scd_gate_take_held(ScdGate *gate, gboolean congested)
{
    GByteArray *message = NULL;

    g_mutex_lock(&gate->lock);
    gate->congested = congested;
    for (guint left = gate->closed ? 0 : gate->waiting.length; left > 0 && !message; left--) {
        GateSender *sender = g_queue_pop_head(&gate->waiting);
        message = take_held_of_sender_locked(gate, sender);
        if (!g_queue_is_empty(&sender->held))
            g_queue_push_tail(&gate->waiting, sender);
    }
    g_mutex_unlock(&gate->lock);
    return message;
}

gboolean
scd_gate_has_held(ScdGate *gate)
{
    g_mutex_lock(&gate->lock);
    gboolean has = !gate->closed && !g_queue_is_empty(&gate->waiting);
    g_mutex_unlock(&gate->lock);
    return has;
}

/* Returns NULL if there is no such call. */
static GateCall *
find_call_locked(ScdGate *gate, const char *name, guint32 serial, GateSender **sender)
{
    *sender = g_hash_table_lookup(gate->senders, name);
    return *sender ? g_hash_table_lookup((*sender)->calls, GUINT_TO_POINTER(serial)) : NULL;
}

void
scd_gate_charge_reply(ScdGate *gate, const char *destination, guint32 reply_serial, gsize bytes)
{
    g_mutex_lock(&gate->lock);
    GateSender *sender;
    GateCall *call = find_call_locked(gate, destination, reply_serial, &sender);
    if (call && call->weight * KIB < bytes)
        add_weight_locked(gate, sender, call, bytes / KIB - call->weight);
    g_mutex_unlock(&gate->lock);
}

void
scd_gate_expect_reply(ScdGate *gate, guint32 serial)
{
    g_mutex_lock(&gate->lock);
    g_hash_table_add(gate->expected_replies, GUINT_TO_POINTER(serial));
    g_mutex_unlock(&gate->lock);
}

static gboolean
take_expected_reply(ScdGate *gate, guint32 serial)
{
    g_mutex_lock(&gate->lock);
    gboolean expected = g_hash_table_remove(gate->expected_replies, GUINT_TO_POINTER(serial));
    g_mutex_unlock(&gate->lock);
    return expected;
}

ScdGateVerdict
scd_gate_admit(ScdGate *gate, const ScdDbusHeader *header, const guint8 *message, gsize length,
               ScdGateError *error)
{
    gboolean is_call = header->type == SCD_DBUS_METHOD_CALL;
    const guint8 *body = message + (length - header->body_length);
    gsize values;

    if (!is_call && header->type != SCD_DBUS_SIGNAL &&
        !take_expected_reply(gate, header->reply_serial))
        return SCD_GATE_DROP;
    if (!scd_dbus_count_values(header, body, is_call ? VALUES_MAX : OTHER_VALUES_MAX, &values)) {
        *error = malformed;
        return is_call ? SCD_GATE_REFUSE : SCD_GATE_DROP;
    }
    if (!is_call)
        return SCD_GATE_PASS;
    gsize cost = CALL_COST + values * VALUE_COST + scd_gate_weigh_reply(header) * KIB;
    cost += (gsize)header->body_length * scd_gate_find_body_limit(header)->percent / 100;
    *error = too_many;
    g_mutex_lock(&gate->lock);
    ScdGateVerdict verdict = admit_call_locked(gate, header, message, length, cost);
    g_mutex_unlock(&gate->lock);
    return verdict;
}

static void
free_sender_if_over_locked(ScdGate *gate, GateSender *sender)
{
    if (!sender->gone || sender->usage.calls > 0)
        return;
    if (is_known(gate, sender))
        sender->user->senders--;
    g_hash_table_remove(gate->senders, sender->name);
}

ScdGateVerdict
scd_gate_reply(ScdGate *gate, const char *destination, guint32 reply_serial, gboolean succeeded)
{
    ScdGateVerdict verdict = SCD_GATE_PASS;

    g_mutex_lock(&gate->lock);
    GateSender *sender;
    const GateCall *call = find_call_locked(gate, destination, reply_serial, &sender);
    if (call) {
        verdict = call->no_reply ? SCD_GATE_DROP : SCD_GATE_PASS;
        if (succeeded && call->has_token && call->uses_card)
            give_token_back_locked(gate, sender);
        release_call_locked(gate, sender, call);
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
        gint64 now_us = g_get_monotonic_time();
        g_hash_table_foreach_remove(gate->users, is_user_over, &now_us);
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
    from->weight -= usage->weight;
    to->calls += usage->calls;
    to->bytes += usage->bytes;
    to->weight += usage->weight;
}

void
scd_gate_set_user(ScdGate *gate, const char *name, guint32 uid)
{
    g_mutex_lock(&gate->lock);
    GateSender *sender = g_hash_table_lookup(gate->senders, name);
    if (sender && !is_known(gate, sender)) {
        sender->uid = uid;
        sender->user = ensure_user_locked(gate, uid);
        move_usage(&sender->usage, &gate->pool.usage, &sender->user->usage);
        scd_token_bucket_give_back(&gate->pool.bucket, &user_rate, sender->pool_tokens);
        scd_token_bucket_take(&sender->user->bucket, &user_rate, sender->pool_tokens,
                              g_get_monotonic_time());
    }
    g_mutex_unlock(&gate->lock);
}

static void
drop_held_calls_locked(ScdGate *gate, GateSender *sender)
{
    GateCall *call;

    g_queue_remove(&gate->waiting, sender);
    while ((call = g_queue_pop_head(&sender->held)))
        release_call_locked(gate, sender, call);
}

void
scd_gate_forget(ScdGate *gate, const char *name)
{
    g_mutex_lock(&gate->lock);
    GateSender *sender = g_hash_table_lookup(gate->senders, name);
    if (sender) {
        sender->gone = TRUE;
        drop_held_calls_locked(gate, sender);
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
