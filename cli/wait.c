/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl wait: waits until a card is present, or until the present cards are removed. Prints
 * a line for each in the format of monitor.
 */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "base/error.h"
#include "call.h"
#include "command.h"
#include "event.h"

typedef struct {
    const CtlArguments *arguments;
    CtlOutput *output;
    GDBusConnection *bus;
    gint64 end; /* of the time limit: see ctl_call_get_end() */
} CardWait;

static GVariant *
build_options(const char *reader)
{
    g_auto(GVariantBuilder) options = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

    if (reader)
        g_variant_builder_add(&options, "{sv}", "reader", g_variant_new_string(reader));
    return g_variant_builder_end(&options);
}

static char *
describe_wait(const CtlArguments *arguments)
{
    if (arguments->removal && arguments->reader)
        return g_strdup_printf(_("Waiting for the card in '%s' to be removed."), arguments->reader);
    if (arguments->removal)
        return g_strdup(_("Waiting for all cards to be removed."));
    if (arguments->reader)
        return g_strdup_printf(_("Waiting for a card in '%s'."), arguments->reader);
    return g_strdup(_("Waiting for a card."));
}

static GVariant *
call_manager(const CardWait *wait, const char *method, GVariant *arguments, const char *type,
             GError **error)
{
    g_autofree char *status = describe_wait(wait->arguments);
    const CtlCall call = {
        .bus = wait->bus,
        .path = CTL_ROOT_PATH,
        .interface = CTL_INTERFACE_MANAGER,
        .method = method,
        .type = type,
        .end = wait->end,
        .output = wait->arguments->json ? NULL : wait->output,
        .status = status,
    };
    GError *call_error = NULL;
    GVariant *reply = ctl_call_run(&call, arguments, &call_error);

    if (!reply) {
        ctl_client_explain_error(call_error);
        g_propagate_error(error, call_error);
    }
    return reply;
}

static void
print_event(const CardWait *wait, CtlEventKind kind, SmartcarddCard *card)
{
    const CtlEvent event = {.kind = kind, .reader = ctl_reader_view_of_card(card)};

    ctl_event_print(&event, wait->arguments->json, wait->output);
}

static gboolean
print_present_card(const CardWait *wait, GListModel *cards, const char *path, GError **error)
{
    for (guint i = 0; i < g_list_model_get_n_items(cards); i++) {
        g_autoptr(SmartcarddCard) card = g_list_model_get_item(cards, i);
        if (g_str_equal(smartcardd_card_get_object_path(card), path)) {
            print_event(wait, CTL_EVENT_CARD_PRESENT, card);
            return TRUE;
        }
    }
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                        _("a card was present, but its reader has been removed since"));
    return FALSE;
}

static gboolean
wait_for_card(const CardWait *wait, GError **error)
{
    const char *card_path;

    g_autoptr(GVariant) reply = call_manager(
        wait, "WaitForCard", g_variant_new("(@a{sv})", build_options(wait->arguments->reader)),
        "(oo)", error);
    g_autoptr(SmartcarddClient) client = reply ? ctl_client_load(wait->bus, error) : NULL;

    if (!client)
        return FALSE;
    g_variant_get(reply, "(&o&o)", NULL, &card_path);
    return print_present_card(wait, smartcardd_client_get_cards(client), card_path, error);
}

static gboolean
wait_for_one_removal(const CardWait *wait, SmartcarddCard *card, GError **error)
{
    g_autoptr(GVariant) reply = call_manager(
        wait, "WaitForRemoval",
        g_variant_new("(o@a{sv})", smartcardd_card_get_object_path(card), build_options(NULL)),
        "()", error);

    if (!reply)
        return FALSE;
    print_event(wait, CTL_EVENT_CARD_REMOVED, card);
    return TRUE;
}

/* Returns the cards that are present now, in the named reader or in all. */
static GPtrArray *
list_cards(const CardWait *wait, GError **error)
{
    const char *selector = wait->arguments->reader;
    g_autoptr(SmartcarddClient) client = ctl_client_load(wait->bus, error);
    SmartcarddReader *named =
        client && selector ? ctl_client_find_reader(client, selector, error) : NULL;

    if (!client || (selector && !named))
        return NULL;
    GPtrArray *found = g_ptr_array_new_with_free_func(g_object_unref);
    GListModel *cards = smartcardd_client_get_cards(client);
    for (guint i = 0; i < g_list_model_get_n_items(cards); i++) {
        g_autoptr(SmartcarddCard) card = g_list_model_get_item(cards, i);
        if (!named || smartcardd_card_get_reader(card) == named)
            g_ptr_array_add(found, g_steal_pointer(&card));
    }
    return found;
}

static gboolean
wait_for_removal(const CardWait *wait, GError **error)
{
    g_autoptr(GPtrArray) cards = list_cards(wait, error);

    for (guint i = 0; cards && i < cards->len; i++) {
        if (!wait_for_one_removal(wait, cards->pdata[i], error))
            return FALSE;
    }
    return cards != NULL;
}

static void
print_wait_error(const CardWait *wait, const GError *error)
{
    const char *limit = wait->arguments->timeout;

    if (ctl_call_is_interrupted())
        return;
    if (!limit || !g_error_matches(error, SCD_ERROR, SCD_E_TIMEOUT)) {
        ctl_output_print_error(error->message);
        return;
    }
    g_autofree char *message =
        wait->arguments->removal ? g_strdup_printf(_("the card was not removed within %s s"), limit)
                                 : g_strdup_printf(_("no card was inserted within %s s"), limit);
    ctl_output_print_error(message);
}

static int
run_wait(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    gint64 end = ctl_call_get_end(arguments->timeout_us);
    g_autoptr(GDBusConnection) bus = ctl_client_connect(&error);
    const CardWait wait = {
        .arguments = arguments,
        .output = output,
        .bus = bus,
        .end = end,
    };

    if (bus &&
        (arguments->removal ? wait_for_removal(&wait, &error) : wait_for_card(&wait, &error)))
        return EXIT_SUCCESS;
    print_wait_error(&wait, error);
    return ctl_exit_status_get(error);
}

const CtlCommand ctl_command_wait = {
    .name = "wait",
    .argument = N_("[READER]"),
    .summary = N_("Wait until a card is present"),
    .description =
        N_("Succeeds at once if a card is present already. A card that does not answer does\n"
           "not count. Without READER, a card in any reader is enough. The reader, or pcscd,\n"
           "need not be present yet.\n"
           "\n"
           "With --removal, waits until the card that is present is removed; without\n"
           "READER, until all cards that are present are removed.\n"
           "\n"
           "Prints a line for each card as 'monitor' does, with the event card-present or\n"
           "card-removed.\n"
           "\n"
           "The exit status is 3 if the time runs out."),
    .reader = CTL_READER_MAYBE,
    .options = CTL_OPTION_REMOVAL | CTL_OPTION_TIMEOUT,
    .run = run_wait,
};
