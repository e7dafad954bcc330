/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/waiters.h"

#include "base/atr-filter.h"
#include "base/user-limit.h"
#include "bus/audit.h"
#include "bus/error.h"
#include "bus/options.h"
#include "bus/patience.h"
#include "bus/readers.h"

struct ScdWaiters {
    ScdClients *clients;
    ScdAudit *audit;
    ScdMonitor *monitor;
    ScdUserLimit *limit;
    GQueue all; /* of Waiter, in the order in which they came */
    gboolean looking;
};

typedef enum {
    FOR_CARD,
    FOR_REMOVAL,
    FOR_LOOK,      /* the one that is under way */
    FOR_NEXT_LOOK, /* one that begins later than the call came */
} Condition;

typedef struct {
    grefcount references; /* one until it ends, one while the bus is asked who calls */
    ScdWaiters *waiters;
    GDBusMethodInvocation *invocation; /* NULL when it has ended */
    ScdClient *client;
    guint leave;
    guint timer;
    ScdUserCharge charge;

    Condition condition;
    ScdReaders *readers;
    char *selector; /* of the only reader that is meant, or NULL */
    gboolean new;   /* what was in before does not count */
    ScdAtrFilter filter;
    char *card; /* that is to be removed */
} Waiter;

static void
release(Waiter *waiter)
{
    if (!g_ref_count_dec(&waiter->references))
        return;
    scd_user_charge_give_back(&waiter->charge);
    g_clear_pointer(&waiter->client, scd_client_unref);
    g_free(waiter->selector);
    g_free(waiter->card);
    g_free(waiter);
}

/* Nothing that comes later finds the waiter any more. */
static GDBusMethodInvocation *
finish(Waiter *waiter)
{
    GDBusMethodInvocation *invocation = g_steal_pointer(&waiter->invocation);

    g_queue_remove(&waiter->waiters->all, waiter);
    g_clear_handle_id(&waiter->timer, g_source_remove);
    if (waiter->leave)
        scd_client_remove_leave(waiter->client, waiter->leave);
    release(waiter);
    return invocation;
}

static void
fail(Waiter *waiter, const GError *error)
{
    g_dbus_method_invocation_return_gerror(finish(waiter), error);
}

static void
tell_card(Waiter *waiter, const ScdReader *reader)
{
    g_dbus_method_invocation_return_value(
        finish(waiter),
        g_variant_new("(oo)", scd_reader_path(reader), scd_card_path(scd_reader_card(reader))));
}

static void
tell_done(Waiter *waiter)
{
    g_dbus_method_invocation_return_value(finish(waiter), NULL);
}

static gboolean
time_over(gpointer data)
{
    Waiter *waiter = data;
    g_autoptr(GError) error = NULL;

    waiter->timer = 0;
    if (waiter->condition == FOR_REMOVAL)
        g_set_error(&error, SCD_ERROR, SCD_E_TIMEOUT, "Card %s was not taken out in time",
                    waiter->card);
    else
        g_set_error(&error, SCD_ERROR, SCD_E_TIMEOUT, "No card that fits came in time");
    fail(waiter, error);
    return G_SOURCE_REMOVE;
}

static void
client_left(gpointer data)
{
    Waiter *waiter = data;
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_E_CANCELLED, "The client has left");

    waiter->leave = 0;
    fail(waiter, error);
}

static void
got_client(ScdClient *client, const GError *gone, gpointer data)
{
    Waiter *waiter = data;
    g_autoptr(ScdClient) caller = client;
    g_autoptr(GError) refusal = NULL;

    if (waiter->invocation && !caller) {
        fail(waiter, gone);
    } else if (waiter->invocation && !scd_user_charge_take(&waiter->charge, waiter->waiters->limit,
                                                           scd_client_uid(caller), &refusal)) {
        scd_audit_client(waiter->waiters->audit, SCD_AUDIT_LIMIT, caller, NULL, refusal->message);
        fail(waiter, refusal);
    } else if (waiter->invocation) {
        waiter->client = g_steal_pointer(&caller);
        waiter->leave = scd_client_on_leave(waiter->client, client_left, waiter);
    }
    release(waiter);
}

static Waiter *
new_waiter(ScdWaiters *waiters, Condition condition, GDBusMethodInvocation *invocation)
{
    Waiter *waiter = g_new0(Waiter, 1);

    g_ref_count_init(&waiter->references);
    waiter->waiters = waiters;
    waiter->condition = condition;
    waiter->invocation = invocation;
    g_queue_push_tail(&waiters->all, waiter);
    return waiter;
}

/* May end it. */
static void
begin_to_wait(Waiter *waiter, guint32 timeout_ms)
{
    if (timeout_ms != SCD_NO_TIMEOUT)
        waiter->timer = g_timeout_add(timeout_ms, time_over, waiter);
    g_ref_count_inc(&waiter->references);
    scd_clients_get(waiter->waiters->clients,
                    g_dbus_method_invocation_get_sender(waiter->invocation), got_client, waiter);
}

ScdWaiters *
scd_waiters_new(ScdClients *clients, ScdAudit *audit, const ScdConfig *config)
{
    const ScdLimitRule per_user = {"waiting calls of one user", "WaitersPerUser",
                                   config->waiters_per_user};
    const ScdLimitRule in_all = {"waiting calls", "Waiters", config->waiters};
    ScdWaiters *waiters = g_new0(ScdWaiters, 1);

    waiters->clients = clients;
    waiters->audit = audit;
    waiters->limit = scd_user_limit_new(&per_user, &in_all);
    return waiters;
}

void
scd_waiters_free(ScdWaiters *waiters)
{
    g_assert(g_queue_is_empty(&waiters->all));
    scd_user_limit_free(waiters->limit);
    g_free(waiters);
}

void
scd_waiters_set_monitor(ScdWaiters *waiters, ScdMonitor *monitor)
{
    waiters->monitor = monitor;
}

void
scd_waiters_end_all(ScdWaiters *waiters)
{
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_P_SHUTDOWN, "The service is shutting down");

    while (!g_queue_is_empty(&waiters->all))
        fail(g_queue_peek_head(&waiters->all), error);
}

static gboolean
has_card_that_fits(const Waiter *waiter, const ScdReader *reader)
{
    const ScdReaderState *state = scd_reader_state(reader);

    return scd_reader_card(reader) &&
           scd_atr_filter_passes(&waiter->filter, state->atr, state->atr_length);
}

static gboolean
has_card_that_fits_anywhere(gpointer name, gpointer reader, gpointer waiter)
{
    return has_card_that_fits(waiter, reader);
}

/* NULL when no such card is there now. */
static const ScdReader *
find_card_that_fits(const Waiter *waiter)
{
    if (!waiter->selector)
        return scd_readers_search(waiter->readers, has_card_that_fits_anywhere, (gpointer)waiter);

    const ScdReader *reader = scd_readers_find(waiter->readers, waiter->selector, NULL);
    return reader && has_card_that_fits(waiter, reader) ? reader : NULL;
}

/* One that is not there yet may come. */
static gboolean
check_selector(const Waiter *waiter, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (!waiter->selector || scd_readers_find(waiter->readers, waiter->selector, &problem) ||
        g_error_matches(problem, SCD_ERROR, SCD_E_UNKNOWN_READER))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean
read_card_options(Waiter *waiter, GVariant *options, guint32 *timeout_ms, GError **error)
{
    g_autoptr(GVariant) atr = NULL;
    g_autoptr(GVariant) mask = NULL;
    const ScdOption known[] = {
        {"reader", "s", &waiter->selector}, {"atr", "@ay", &atr},
        {"atr-mask", "@ay", &mask},         {"new", "b", &waiter->new},
        {"timeout-ms", "u", timeout_ms},    {NULL, NULL, NULL},
    };

    return scd_options_read(options, known, error) &&
           scd_atr_filter_set(&waiter->filter, atr, mask, error) && check_selector(waiter, error);
}

void
scd_waiters_wait_for_card(ScdWaiters *waiters, ScdReaders *readers, GVariant *arguments,
                          GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 0);
    Waiter *waiter = new_waiter(waiters, FOR_CARD, invocation);
    guint32 timeout_ms = SCD_NO_TIMEOUT;
    const ScdReader *reader;
    g_autoptr(GError) error = NULL;

    waiter->readers = readers;
    if (!read_card_options(waiter, options, &timeout_ms, &error))
        fail(waiter, error);
    else if (!waiter->new && (reader = find_card_that_fits(waiter)))
        tell_card(waiter, reader);
    else
        begin_to_wait(waiter, timeout_ms);
}

static gboolean
has_that_card(gpointer name, gpointer reader, gpointer path)
{
    const ScdCard *card = scd_reader_card(reader);
    return card && g_str_equal(scd_card_path(card), path);
}

static gboolean
read_removal(Waiter *waiter, GVariant *arguments, guint32 *timeout_ms, GError **error)
{
    g_autoptr(GVariant) options = NULL;
    const ScdOption known[] = {{"timeout-ms", "u", timeout_ms}, {NULL, NULL, NULL}};

    g_variant_get(arguments, "(o@a{sv})", &waiter->card, &options);
    if (!scd_options_read(options, known, error))
        return FALSE;
    if (scd_card_is_path(waiter->card))
        return TRUE;
    g_set_error(error, SCD_ERROR, SCD_E_UNKNOWN_CARD, "%s is not the path of a card", waiter->card);
    return FALSE;
}

void
scd_waiters_wait_for_removal(ScdWaiters *waiters, ScdReaders *readers, GVariant *arguments,
                             GDBusMethodInvocation *invocation)
{
    Waiter *waiter = new_waiter(waiters, FOR_REMOVAL, invocation);
    guint32 timeout_ms = SCD_NO_TIMEOUT;
    g_autoptr(GError) error = NULL;

    if (!read_removal(waiter, arguments, &timeout_ms, &error))
        fail(waiter, error);
    else if (!scd_readers_search(readers, has_that_card, waiter->card))
        tell_done(waiter);
    else
        begin_to_wait(waiter, timeout_ms);
}

/* One at a time: it serves all who asked before it began. */
static void
look_if_wanted(ScdWaiters *waiters)
{
    if (waiters->looking)
        return;
    for (GList *item = waiters->all.head; item; item = item->next) {
        Waiter *waiter = item->data;
        if (waiter->condition != FOR_NEXT_LOOK)
            continue;
        waiter->condition = FOR_LOOK;
        waiters->looking = TRUE;
    }
    if (waiters->looking)
        scd_monitor_look(waiters->monitor);
}

void
scd_waiters_wait_for_look(ScdWaiters *waiters, GDBusMethodInvocation *invocation)
{
    begin_to_wait(new_waiter(waiters, FOR_NEXT_LOOK, invocation), SCD_NO_TIMEOUT);
    look_if_wanted(waiters);
}

static void
card_inserted(Waiter *waiter, gpointer reader)
{
    if (waiter->condition == FOR_CARD && has_card_that_fits(waiter, reader) &&
        (!waiter->selector || scd_readers_find(waiter->readers, waiter->selector, NULL) == reader))
        tell_card(waiter, reader);
}

/* When its card came is not known. */
static void
reader_named(Waiter *waiter, gpointer reader)
{
    if (!waiter->new)
        card_inserted(waiter, reader);
}

static void
card_removed(Waiter *waiter, gpointer card)
{
    if (waiter->condition == FOR_REMOVAL && g_str_equal(waiter->card, card))
        tell_done(waiter);
}

static void
looked(Waiter *waiter, gpointer nothing)
{
    if (waiter->condition == FOR_LOOK)
        tell_done(waiter);
}

/* It may end the waiter, and no other one. */
static void
tell_each(ScdWaiters *waiters, void (*tell)(Waiter *waiter, gpointer data), gpointer data)
{
    GList *next;

    for (GList *item = waiters->all.head; item; item = next) {
        next = item->next;
        tell(item->data, data);
    }
}

void
scd_waiters_card_inserted(ScdWaiters *waiters, ScdReader *reader)
{
    tell_each(waiters, card_inserted, reader);
}

void
scd_waiters_reader_named(ScdWaiters *waiters, ScdReader *reader)
{
    tell_each(waiters, reader_named, reader);
}

void
scd_waiters_card_removed(ScdWaiters *waiters, const char *card)
{
    tell_each(waiters, card_removed, (gpointer)card);
}

void
scd_waiters_looked(ScdWaiters *waiters)
{
    waiters->looking = FALSE;
    tell_each(waiters, looked, NULL);
    look_if_wanted(waiters);
}
