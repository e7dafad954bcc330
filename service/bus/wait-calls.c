/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/wait-calls.h"

#include "base/atr.h"
#include "base/limit.h"
#include "bus/audit.h"
#include "bus/error.h"
#include "bus/job-timeout.h"
#include "bus/options.h"
#include "bus/readers.h"

struct ScdWaitCalls {
    ScdClients *clients;
    ScdAudit *audit;
    ScdMonitor *monitor;
    ScdUserLimit *limit;
    GQueue all; /* of WaitCall, in the order in which they came */
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
    ScdWaitCalls *wait_calls;
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
} WaitCall;

static void
release(WaitCall *call)
{
    if (!g_ref_count_dec(&call->references))
        return;
    scd_user_charge_give_back(&call->charge);
    g_clear_pointer(&call->client, scd_client_unref);
    g_free(call->selector);
    g_free(call->card);
    g_free(call);
}

/* Nothing that comes later finds the call any more. */
static GDBusMethodInvocation *
finish(WaitCall *call)
{
    GDBusMethodInvocation *invocation = g_steal_pointer(&call->invocation);

    g_queue_remove(&call->wait_calls->all, call);
    g_clear_handle_id(&call->timer, g_source_remove);
    if (call->leave)
        scd_client_remove_leave(call->client, call->leave);
    release(call);
    return invocation;
}

static void
fail(WaitCall *call, const GError *error)
{
    g_dbus_method_invocation_return_gerror(finish(call), error);
}

static void
tell_card(WaitCall *call, const ScdReader *reader)
{
    g_dbus_method_invocation_return_value(
        finish(call),
        g_variant_new("(oo)", scd_reader_path(reader), scd_card_path(scd_reader_card(reader))));
}

static void
tell_done(WaitCall *call)
{
    g_dbus_method_invocation_return_value(finish(call), NULL);
}

static gboolean
time_over(gpointer data)
{
    WaitCall *call = data;
    g_autoptr(GError) error = NULL;

    call->timer = 0;
    if (call->condition == FOR_REMOVAL)
        g_set_error(&error, SCD_ERROR, SCD_E_TIMEOUT, "Card %s was not taken out in time",
                    call->card);
    else
        g_set_error(&error, SCD_ERROR, SCD_E_TIMEOUT, "No card that fits came in time");
    fail(call, error);
    return G_SOURCE_REMOVE;
}

static void
client_left(gpointer data)
{
    WaitCall *call = data;
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_E_CANCELLED, "The client has left");

    call->leave = 0;
    fail(call, error);
}

static void
got_client(ScdClient *client, const GError *gone, gpointer data)
{
    WaitCall *call = data;
    g_autoptr(ScdClient) caller = client;
    g_autoptr(GError) refusal = NULL;

    if (call->invocation && !caller) {
        fail(call, gone);
    } else if (call->invocation && !scd_user_charge_take(&call->charge, call->wait_calls->limit,
                                                         scd_client_uid(caller), &refusal)) {
        scd_audit_client(call->wait_calls->audit, SCD_AUDIT_LIMIT, caller, NULL, refusal->message);
        fail(call, refusal);
    } else if (call->invocation) {
        call->client = g_steal_pointer(&caller);
        call->leave = scd_client_on_leave(call->client, client_left, call);
    }
    release(call);
}

static WaitCall *
new_waiter(ScdWaitCalls *wait_calls, Condition condition, GDBusMethodInvocation *invocation)
{
    WaitCall *call = g_new0(WaitCall, 1);

    g_ref_count_init(&call->references);
    call->wait_calls = wait_calls;
    call->condition = condition;
    call->invocation = invocation;
    g_queue_push_tail(&wait_calls->all, call);
    return call;
}

/* May end it. */
static void
begin_to_wait(WaitCall *call, guint32 timeout_ms)
{
    if (timeout_ms != SCD_NO_TIMEOUT)
        call->timer = g_timeout_add(timeout_ms, time_over, call);
    g_ref_count_inc(&call->references);
    scd_clients_get(call->wait_calls->clients,
                    g_dbus_method_invocation_get_sender(call->invocation), got_client, call);
}

ScdWaitCalls *
scd_wait_calls_new(ScdClients *clients, ScdAudit *audit, const ScdConfig *config)
{
    const ScdLimitRule per_user = {"waiting calls of one user", "WaitersPerUser",
                                   config->waiters_per_user};
    const ScdLimitRule in_all = {"waiting calls", "Waiters", config->wait_calls};
    ScdWaitCalls *wait_calls = g_new0(ScdWaitCalls, 1);

    wait_calls->clients = clients;
    wait_calls->audit = audit;
    wait_calls->limit = scd_user_limit_new(&per_user, &in_all);
    return wait_calls;
}

void
scd_wait_calls_free(ScdWaitCalls *wait_calls)
{
    g_assert(g_queue_is_empty(&wait_calls->all));
    scd_user_limit_free(wait_calls->limit);
    g_free(wait_calls);
}

void
scd_wait_calls_set_monitor(ScdWaitCalls *wait_calls, ScdMonitor *monitor)
{
    wait_calls->monitor = monitor;
}

void
scd_wait_calls_end_all(ScdWaitCalls *wait_calls)
{
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_P_SHUTDOWN, "The service is shutting down");

    while (!g_queue_is_empty(&wait_calls->all))
        fail(g_queue_peek_head(&wait_calls->all), error);
}

static gboolean
has_card_that_fits(const WaitCall *call, const ScdReader *reader)
{
    const ScdReaderState *state = scd_reader_state(reader);

    return scd_reader_card(reader) &&
           scd_atr_filter_passes(&call->filter, state->atr, state->atr_length);
}

static gboolean
has_card_that_fits_anywhere(gpointer name, gpointer reader, gpointer call)
{
    return has_card_that_fits(call, reader);
}

/* NULL when no such card is there now. */
static const ScdReader *
find_card_that_fits(const WaitCall *call)
{
    if (!call->selector)
        return scd_readers_search(call->readers, has_card_that_fits_anywhere, (gpointer)call);

    const ScdReader *reader = scd_readers_find(call->readers, call->selector, NULL);
    return reader && has_card_that_fits(call, reader) ? reader : NULL;
}

/* One that is not there yet may come. */
static gboolean
check_selector(const WaitCall *call, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (!call->selector || scd_readers_find(call->readers, call->selector, &problem) ||
        g_error_matches(problem, SCD_ERROR, SCD_E_UNKNOWN_READER))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean
read_card_options(WaitCall *call, GVariant *options, guint32 *timeout_ms, GError **error)
{
    g_autoptr(GVariant) atr = NULL;
    g_autoptr(GVariant) mask = NULL;
    const ScdOption known[] = {
        {"reader", "s", &call->selector}, {"atr", "@ay", &atr},
        {"atr-mask", "@ay", &mask},       {"new", "b", &call->new},
        {"timeout-ms", "u", timeout_ms},  {NULL, NULL, NULL},
    };

    return scd_options_read(options, known, error) &&
           scd_atr_filter_set(&call->filter, atr, mask, error) && check_selector(call, error);
}

void
scd_wait_calls_wait_for_card(ScdWaitCalls *wait_calls, ScdReaders *readers, GVariant *arguments,
                             GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 0);
    WaitCall *call = new_waiter(wait_calls, FOR_CARD, invocation);
    guint32 timeout_ms = SCD_NO_TIMEOUT;
    const ScdReader *reader;
    g_autoptr(GError) error = NULL;

    call->readers = readers;
    if (!read_card_options(call, options, &timeout_ms, &error))
        fail(call, error);
    else if (!call->new && (reader = find_card_that_fits(call)))
        tell_card(call, reader);
    else
        begin_to_wait(call, timeout_ms);
}

static gboolean
has_that_card(gpointer name, gpointer reader, gpointer path)
{
    const ScdCard *card = scd_reader_card(reader);
    return card && g_str_equal(scd_card_path(card), path);
}

static gboolean
read_removal(WaitCall *call, GVariant *arguments, guint32 *timeout_ms, GError **error)
{
    g_autoptr(GVariant) options = NULL;
    const ScdOption known[] = {{"timeout-ms", "u", timeout_ms}, {NULL, NULL, NULL}};

    g_variant_get(arguments, "(o@a{sv})", &call->card, &options);
    if (!scd_options_read(options, known, error))
        return FALSE;
    if (scd_card_is_path(call->card))
        return TRUE;
    g_set_error(error, SCD_ERROR, SCD_E_UNKNOWN_CARD, "%s is not the path of a card", call->card);
    return FALSE;
}

void
scd_wait_calls_wait_for_removal(ScdWaitCalls *wait_calls, ScdReaders *readers, GVariant *arguments,
                                GDBusMethodInvocation *invocation)
{
    WaitCall *call = new_waiter(wait_calls, FOR_REMOVAL, invocation);
    guint32 timeout_ms = SCD_NO_TIMEOUT;
    g_autoptr(GError) error = NULL;

    if (!read_removal(call, arguments, &timeout_ms, &error))
        fail(call, error);
    else if (!scd_readers_search(readers, has_that_card, call->card))
        tell_done(call);
    else
        begin_to_wait(call, timeout_ms);
}

/* One at a time: it serves all who asked before it began. */
static void
look_if_wanted(ScdWaitCalls *wait_calls)
{
    if (wait_calls->looking)
        return;
    for (GList *item = wait_calls->all.head; item; item = item->next) {
        WaitCall *call = item->data;
        if (call->condition != FOR_NEXT_LOOK)
            continue;
        call->condition = FOR_LOOK;
        wait_calls->looking = TRUE;
    }
    if (wait_calls->looking)
        scd_monitor_refresh(wait_calls->monitor);
}

void
scd_wait_calls_wait_for_refresh(ScdWaitCalls *wait_calls, GDBusMethodInvocation *invocation)
{
    begin_to_wait(new_waiter(wait_calls, FOR_NEXT_LOOK, invocation), SCD_NO_TIMEOUT);
    look_if_wanted(wait_calls);
}

static void
card_inserted(WaitCall *call, gpointer reader)
{
    if (call->condition == FOR_CARD && has_card_that_fits(call, reader) &&
        (!call->selector || scd_readers_find(call->readers, call->selector, NULL) == reader))
        tell_card(call, reader);
}

/* When its card came is not known. */
static void
reader_named(WaitCall *call, gpointer reader)
{
    if (!call->new)
        card_inserted(call, reader);
}

static void
card_removed(WaitCall *call, gpointer card)
{
    if (call->condition == FOR_REMOVAL && g_str_equal(call->card, card))
        tell_done(call);
}

static void
refreshed(WaitCall *call, gpointer nothing)
{
    if (call->condition == FOR_LOOK)
        tell_done(call);
}

/* It may end the call, and no other one. */
static void
tell_each(ScdWaitCalls *wait_calls, void (*tell)(WaitCall *call, gpointer data), gpointer data)
{
    GList *next;

    for (GList *item = wait_calls->all.head; item; item = next) {
        next = item->next;
        tell(item->data, data);
    }
}

void
scd_wait_calls_card_inserted(ScdWaitCalls *wait_calls, ScdReader *reader)
{
    tell_each(wait_calls, card_inserted, reader);
}

void
scd_wait_calls_reader_renamed(ScdWaitCalls *wait_calls, ScdReader *reader)
{
    tell_each(wait_calls, reader_named, reader);
}

void
scd_wait_calls_card_removed(ScdWaitCalls *wait_calls, const char *card)
{
    tell_each(wait_calls, card_removed, (gpointer)card);
}

void
scd_wait_calls_refreshed(ScdWaitCalls *wait_calls)
{
    wait_calls->looking = FALSE;
    tell_each(wait_calls, refreshed, NULL);
    look_if_wanted(wait_calls);
}
