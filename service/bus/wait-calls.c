/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/wait-calls.h"

#include "base/atr.h"
#include "base/limit.h"
#include "bus/options.h"
#include "bus/pending-call.h"
#include "bus/reply.h"

/* Only a client that keeps the path of a card over many restarts of pcscd needs an older one. */
#define LOST_CARDS_MAX 1024

struct ScdWaitCalls {
    ScdWaitCallsParts parts;
    GArray *lost; /* of guint64: the numbers of the last cards that pcscd left in their readers */
    ScdUserLimit *limit;
    GQueue all; /* of WaitCall, in the order of their arrival */
    gboolean refreshing;
};

typedef enum {
    WAIT_FOR_CARD,
    WAIT_FOR_REMOVAL,
    WAIT_FOR_REFRESH,      /* the present one */
    WAIT_FOR_NEXT_REFRESH, /* the first one that begins after the call arrived */
} WaitCondition;

typedef struct {
    ScdWaitCalls *wait_calls;
    ScdPendingCall *pending; /* valid until it has ended */
    WaitCondition condition;
    char *selector; /* WaitForCard: of the only reader to wait for, or NULL */
    gboolean new;   /* WaitForCard: a card that was inserted before does not count */
    gboolean mute;  /* WaitForCard: a card without an ATR counts */
    ScdAtrFilter filter;
    char *card_path; /* WaitForRemoval */
} WaitCall;

static void
free_wait_call(gpointer data)
{
    WaitCall *call = data;

    g_free(call->selector);
    g_free(call->card_path);
    g_free(call);
}

static void
handle_ended(const GError *error, gpointer data)
{
    WaitCall *call = data;
    g_queue_remove(&call->wait_calls->all, call);
}

/* The caller is known: the call goes on waiting. */
static void
continue_waiting(ScdPendingCall *pending, gpointer data)
{
}

static GError *
new_timeout_error(gpointer data)
{
    const WaitCall *call = data;

    if (call->condition == WAIT_FOR_REMOVAL)
        return g_error_new(SCD_ERROR, SCD_E_TIMEOUT, "Card %s was not removed in time",
                           call->card_path);
    if (call->condition == WAIT_FOR_CARD)
        return g_error_new_literal(SCD_ERROR, SCD_E_TIMEOUT,
                                   "No matching card was inserted in time");
    return g_error_new_literal(SCD_ERROR, SCD_E_TIMEOUT, "pcscd did not answer in time");
}

static const ScdPendingCallMethod wait_method = {
    .proceed = continue_waiting,
    .ended = handle_ended,
    .new_timeout_error = new_timeout_error,
    .waits_for_event = TRUE,
    .free_data = free_wait_call,
};

static void
reply_with_card(WaitCall *call, const ScdReader *reader)
{
    GVariant *reply =
        g_variant_new("(oo)", scd_reader_path(reader), scd_card_path(scd_reader_card(reader)));

    scd_reply(scd_pending_call_take_invocation(call->pending), reply);
}

static void
reply_without_values(WaitCall *call)
{
    scd_reply(scd_pending_call_take_invocation(call->pending), NULL);
}

static WaitCall *
new_wait_call(ScdWaitCalls *wait_calls, WaitCondition condition, GDBusMethodInvocation *invocation)
{
    WaitCall *call = g_new0(WaitCall, 1);
    const ScdPendingCallParts parts = {
        .authorization = wait_calls->parts.authorization,
        .invocation = invocation,
        .limit = wait_calls->limit,
        .audit = wait_calls->parts.audit,
        .registry = wait_calls->parts.registry,
        .wait_limit_ms = wait_calls->parts.config->wait_limit_s * 1000,
    };

    call->wait_calls = wait_calls;
    call->condition = condition;
    call->pending = scd_pending_call_new(&wait_method, call, &parts);
    g_queue_push_tail(&wait_calls->all, call);
    return call;
}

ScdWaitCalls *
scd_wait_calls_new(const ScdWaitCallsParts *parts)
{
    const ScdLimitRule per_user = {"waiting calls of one user", "WaitersPerUser",
                                   parts->config->waiters_per_user};
    const ScdLimitRule in_all = {"waiting calls", "Waiters", parts->config->wait_calls};
    ScdWaitCalls *wait_calls = g_new0(ScdWaitCalls, 1);

    wait_calls->parts = *parts;
    wait_calls->lost = g_array_new(FALSE, FALSE, sizeof(guint64));
    wait_calls->limit = scd_user_limit_new(&per_user, &in_all);
    return wait_calls;
}

void
scd_wait_calls_free(ScdWaitCalls *wait_calls)
{
    g_assert(g_queue_is_empty(&wait_calls->all));
    scd_user_limit_free(wait_calls->limit);
    g_array_unref(wait_calls->lost);
    g_free(wait_calls);
}

void
scd_wait_calls_end_all(ScdWaitCalls *wait_calls)
{
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_P_SHUTDOWN, "The service is shutting down");

    while (!g_queue_is_empty(&wait_calls->all)) {
        const WaitCall *call = g_queue_peek_head(&wait_calls->all);
        scd_pending_call_fail(call->pending, error);
    }
}

static gboolean
has_matching_card(const WaitCall *call, const ScdReader *reader)
{
    const ScdReaderState *state = scd_reader_state(reader);

    return scd_reader_card(reader) && (state->atr_length > 0 || call->mute) &&
           scd_atr_filter_passes(&call->filter, state->atr, state->atr_length);
}

static gboolean
is_reader_with_matching_card(gpointer name, gpointer reader, gpointer call)
{
    return has_matching_card(call, reader);
}

/* Returns the reader, or NULL if there is no such card now. */
static const ScdReader *
find_matching_card(const WaitCall *call)
{
    if (!call->selector)
        return scd_readers_search(call->wait_calls->parts.readers, is_reader_with_matching_card,
                                  (gpointer)call);

    const ScdReader *reader =
        scd_readers_find(call->wait_calls->parts.readers, call->selector, NULL);
    return reader && has_matching_card(call, reader) ? reader : NULL;
}

/* A reader that is not connected yet is no error. */
static gboolean
check_selector(const WaitCall *call, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (!call->selector ||
        scd_readers_find(call->wait_calls->parts.readers, call->selector, &problem) ||
        g_error_matches(problem, SCD_ERROR, SCD_E_UNKNOWN_READER))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean
read_card_options(WaitCall *call, GVariant *options, ScdCallOptions *call_options, GError **error)
{
    g_autoptr(GVariant) atr = NULL;
    g_autoptr(GVariant) mask = NULL;
    const ScdOption known[] = {
        {"reader", "s", &call->selector},
        {"atr", "@ay", &atr},
        {"atr-mask", "@ay", &mask},
        {"new", "b", &call->new},
        {"mute", "b", &call->mute},
        SCD_CALL_OPTION_ROWS(*call_options),
        {NULL, NULL, NULL},
    };

    return scd_options_read(options, known, error) && scd_call_options_check(call_options, error) &&
           scd_atr_filter_set(&call->filter, atr, mask, error) && check_selector(call, error);
}

void
scd_wait_calls_wait_for_card(ScdWaitCalls *wait_calls, GVariant *arguments,
                             GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 0);
    WaitCall *call = new_wait_call(wait_calls, WAIT_FOR_CARD, invocation);
    g_auto(ScdCallOptions) call_options = {0};
    const ScdReader *reader;
    g_autoptr(GError) error = NULL;

    if (!read_card_options(call, options, &call_options, &error))
        scd_pending_call_fail(call->pending, error);
    else if (!call->new && (reader = find_matching_card(call)))
        reply_with_card(call, reader);
    else
        scd_pending_call_start(call->pending, &call_options);
}

static gboolean
has_card_with_path(gpointer name, gpointer reader, gpointer path)
{
    const ScdCard *card = scd_reader_card(reader);
    return card && g_str_equal(scd_card_path(card), path);
}

static gboolean
was_lost(const ScdWaitCalls *wait_calls, guint64 number)
{
    for (guint i = 0; i < wait_calls->lost->len; i++)
        if (g_array_index(wait_calls->lost, guint64, i) == number)
            return TRUE;
    return FALSE;
}

gboolean
scd_wait_calls_has_lost(const ScdWaitCalls *wait_calls, const char *card_path)
{
    return was_lost(wait_calls, scd_card_number_of_path(card_path));
}

/* Fails if it is not known whether the card was removed. */
static gboolean
check_card(const WaitCall *call, GError **error)
{
    guint64 number = scd_card_number_of_path(call->card_path);

    if (scd_card_was_here(number) && !was_lost(call->wait_calls, number))
        return TRUE;
    g_autofree char *quoted = scd_error_quote(call->card_path);
    if (scd_card_was_here(number))
        g_set_error(error, SCD_ERROR, SCD_E_NO_SERVICE,
                    "pcscd stopped while card %s was in its reader: look whether there is a card "
                    "again",
                    quoted);
    else if (number)
        g_set_error(error, SCD_ERROR, SCD_E_UNKNOWN_CARD,
                    "There has been no card %s since the service started", quoted);
    else
        g_set_error(error, SCD_ERROR, SCD_E_UNKNOWN_CARD, "Not the path of a card: %s", quoted);
    return FALSE;
}

static gboolean
read_removal(WaitCall *call, GVariant *arguments, GVariant *options, ScdCallOptions *call_options,
             GError **error)
{
    g_variant_get_child(arguments, 0, "o", &call->card_path);
    return scd_call_options_read(call_options, options, error) && check_card(call, error);
}

void
scd_wait_calls_wait_for_removal(ScdWaitCalls *wait_calls, GVariant *arguments,
                                GDBusMethodInvocation *invocation)
{
    WaitCall *call = new_wait_call(wait_calls, WAIT_FOR_REMOVAL, invocation);
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 1);
    g_auto(ScdCallOptions) call_options = {0};
    g_autoptr(GError) error = NULL;

    if (!read_removal(call, arguments, options, &call_options, &error))
        scd_pending_call_fail(call->pending, error);
    else if (!scd_readers_search(wait_calls->parts.readers, has_card_with_path, call->card_path))
        reply_without_values(call);
    else
        scd_pending_call_start(call->pending, &call_options);
}

/* One refresh at a time: it serves all calls that arrived before it began. */
static void
refresh_if_requested(ScdWaitCalls *wait_calls)
{
    if (wait_calls->refreshing)
        return;
    for (GList *item = wait_calls->all.head; item; item = item->next) {
        WaitCall *call = item->data;
        if (call->condition != WAIT_FOR_NEXT_REFRESH)
            continue;
        call->condition = WAIT_FOR_REFRESH;
        wait_calls->refreshing = TRUE;
    }
    if (wait_calls->refreshing)
        scd_monitor_refresh(wait_calls->parts.monitor);
}

void
scd_wait_calls_refresh(ScdWaitCalls *wait_calls, GVariant *arguments,
                       GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 0);
    g_auto(ScdCallOptions) call_options = {0};
    GError *error = NULL;

    if (!scd_call_options_read(&call_options, options, &error)) {
        scd_reply_take_error(invocation, error);
        return;
    }
    const WaitCall *call = new_wait_call(wait_calls, WAIT_FOR_NEXT_REFRESH, invocation);
    scd_pending_call_start(call->pending, &call_options);
    refresh_if_requested(wait_calls);
}

static void
handle_card_inserted(WaitCall *call, gpointer reader)
{
    ScdReaders *readers = call->wait_calls->parts.readers;

    if (call->condition == WAIT_FOR_CARD && has_matching_card(call, reader) &&
        (!call->selector || scd_readers_find(readers, call->selector, NULL) == reader))
        reply_with_card(call, reader);
}

/* The card in the reader counts as old: the time of its insertion is not known. */
static void
handle_reader_renamed(WaitCall *call, gpointer reader)
{
    if (!call->new)
        handle_card_inserted(call, reader);
}

static void
handle_card_removed(WaitCall *call, gpointer card_path)
{
    if (call->condition == WAIT_FOR_REMOVAL && g_str_equal(call->card_path, card_path))
        reply_without_values(call);
}

static void
handle_refreshed(WaitCall *call, gpointer unused)
{
    if (call->condition == WAIT_FOR_REFRESH)
        reply_without_values(call);
}

/* The function may end the call that it receives, and no other one. */
static void
dispatch_event(ScdWaitCalls *wait_calls, void (*handle_event)(WaitCall *call, gpointer data),
               gpointer data)
{
    GList *next;

    for (GList *item = wait_calls->all.head; item; item = next) {
        next = item->next;
        handle_event(item->data, data);
    }
}

/* For scd_readers_search(): finds none. */
static gboolean
note_lost_card(gpointer name, gpointer reader, gpointer lost)
{
    const ScdCard *card = scd_reader_card(reader);

    if (card) {
        guint64 number = scd_card_number_of_path(scd_card_path(card));
        g_array_append_val((GArray *)lost, number);
    }
    return FALSE;
}

static void
end_wait_for_removal(WaitCall *call, gpointer error)
{
    if (call->condition == WAIT_FOR_REMOVAL)
        scd_pending_call_fail(call->pending, error);
}

void
scd_wait_calls_pcscd_lost(ScdWaitCalls *wait_calls, const char *trouble)
{
    g_autoptr(GError) error = g_error_new_literal(SCD_ERROR, SCD_E_NO_SERVICE, trouble);

    scd_readers_search(wait_calls->parts.readers, note_lost_card, wait_calls->lost);
    if (wait_calls->lost->len > LOST_CARDS_MAX)
        g_array_remove_range(wait_calls->lost, 0, wait_calls->lost->len - LOST_CARDS_MAX);
    dispatch_event(wait_calls, end_wait_for_removal, error);
}

void
scd_wait_calls_card_inserted(ScdWaitCalls *wait_calls, ScdReader *reader)
{
    dispatch_event(wait_calls, handle_card_inserted, reader);
}

void
scd_wait_calls_card_removed(ScdWaitCalls *wait_calls, const char *card_path)
{
    dispatch_event(wait_calls, handle_card_removed, (gpointer)card_path);
}

void
scd_wait_calls_reader_renamed(ScdWaitCalls *wait_calls, ScdReader *reader)
{
    dispatch_event(wait_calls, handle_reader_renamed, reader);
}

void
scd_wait_calls_refreshed(ScdWaitCalls *wait_calls)
{
    wait_calls->refreshing = FALSE;
    dispatch_event(wait_calls, handle_refreshed, NULL);
    refresh_if_requested(wait_calls);
}
