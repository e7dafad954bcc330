/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/watch-list.h"

#include <winscard.h>

#include "pcsc/reader-list.h"

#define PLUG_AND_PLAY "\\\\?PnP?\\Notification"

typedef struct {
    char *name;
    DWORD current;         /* what SCardGetStatusChange compares with */
    ScdReaderState *state; /* NULL until the first look */
} Row;

struct ScdWatchList {
    GThread *owner;
    GArray *rows;              /* of Row, in the order of arrival */
    GArray *entries;           /* of SCARD_READERSTATE, made for each call */
    DWORD plug_and_play;       /* what the plug-and-play entry is compared with */
    gboolean no_plug_and_play; /* as many readers as one call takes: no room for that entry */
    gboolean doubtful;
    gboolean saw_all; /* by the last call of SCardGetStatusChange */
    guint generation;
};

static void
clear_row(gpointer data)
{
    Row *row = data;
    g_clear_pointer(&row->state, scd_reader_state_unref);
    g_clear_pointer(&row->name, g_free);
}

static Row *
row_at(const ScdWatchList *list, guint index)
{
    return &g_array_index(list->rows, Row, index);
}

ScdWatchList *
scd_watch_list_new(void)
{
    ScdWatchList *list = g_new0(ScdWatchList, 1);
    list->owner = g_thread_self();
    list->rows = g_array_new(FALSE, FALSE, sizeof(Row));
    g_array_set_clear_func(list->rows, clear_row);
    list->entries = g_array_new(FALSE, TRUE, sizeof(SCARD_READERSTATE));
    return list;
}

void
scd_watch_list_free(ScdWatchList *list)
{
    g_array_unref(list->rows);
    g_array_unref(list->entries);
    g_free(list);
}

void
scd_watch_list_reset(ScdWatchList *list)
{
    g_array_set_size(list->rows, 0);
    list->plug_and_play = 0;
    list->no_plug_and_play = FALSE;
    list->doubtful = TRUE;
    list->generation++;
}

static gboolean
somebody_left(const ScdWatchList *list, const ScdReaderList *readers)
{
    for (guint i = 0; i < list->rows->len; i++)
        if (!g_hash_table_contains(readers->set, row_at(list, i)->name))
            return TRUE;
    return FALSE;
}

static void
list_changed(ScdWatchList *list)
{
    list->generation++;
    list->no_plug_and_play = FALSE;
}

static void
drop_those_who_left(ScdWatchList *list, const ScdReaderList *readers)
{
    for (guint i = list->rows->len; i-- > 0;) {
        if (g_hash_table_contains(readers->set, row_at(list, i)->name))
            continue;
        g_array_remove_index(list->rows, i);
        list_changed(list);
    }
}

static void
add_those_who_came(ScdWatchList *list, const ScdReaderList *readers)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < list->rows->len; i++)
        g_hash_table_add(known, row_at(list, i)->name);

    for (guint i = 0; i < readers->names->len; i++) {
        const char *name = readers->names->pdata[i];
        if (g_hash_table_contains(known, name))
            continue;
        Row row = {.name = g_strdup(name), .current = SCARD_STATE_UNAWARE};
        g_array_append_val(list->rows, row);
        list_changed(list);
    }
}

guint32
scd_watch_list_enumerate(ScdWatchList *list, long context)
{
    g_assert(g_thread_self() == list->owner);

    g_autoptr(ScdReaderList) readers = NULL;
    guint32 code = scd_reader_list_ask(context, &readers);
    if (code == SCARD_S_SUCCESS && readers->sane && somebody_left(list, readers)) {
        g_clear_pointer(&readers, scd_reader_list_free);
        code = scd_reader_list_ask(context, &readers);
    }
    if (code != SCARD_S_SUCCESS)
        return code;

    if (readers->sane)
        drop_those_who_left(list, readers);
    add_those_who_came(list, readers);
    list->doubtful = !readers->sane;
    return SCARD_S_SUCCESS;
}

/*
 * pcscd changes a state and its event count one after the other, and a look can
 * fall between: then the count is about to follow.
 */
static guint16
settled_event_count(const ScdReaderState *before, DWORD event)
{
    guint16 count = event >> 16;

    if (!before)
        return count;
    if (event & SCARD_STATE_UNAVAILABLE)
        return before->event_count;
    if (scd_reader_state_has_card(before) != ((event & SCARD_STATE_PRESENT) != 0) &&
        count == before->event_count)
        return count + 1;
    return count;
}

static void
take_in(ScdWatchList *list, Row *row, const SCARD_READERSTATE *entry)
{
    DWORD event = entry->dwEventState & ~(DWORD)SCARD_STATE_CHANGED;

    if (event & SCARD_STATE_UNKNOWN) {
        list->doubtful = TRUE;
        list->saw_all = FALSE;
        return;
    }
    row->current = event;

    gsize atr_length = event & SCARD_STATE_PRESENT ? MIN(entry->cbAtr, SCD_ATR_SIZE_MAX) : 0;
    g_autoptr(ScdReaderState) state =
        scd_reader_state_new(row->name, event & 0xFFFF, settled_event_count(row->state, event),
                             entry->rgbAtr, atr_length);
    if (row->state && scd_reader_state_equal(row->state, state))
        return;
    g_clear_pointer(&row->state, scd_reader_state_unref);
    row->state = g_steal_pointer(&state);
}

/*
 * Before 2.3 this entry does not count, and misses what comes between two waits;
 * 2.5 may leave the count out of one answer, and then calls the next one no
 * change, whatever came meanwhile. So any other count than the last is one.
 */
static void
take_in_plug_and_play(ScdWatchList *list, DWORD event)
{
    DWORD last = list->plug_and_play;

    list->plug_and_play = event & ~(DWORD)SCARD_STATE_CHANGED;
    if ((event & SCARD_STATE_CHANGED) || event >> 16 == 0 || event >> 16 != last >> 16)
        list->doubtful = TRUE;
}

/*
 * A look asks as if nothing were known: libpcsclite answers that at once, and
 * does not register for events, which is where it stumbles over those that come.
 */
static void
make_entries(ScdWatchList *list, gboolean look)
{
    guint n = list->rows->len;

    g_array_set_size(list->entries, 0);
    g_array_set_size(list->entries, n + 1);
    SCARD_READERSTATE *entries = (SCARD_READERSTATE *)list->entries->data;
    for (guint i = 0; i < n; i++) {
        entries[i].szReader = row_at(list, i)->name;
        entries[i].dwCurrentState = look ? SCARD_STATE_UNAWARE : row_at(list, i)->current;
    }
    entries[n].szReader = PLUG_AND_PLAY;
    entries[n].dwCurrentState = list->plug_and_play;
}

guint32
scd_watch_list_wait(ScdWatchList *list, long context, guint timeout_ms)
{
    g_assert(g_thread_self() == list->owner);

    guint n = list->rows->len;
    make_entries(list, timeout_ms == 0);
    SCARD_READERSTATE *entries = (SCARD_READERSTATE *)list->entries->data;

    guint32 code =
        SCardGetStatusChange(context, timeout_ms, entries, list->no_plug_and_play ? n : n + 1);
    if (code == SCARD_E_INVALID_PARAMETER && !list->no_plug_and_play && n > 0) {
        list->no_plug_and_play = TRUE;
        code = SCardGetStatusChange(context, timeout_ms, entries, n);
    }
    list->saw_all = code == SCARD_S_SUCCESS || code == SCARD_E_TIMEOUT;
    if (!list->saw_all) {
        list->doubtful = TRUE;
        return code;
    }
    for (guint i = 0; i < n; i++)
        take_in(list, row_at(list, i), &entries[i]);
    if (list->no_plug_and_play)
        list->doubtful = TRUE;
    else
        take_in_plug_and_play(list, entries[n].dwEventState);
    return code;
}

gboolean
scd_watch_list_is_doubtful(const ScdWatchList *list)
{
    return list->doubtful;
}

gboolean
scd_watch_list_saw_all(const ScdWatchList *list)
{
    return list->saw_all;
}

gboolean
scd_watch_list_has_unseen(const ScdWatchList *list)
{
    for (guint i = 0; i < list->rows->len; i++)
        if (!row_at(list, i)->state)
            return TRUE;
    return FALSE;
}

gboolean
scd_watch_list_misses_none(const ScdWatchList *list)
{
    return !list->no_plug_and_play && list->plug_and_play >> 16 != 0;
}

guint
scd_watch_list_generation(const ScdWatchList *list)
{
    return list->generation;
}

GPtrArray *
scd_watch_list_states(const ScdWatchList *list)
{
    GPtrArray *states =
        g_ptr_array_new_full(list->rows->len, (GDestroyNotify)scd_reader_state_unref);
    for (guint i = 0; i < list->rows->len; i++)
        if (row_at(list, i)->state)
            g_ptr_array_add(states, scd_reader_state_ref(row_at(list, i)->state));
    return states;
}
