/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl wait: waits until a card is present, or until the present cards are removed. Prints
 * a line for each in the format of monitor. Restarts of pcscd and of the service do not end it.
 */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "client.h"
#include "command.h"
#include "event.h"
#include "reader-view.h"
#include "waiting.h"
#include "watch-run.h"

/*
 * The cards that the command has seen, across restarts of pcscd and of the service. After a
 * restart, a card with the same ATR in the same reader counts as the same card. A card counts as
 * removed if it is not back within a few seconds, or if another card is in its reader.
 */

typedef struct {
    void (*returned)(SmartcarddCard *card, gpointer data); /* after a restart; NULL for none */
    void (*removed)(SmartcarddCard *card, gpointer data);  /* NULL for none */
} SeenCardsFunctions;

/* How long pcscd may take to find a reader and its card again; the reader is empty at first. */
#define RETURN_LIMIT_S 5

typedef struct {
    SmartcarddCard *card;
    gboolean lost; /* pcscd or the service has gone since */
} SeenCard;

typedef struct {
    const SeenCardsFunctions *functions;
    gpointer data;
    GPtrArray *cards; /* of SeenCard */
    guint timer;      /* ends the wait for lost cards; 0 when not pending */
} SeenCards;

static void
free_seen_card(gpointer data)
{
    SeenCard *one = data;

    g_object_unref(one->card);
    g_free(one);
}

static SeenCards *
new_seen_cards(const SeenCardsFunctions *functions, gpointer data)
{
    SeenCards *seen = g_new0(SeenCards, 1);

    seen->functions = functions;
    seen->data = data;
    seen->cards = g_ptr_array_new_with_free_func(free_seen_card);
    return seen;
}

static void
free_seen_cards(SeenCards *seen)
{
    g_clear_handle_id(&seen->timer, g_source_remove);
    g_ptr_array_unref(seen->cards);
    g_free(seen);
}

/* card: a reference is kept until the card is removed */
static void
remember_card(SeenCards *seen, SmartcarddCard *card)
{
    SeenCard *one = g_new0(SeenCard, 1);

    one->card = g_object_ref(card);
    g_ptr_array_add(seen->cards, one);
}

static guint
count_seen_cards(const SeenCards *seen)
{
    return seen->cards->len;
}

static void
remove_seen_card(SeenCards *seen, SeenCard *one)
{
    g_autoptr(SmartcarddCard) card = g_object_ref(one->card);

    g_ptr_array_remove(seen->cards, one);
    if (seen->functions->removed)
        seen->functions->removed(card, seen->data);
}

static void
lose_all(SeenCards *seen)
{
    g_clear_handle_id(&seen->timer, g_source_remove);
    for (guint i = 0; i < seen->cards->len; i++)
        ((SeenCard *)seen->cards->pdata[i])->lost = TRUE;
}

static gboolean
end_return(gpointer data)
{
    SeenCards *seen = data;

    seen->timer = 0;
    for (guint i = seen->cards->len; i > 0; i--) {
        SeenCard *one = seen->cards->pdata[i - 1];
        if (one->lost)
            remove_seen_card(seen, one);
    }
    return G_SOURCE_REMOVE;
}

static void
start_return(SeenCards *seen)
{
    g_clear_handle_id(&seen->timer, g_source_remove);
    seen->timer = g_timeout_add_seconds(RETURN_LIMIT_S, end_return, seen);
}

/* Returns the card that was lost in this reader, or NULL. */
static SeenCard *
find_lost_card(const SeenCards *seen, const CtlReaderView *reader)
{
    for (guint i = 0; i < seen->cards->len; i++) {
        SeenCard *one = seen->cards->pdata[i];
        SmartcarddReader *old = smartcardd_card_get_reader(one->card);
        if (one->lost && g_str_equal(smartcardd_reader_get_object_path(old), reader->path))
            return one;
    }
    return NULL;
}

static SeenCard *
find_card(const SeenCards *seen, const char *path)
{
    for (guint i = 0; i < seen->cards->len; i++) {
        SeenCard *one = seen->cards->pdata[i];
        if (!one->lost && g_str_equal(smartcardd_card_get_object_path(one->card), path))
            return one;
    }
    return NULL;
}

static gboolean
handle_seen_reader(SeenCards *seen, const CtlReaderView *reader)
{
    SmartcarddCard *card = smartcardd_reader_get_card(reader->reader);
    SeenCard *lost = find_lost_card(seen, reader);

    if (!lost || !card)
        return FALSE;
    if (!g_bytes_equal(smartcardd_card_get_atr(card), smartcardd_card_get_atr(lost->card))) {
        remove_seen_card(seen, lost);
        return FALSE;
    }
    g_set_object(&lost->card, card);
    lost->lost = FALSE;
    if (seen->functions->returned)
        seen->functions->returned(card, seen->data);
    return TRUE;
}

static gboolean
forget_removed_card(SeenCards *seen, const CtlReaderView *reader)
{
    SeenCard *one = find_card(seen, reader->card_path);

    if (!one)
        return FALSE;
    remove_seen_card(seen, one);
    return TRUE;
}

/*
 * Handles an event; to be called for each one. Returns TRUE if the event is for a card that was
 * seen: it is back after a restart, or was removed.
 */
static gboolean
handle_seen_cards(SeenCards *seen, const CtlEvent *event)
{
    switch (event->kind) {
    case CTL_EVENT_PCSCD_GONE:
    case CTL_EVENT_SERVICE_GONE:
        lose_all(seen);
        return FALSE;
    case CTL_EVENT_PCSCD_BACK:
    case CTL_EVENT_SERVICE_BACK:
        start_return(seen);
        return FALSE;
    case CTL_EVENT_CARD_PRESENT:
    case CTL_EVENT_CARD_INSERTED:
        return handle_seen_reader(seen, &event->reader);
    case CTL_EVENT_CARD_REMOVED:
        return forget_removed_card(seen, &event->reader);
    default:
        return FALSE;
    }
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SeenCards, free_seen_cards)

typedef struct {
    const CtlArguments *arguments;
    CtlOutput *output;
    CtlWatchRun *run; /* set with the first event */
    CtlCardFilter filter;
    SeenCards *seen; /* those that do not count any more; with --removal, those that have to go */
    guint left;      /* cards to print */
    gboolean loaded; /* the objects that are present at the start have been seen */
} CardWait;

/* Returns the status of a command that waits for certain cards, which may be present already. */
static char *
describe_wait_for_atr(const CtlArguments *arguments)
{
    const char *reader = arguments->reader;

    if (arguments->removal)
        return g_strdup(_("Waiting for the cards with this ATR to be removed."));
    if (arguments->only_new && reader)
        return g_strdup_printf(_("Waiting for a new card with this ATR in '%s'."), reader);
    if (arguments->only_new)
        return g_strdup(_("Waiting for a new card with this ATR."));
    if (reader)
        return g_strdup_printf(_("Waiting for a card with this ATR in '%s'."), reader);
    return g_strdup(_("Waiting for a card with this ATR."));
}

static char *
describe_wait(gpointer data)
{
    const CtlArguments *arguments = ((CardWait *)data)->arguments;
    const char *reader = arguments->reader;

    if (arguments->atr)
        return describe_wait_for_atr(arguments);
    if (arguments->removal && reader)
        return g_strdup_printf(_("Waiting for the card in '%s' to be removed."), reader);
    if (arguments->removal && arguments->card)
        return g_strdup(_("Waiting for the card to be removed."));
    if (arguments->removal)
        return g_strdup(_("Waiting for all cards to be removed."));
    if (arguments->only_new && reader)
        return g_strdup_printf(_("Waiting for a new card in '%s'."), reader);
    if (arguments->only_new)
        return g_strdup(_("Waiting for a new card."));
    if (reader)
        return g_strdup_printf(_("Waiting for a card in '%s'."), reader);
    return g_strdup(_("Waiting for a card."));
}

/* The last one that is left ends the command. */
static void
print_card(CardWait *wait, CtlEventKind kind, SmartcarddCard *card)
{
    const CtlEvent event = {.kind = kind, .reader = ctl_reader_view_of_card(card)};

    ctl_event_print(&event, wait->arguments->json, wait->output);
    if (--wait->left == 0)
        ctl_watch_run_stop(wait->run, EXIT_SUCCESS);
}

static void
handle_removed_card(SmartcarddCard *card, gpointer data)
{
    CardWait *wait = data;

    if (wait->arguments->removal && wait->left > 0)
        print_card(wait, CTL_EVENT_CARD_REMOVED, card);
}

static void
handle_returned_card(SmartcarddCard *card, gpointer data)
{
    CardWait *wait = data;
    CtlReaderView reader = ctl_reader_view_of_card(card);
    g_autofree char *name = ctl_describe_reader(&reader);
    g_autofree char *note = g_strdup_printf(_("The same card is still in '%s'."), name);

    ctl_watch_run_note(wait->run, note);
}

/* Prints a note when pcscd or the service stops or is back while the command waits. */
static void
print_restart_note(CardWait *wait, const CtlEvent *event)
{
    switch (event->kind) {
    case CTL_EVENT_PCSCD_GONE:
        ctl_watch_run_note(wait->run, _("pcscd has stopped; waiting for it to come back."));
        break;
    case CTL_EVENT_SERVICE_GONE:
        ctl_watch_run_note(wait->run, _("smartcardd has stopped; waiting for it to come back."));
        break;
    case CTL_EVENT_PCSCD_BACK:
        ctl_watch_run_note(wait->run, _("pcscd is back."));
        break;
    case CTL_EVENT_SERVICE_BACK:
        ctl_watch_run_note(wait->run, _("smartcardd is back."));
        break;
    default:
        break;
    }
}

/* A card that was not seen before is present. */
static void
handle_new_card(CardWait *wait, const CtlEvent *event)
{
    const CtlReaderView *reader = &event->reader;
    SmartcarddCard *card = smartcardd_reader_get_card(reader->reader);
    gboolean fits = card && ctl_card_filter_fits_card(&wait->filter,
                                                      ctl_watch_run_get_client(wait->run), reader);

    if (wait->arguments->removal) {
        if (!wait->loaded && fits)
            remember_card(wait->seen, card);
    } else if (card && wait->arguments->only_new && !wait->loaded) {
        remember_card(wait->seen, card);
    } else if (fits) {
        remember_card(wait->seen, card);
        print_card(wait, CTL_EVENT_CARD_PRESENT, card);
    }
}

static void
handle_event(CtlWatchRun *run, const CtlEvent *event, gpointer data)
{
    CardWait *wait = data;

    wait->run = run;
    if (wait->loaded)
        print_restart_note(wait, event);
    if (!handle_seen_cards(wait->seen, event) &&
        (event->kind == CTL_EVENT_CARD_PRESENT || event->kind == CTL_EVENT_CARD_INSERTED))
        handle_new_card(wait, event);
}

/* A reader that is not there has no card that could be removed. */
static gboolean
check_removal(CardWait *wait, SmartcarddClient *client, GError **error)
{
    return ctl_client_check_pcscd(client, error) &&
           (!wait->arguments->reader ||
            ctl_client_find_reader(client, wait->arguments->reader, error));
}

static void
handle_loaded(CtlWatchRun *run, gpointer data)
{
    CardWait *wait = data;
    g_autoptr(GError) error = NULL;

    wait->run = run;
    wait->loaded = TRUE;
    if (!wait->arguments->removal)
        return;
    if (!check_removal(wait, ctl_watch_run_get_client(run), &error)) {
        ctl_watch_run_stop(run, ctl_exit_status_get(error)); /* erases the status */
        ctl_command_print_error(error);
        return;
    }
    guint present = count_seen_cards(wait->seen);
    if (present == 0)
        ctl_watch_run_stop(run, EXIT_SUCCESS);
    wait->left = wait->arguments->count ? MIN(wait->arguments->count, present) : present;
}

static char *
describe_time_limit(const CardWait *wait)
{
    const CtlArguments *arguments = wait->arguments;

    if (!arguments->removal && wait->left < arguments->count)
        return g_strdup_printf(_("only %u of %u cards were inserted within %s s"),
                               arguments->count - wait->left, arguments->count, arguments->timeout);
    return g_strdup_printf(arguments->removal ? _("the card was not removed within %s s")
                                              : _("no card was inserted within %s s"),
                           arguments->timeout);
}

static void
handle_time_limit(CtlWatchRun *run, gpointer data)
{
    g_autofree char *message = describe_time_limit(data);

    ctl_watch_run_stop(run, CTL_STATUS_TIMEOUT);
    ctl_output_print_error(message);
}

static void
handle_interrupt(CtlWatchRun *run, int number, gpointer data)
{
    ctl_waiting_set_interrupted(number);
    ctl_watch_run_stop(run, EXIT_FAILURE);
}

static int
run_with_filter(CardWait *wait)
{
    static const CtlWatchRunFunctions functions = {
        .happened = handle_event,
        .loaded = handle_loaded,
        .timed_out = handle_time_limit,
        .interrupted = handle_interrupt,
        .describe = describe_wait,
    };
    static const SeenCardsFunctions seen_functions = {handle_returned_card, handle_removed_card};

    wait->seen = new_seen_cards(&seen_functions, wait);
    int status = ctl_watch_run(wait->arguments, wait->output, &functions, wait);
    free_seen_cards(wait->seen);
    return status;
}

/* Returns the problem with a combination of options, NULL when there is none. */
static const char *
find_option_conflict(const CtlArguments *arguments)
{
    if (arguments->removal && arguments->only_new)
        return _("--removal and --new cannot be used together");
    if (arguments->card && !arguments->removal)
        return _("--card needs --removal");
    return NULL;
}

static int
run_wait(const CtlArguments *arguments, CtlOutput *output)
{
    const char *reader[] = {arguments->reader, NULL};
    const char *wrong = find_option_conflict(arguments);
    g_auto(CtlCardFilter) filter = {
        .readers = arguments->reader ? reader : NULL,
        .others = arguments->not_readers,
        .card_path = arguments->card,
        .mute = arguments->mute || arguments->removal,
    };

    if (wrong)
        return ctl_command_print_usage_error(wrong);
    if (arguments->atr && !ctl_card_filter_parse_atr(&filter, arguments->atr))
        return ctl_command_print_usage_error(_(
            "--atr takes an ATR, and after '/' a mask of the same length, in hexadecimal digits"));
    CardWait wait = {
        .arguments = arguments,
        .output = output,
        .filter = filter,
        .left = MAX(arguments->count, 1),
    };
    return run_with_filter(&wait);
}

const CtlCommand ctl_command_wait = {
    .name = "wait",
    .argument = N_("[READER]"),
    .summary = N_("Wait until a card is present"),
    .description =
        N_("Succeeds at once if a card is present already, unless --new is given. A card\n"
           "that does not answer counts only with --mute. Without READER, a card in any\n"
           "reader is enough, except in those of --not, which may be repeated. The reader,\n"
           "or pcscd, need not be present yet. With --count, waits for several cards.\n"
           "\n"
           "A card fits --atr if all bits of its ATR that are set in the mask are equal;\n"
           "without a mask, if the whole ATR is equal.\n"
           "\n"
           "With --removal, waits until the card that is present is removed; without\n"
           "READER, until all cards that are present are removed. --card names one card,\n"
           "and succeeds at once if it is not present any more.\n"
           "\n"
           "Prints a line for each card as 'monitor' does, with the event card-present or\n"
           "card-removed.\n"
           "\n"
           "If pcscd or smartcardd restarts, the command waits on. A card with the same ATR\n"
           "in the same reader is then the same card.\n"
           "\n"
           "The exit status is 3 if the time runs out."),
    .reader = CTL_READER_MAYBE,
    .options = CTL_OPTION_NEW | CTL_OPTION_REMOVAL | CTL_OPTION_ATR | CTL_OPTION_CARD |
               CTL_OPTION_NOT | CTL_OPTION_MUTE | CTL_OPTION_COUNT | CTL_OPTION_TIMEOUT,
    .run = run_wait,
};
