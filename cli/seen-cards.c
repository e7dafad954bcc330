/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "seen-cards.h"

/* How long pcscd may take to find a reader and its card again; the reader is empty at first. */
#define RETURN_LIMIT_S 5

typedef struct {
    SmartcarddCard *card;
    gboolean lost; /* pcscd or the service has gone since */
} SeenCard;

struct CtlSeenCards {
    const CtlSeenCardsFunctions *functions;
    gpointer data;
    GPtrArray *cards; /* of SeenCard */
    guint timer;      /* ends the wait for lost cards; 0 when not pending */
};

static void
free_seen_card(gpointer data)
{
    SeenCard *one = data;

    g_object_unref(one->card);
    g_free(one);
}

CtlSeenCards *
ctl_seen_cards_new(const CtlSeenCardsFunctions *functions, gpointer data)
{
    CtlSeenCards *seen = g_new0(CtlSeenCards, 1);

    seen->functions = functions;
    seen->data = data;
    seen->cards = g_ptr_array_new_with_free_func(free_seen_card);
    return seen;
}

void
ctl_seen_cards_free(CtlSeenCards *seen)
{
    g_clear_handle_id(&seen->timer, g_source_remove);
    g_ptr_array_unref(seen->cards);
    g_free(seen);
}

void
ctl_seen_cards_add(CtlSeenCards *seen, SmartcarddCard *card)
{
    SeenCard *one = g_new0(SeenCard, 1);

    one->card = g_object_ref(card);
    g_ptr_array_add(seen->cards, one);
}

guint
ctl_seen_cards_count(const CtlSeenCards *seen)
{
    return seen->cards->len;
}

static void
remove_seen_card(CtlSeenCards *seen, SeenCard *one)
{
    g_autoptr(SmartcarddCard) card = g_object_ref(one->card);

    g_ptr_array_remove(seen->cards, one);
    if (seen->functions->removed)
        seen->functions->removed(card, seen->data);
}

static void
lose_all(CtlSeenCards *seen)
{
    g_clear_handle_id(&seen->timer, g_source_remove);
    for (guint i = 0; i < seen->cards->len; i++)
        ((SeenCard *)seen->cards->pdata[i])->lost = TRUE;
}

static gboolean
end_return(gpointer data)
{
    CtlSeenCards *seen = data;

    seen->timer = 0;
    for (guint i = seen->cards->len; i > 0; i--) {
        SeenCard *one = seen->cards->pdata[i - 1];
        if (one->lost)
            remove_seen_card(seen, one);
    }
    return G_SOURCE_REMOVE;
}

static void
start_return(CtlSeenCards *seen)
{
    g_clear_handle_id(&seen->timer, g_source_remove);
    seen->timer = g_timeout_add_seconds(RETURN_LIMIT_S, end_return, seen);
}

/* Returns the card that was lost in this reader, or NULL. */
static SeenCard *
find_lost_card(const CtlSeenCards *seen, const CtlReaderView *reader)
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
find_card(const CtlSeenCards *seen, const char *path)
{
    for (guint i = 0; i < seen->cards->len; i++) {
        SeenCard *one = seen->cards->pdata[i];
        if (!one->lost && g_str_equal(smartcardd_card_get_object_path(one->card), path))
            return one;
    }
    return NULL;
}

static gboolean
handle_new_card(CtlSeenCards *seen, const CtlReaderView *reader)
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
handle_removed_card(CtlSeenCards *seen, const CtlReaderView *reader)
{
    SeenCard *one = find_card(seen, reader->card_path);

    if (!one)
        return FALSE;
    remove_seen_card(seen, one);
    return TRUE;
}

gboolean
ctl_seen_cards_handle(CtlSeenCards *seen, const CtlEvent *event)
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
        return handle_new_card(seen, &event->reader);
    case CTL_EVENT_CARD_REMOVED:
        return handle_removed_card(seen, &event->reader);
    default:
        return FALSE;
    }
}
