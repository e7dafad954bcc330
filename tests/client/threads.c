/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Uses the client library in several threads and main contexts at the same time. There must be a
 * reader with a simulated card. Prints "ok" if all responses were right.
 */

#include <smartcardd-glib.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define CALLS 200
#define IN_FLIGHT 40
#define ROUNDS 5

static void
check(gboolean condition, const char *what, GError *error)
{
    if (condition)
        return;
    g_printerr("%s: %s\n", what, error ? error->message : "failed");
    exit(1);
}

static GBytes *
new_echo(guint32 value)
{
    const guint8 command[] = {0x80,
                              0x10,
                              0,
                              0,
                              4,
                              (guint8)(value >> 24),
                              (guint8)(value >> 16),
                              (guint8)(value >> 8),
                              (guint8)value};

    return g_bytes_new(command, sizeof command);
}

static void
check_echo(GBytes *response, guint32 value, GError *error)
{
    const guint8 expected[] = {(guint8)(value >> 24),
                               (guint8)(value >> 16),
                               (guint8)(value >> 8),
                               (guint8)value,
                               0x90,
                               0x00};

    check(response != NULL, "transmit", error);
    check(g_bytes_get_size(response) == sizeof expected &&
              memcmp(g_bytes_get_data(response, NULL), expected, sizeof expected) == 0,
          "a response belongs to another command", NULL);
}

static gpointer
transmit_in_thread(gpointer data)
{
    SmartcarddSession *session = data;

    for (guint i = 0; i < CALLS; i++) {
        g_autoptr(GError) error = NULL;
        guint32 value = g_random_int();
        g_autoptr(GBytes) command = new_echo(value);
        g_autoptr(GBytes) response =
            smartcardd_session_transmit(session, command, i % 3 == 0 ? 10000 : -1, NULL, &error);
        check_echo(response, value, error);
    }
    return NULL;
}

typedef struct {
    SmartcarddSession *session;
    GCancellable *cancellable;
    guint pending;
} AsyncCalls;

static void
handle_response(GObject *source, GAsyncResult *result, gpointer data)
{
    AsyncCalls *calls = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) response =
        smartcardd_session_transmit_finish(SMARTCARDD_SESSION(source), result, &error);

    calls->pending--;
    check(response || g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_CANCELLED),
          "transmit_async", error);
}

/* In a main context of its own: every third call can be cancelled, and all of these are. */
static gpointer
transmit_in_context(gpointer data)
{
    g_autoptr(GMainContext) context = g_main_context_new();

    g_main_context_push_thread_default(context);
    for (guint round = 0; round < ROUNDS; round++) {
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        AsyncCalls calls = {data, cancellable, IN_FLIGHT};
        for (guint i = 0; i < IN_FLIGHT; i++) {
            g_autoptr(GBytes) command = new_echo(i);
            smartcardd_session_transmit_async(calls.session, command, i % 2 == 0 ? 10000 : -1,
                                              i % 3 == 0 ? cancellable : NULL, handle_response,
                                              &calls);
        }
        if (round % 2 == 0)
            g_cancellable_cancel(cancellable);
        while (calls.pending > 0)
            g_main_context_iteration(context, TRUE);
    }
    g_main_context_pop_thread_default(context);
    return NULL;
}

static gpointer
cancel_in_thread(gpointer data)
{
    g_cancellable_cancel(data);
    return NULL;
}

/* A synchronous call is cancelled by another thread; it may also be faster than that. */
static void
cancel_from_thread(SmartcarddSession *session)
{
    for (guint i = 0; i < 20; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_autoptr(GBytes) command = new_echo(i);
        GThread *thread = g_thread_new("cancel", cancel_in_thread, cancellable);
        g_autoptr(GBytes) response =
            smartcardd_session_transmit(session, command, -1, cancellable, &error);
        if (response)
            check_echo(response, i, NULL);
        else
            check(g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_CANCELLED), "cancel",
                  error);
        g_thread_join(thread);
    }
}

static SmartcarddSession *
open_session(SmartcarddClient *client)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SmartcarddCard) card = g_list_model_get_item(smartcardd_client_get_cards(client), 0);

    check(card != NULL, "there is no card", NULL);
    SmartcarddSession *session =
        smartcardd_card_open_session(card, SMARTCARDD_SHARE_MODE_SHARED, SMARTCARDD_PROTOCOLS_ANY,
                                     SMARTCARDD_TIMEOUT_DEFAULT, NULL, &error);
    check(session != NULL, "open_session", error);
    return session;
}

static void
handle_client(GObject *source, GAsyncResult *result, gpointer data)
{
    SmartcarddClient **client = data;
    g_autoptr(GError) error = NULL;

    *client = smartcardd_client_create_finish(result, &error);
    check(*client != NULL, "create_async", error);
}

/* A client in a main context of its own, made synchronously or not. */
static gpointer
use_client_in_context(gpointer asynchronously)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(SmartcarddClient) client = NULL;

    g_main_context_push_thread_default(context);
    if (asynchronously)
        smartcardd_client_create_async(NULL, handle_client, &client);
    else
        client = smartcardd_client_new(NULL, &error);
    while (!client && !error)
        g_main_context_iteration(context, TRUE);
    check(client != NULL, "client", error);
    g_autoptr(SmartcarddCard) card =
        smartcardd_client_wait_for_card(client, NULL, SMARTCARDD_TIMEOUT_NONE, NULL, &error);
    check(card != NULL, "wait_for_card", error);
    SmartcarddSession *session = open_session(client);
    transmit_in_thread(session);
    g_object_unref(session);
    g_clear_object(&client);
    while (g_main_context_iteration(context, FALSE)) /* GDBus frees what was subscribed */
        ;
    g_main_context_pop_thread_default(context);
    return NULL;
}

static void
note_reset(SmartcarddSession *session, gpointer data)
{
    GThread **thread = data;

    *thread = g_thread_self();
}

static void
reconnect(SmartcarddSession *session, SmartcarddDisposition initialization)
{
    g_autoptr(GError) error = NULL;
    gboolean ok = smartcardd_session_reconnect(session, SMARTCARDD_SHARE_MODE_SHARED,
                                               SMARTCARDD_PROTOCOLS_ANY, initialization,
                                               SMARTCARDD_TIMEOUT_DEFAULT, NULL, &error);

    check(ok, "reconnect", error);
}

static gpointer
reset_and_use_in_thread(gpointer session)
{
    reconnect(session, SMARTCARDD_DISPOSITION_RESET);
    return transmit_in_thread(session);
}

/* card-reset is emitted in the main context of the client, in whichever thread the reset was. */
static void
share_card(SmartcarddClient *client)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SmartcarddSession) mine = open_session(client);
    g_autoptr(SmartcarddSession) other = open_session(client);
    GThread *told_in = NULL;

    g_signal_connect(mine, "card-reset", G_CALLBACK(note_reset), &told_in);
    g_thread_join(g_thread_new("reset", reset_and_use_in_thread, other));
    while (!told_in)
        g_main_context_iteration(NULL, TRUE);
    check(told_in == g_thread_self(), "card-reset came in another thread", NULL);
    reconnect(mine, SMARTCARDD_DISPOSITION_LEAVE);
    g_autoptr(SmartcarddTransaction) transaction =
        smartcardd_session_begin_transaction(mine, SMARTCARDD_TIMEOUT_DEFAULT, NULL, &error);
    check(transaction && smartcardd_transaction_get_card_used(transaction), "card_used", error);
}

/* The default context is run by the main thread, and another thread makes a client for it. */
static gpointer
make_client_for_main_thread(gpointer loop)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SmartcarddClient) client = smartcardd_client_new(NULL, &error);

    check(client != NULL, "client of another thread's context", error);
    g_main_loop_quit(loop);
    return NULL;
}

int
main(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    GThread *threads[2 * THREADS];

    g_autoptr(SmartcarddClient) client = smartcardd_client_new(NULL, &error);
    check(client != NULL, "client", error);
    g_autoptr(SmartcarddSession) session = open_session(client);
    for (guint i = 0; i < THREADS; i++) {
        threads[i] = g_thread_new("transmit", transmit_in_thread, session);
        threads[THREADS + i] = g_thread_new("async", transmit_in_context, session);
    }
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    cancel_from_thread(session);
    share_card(client);
    for (guint i = 0; i < 2; i++)
        g_thread_join(g_thread_new("client", use_client_in_context, GUINT_TO_POINTER(i)));
    GThread *maker = g_thread_new("maker", make_client_for_main_thread, loop);
    g_main_loop_run(loop);
    g_thread_join(maker);
    g_print("ok\n");
    return 0;
}
