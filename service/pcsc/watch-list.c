/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/watch-list.h"

#include <string.h>
#include <winscard.h>

#include "base/reader-name.h"
#include "pcsc/pcscd-socket.h"

#define PLUG_AND_PLAY "\\\\?PnP?\\Notification"

/* The most answers of SCardListReaders that are read at once. */
#define ANSWERS_MAX 3

/* One answer of SCardListReaders: each name once. */
typedef struct {
    GPtrArray *names; /* of char *, in pcscd's order */
    GHashTable *set;  /* the same names */
} ScdReaderList;

typedef struct {
    char *name;
    DWORD current;         /* SCardGetStatusChange returns when the state differs from this */
    ScdReaderState *state; /* NULL until it has been read */
} ScdWatchRow;

struct ScdWatchList {
    GThread *owner;
    GArray *rows;              /* of ScdWatchRow, in the order of arrival */
    GArray *entries;           /* of SCARD_READERSTATE, made for each call */
    DWORD plug_and_play;       /* the last state of the plug-and-play entry */
    gboolean no_plug_and_play; /* one call cannot take that entry in addition to all readers */
    gboolean doubtful;
    gboolean saw_all; /* by the last call of SCardGetStatusChange */
    guint generation;
};

static void
free_reader_list(ScdReaderList *list)
{
    g_hash_table_unref(list->set);
    g_ptr_array_unref(list->names);
    g_free(list);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReaderList, free_reader_list)

/* Parses a multi-string: names that each end with a NUL, and an empty name at the end. */
static void
add_names(ScdReaderList *list, const char *text, gsize length)
{
    const char *end = text + length;

    while (text < end && *text) {
        gsize n = strnlen(text, (gsize)(end - text));
        g_autofree char *name = g_strndup(text, n);
        text += n + 1;
        if (n > SCD_READER_NAME_MAX_LENGTH || g_hash_table_contains(list->set, name))
            continue; /* no call accepts it, or would reach the second one */
        g_hash_table_add(list->set, name);
        g_ptr_array_add(list->names, g_steal_pointer(&name));
    }
}

/* Returns a PC/SC code; an empty list is a success. */
static guint32
list_readers(long context, ScdReaderList **list)
{
    char *text = NULL;
    DWORD length = SCARD_AUTOALLOCATE;
    guint32 code = SCardListReaders(context, NULL, (LPSTR)&text, &length);

    if (code != SCARD_S_SUCCESS && code != SCARD_E_NO_READERS_AVAILABLE)
        return code;
    *list = g_new0(ScdReaderList, 1);
    (*list)->names = g_ptr_array_new_with_free_func(g_free);
    (*list)->set = g_hash_table_new(g_str_hash, g_str_equal);
    if (code == SCARD_S_SUCCESS)
        add_names(*list, text, length);
    if (text)
        SCardFreeMemory(context, text);
    return SCARD_S_SUCCESS;
}

static void
clear_row(gpointer data)
{
    ScdWatchRow *row = data;
    g_clear_pointer(&row->state, scd_reader_state_unref);
    g_clear_pointer(&row->name, g_free);
}

static ScdWatchRow *
get_row(const ScdWatchList *list, guint index)
{
    return &g_array_index(list->rows, ScdWatchRow, index);
}

ScdWatchList *
scd_watch_list_new(void)
{
    ScdWatchList *list = g_new0(ScdWatchList, 1);
    list->owner = g_thread_self();
    list->rows = g_array_new(FALSE, FALSE, sizeof(ScdWatchRow));
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
is_same_list(const ScdReaderList *a, const ScdReaderList *b)
{
    if (a->names->len != b->names->len)
        return FALSE;
    for (guint i = 0; i < a->names->len; i++)
        if (!g_hash_table_contains(b->set, a->names->pdata[i]))
            return FALSE;
    return TRUE;
}

static gboolean
has_reader_left(const ScdWatchList *list, const ScdReaderList *readers)
{
    for (guint i = 0; i < list->rows->len; i++)
        if (!g_hash_table_contains(readers->set, get_row(list, i)->name))
            return TRUE;
    return FALSE;
}

/* Returns whether the answer has the known readers and no others. */
static gboolean
is_as_known(const ScdWatchList *list, const ScdReaderList *readers)
{
    return readers->names->len == list->rows->len && !has_reader_left(list, readers);
}

static void
note_list_change(ScdWatchList *list)
{
    list->generation++;
    list->no_plug_and_play = FALSE;
}

static void
remove_left_readers(ScdWatchList *list, const ScdReaderList *last, const ScdReaderList *before)
{
    for (guint i = list->rows->len; i-- > 0;) {
        const char *name = get_row(list, i)->name;
        if (g_hash_table_contains(last->set, name) || g_hash_table_contains(before->set, name))
            continue;
        g_array_remove_index(list->rows, i);
        note_list_change(list);
    }
}

static gboolean
is_in_list(const ScdWatchList *list, const char *name)
{
    for (guint i = 0; i < list->rows->len; i++)
        if (g_str_equal(get_row(list, i)->name, name))
            return TRUE;
    return FALSE;
}

static void
add_reader(ScdWatchList *list, const char *name)
{
    ScdWatchRow row = {.name = g_strdup(name), .current = SCARD_STATE_UNAWARE};
    g_array_append_val(list->rows, row);
    note_list_change(list);
}

/* Returns whether pcscd has a reader of this name now. */
static gboolean
has_state(long context, const char *name)
{
    SCARD_READERSTATE entry = {.szReader = name, .dwCurrentState = SCARD_STATE_UNAWARE};
    guint32 code = SCardGetStatusChange(context, 0, &entry, 1);

    return code == SCARD_S_SUCCESS && !(entry.dwEventState & SCARD_STATE_UNKNOWN);
}

/*
 * Returns whether a name of the last answer is in the one before, too; or in an earlier one, if its
 * state can be read: while answers alternate, a wrong name may come twice as well.
 */
static gboolean
is_confirmed(const GPtrArray *answers, long context, const char *name)
{
    for (guint i = answers->len - 1; i-- > 0;) {
        const ScdReaderList *answer = answers->pdata[i];
        if (g_hash_table_contains(answer->set, name))
            return i == answers->len - 2 || has_state(context, name);
    }
    return FALSE;
}

static void
apply_answers(ScdWatchList *list, const GPtrArray *answers, long context)
{
    const ScdReaderList *last = answers->pdata[answers->len - 1];
    const ScdReaderList *before = answers->pdata[answers->len - 2];

    remove_left_readers(list, last, before);
    for (guint i = 0; i < last->names->len; i++) {
        const char *name = last->names->pdata[i];
        if (!is_in_list(list, name) && is_confirmed(answers, context, name))
            add_reader(list, name);
    }
    list->doubtful = !is_same_list(last, before);
}

/* Appends one answer; returns a PC/SC code. */
static guint32
read_answer(GPtrArray *answers, long context)
{
    ScdReaderList *readers = NULL;
    guint32 code = list_readers(context, &readers);

    if (code == SCARD_S_SUCCESS)
        g_ptr_array_add(answers, readers);
    return code;
}

static gboolean
need_answer(const ScdWatchList *list, const GPtrArray *answers)
{
    guint n = answers->len;

    if (n < 2)
        return n == 0 || !is_as_known(list, answers->pdata[0]);
    return n < ANSWERS_MAX && !is_same_list(answers->pdata[n - 1], answers->pdata[n - 2]);
}

guint32
scd_watch_list_enumerate(ScdWatchList *list, long context)
{
    g_assert(g_thread_self() == list->owner);

    g_autoptr(GPtrArray) answers = g_ptr_array_new_with_free_func((GDestroyNotify)free_reader_list);
    guint32 code = SCARD_S_SUCCESS;

    while (code == SCARD_S_SUCCESS && need_answer(list, answers)) {
        if (answers->len == 1 && has_reader_left(list, answers->pdata[0]) &&
            !scd_pcscd_is_serving())
            return SCARD_E_NO_SERVICE;
        code = read_answer(answers, context);
    }
    if (code != SCARD_S_SUCCESS)
        return code;
    if (answers->len > 1)
        apply_answers(list, answers, context);
    else
        list->doubtful = FALSE;
    return SCARD_S_SUCCESS;
}

/*
 * pcscd changes a state before its event count. If the state was read in between, the count is
 * about to increase: returns the increased one, also if the state is read in between once more.
 */
static guint16
read_event_count(const ScdWatchRow *row, DWORD event)
{
    const ScdReaderState *before = row->state;
    guint16 count = event >> 16;

    if (!before)
        return count;
    if (event & SCARD_STATE_UNAVAILABLE)
        return before->event_count;
    gboolean has_card = (event & SCARD_STATE_PRESENT) != 0;
    if (scd_reader_state_has_card(before) == has_card)
        return count == row->current >> 16 ? before->event_count : count;
    return count == before->event_count ? count + 1 : count;
}

static void
store_state(ScdWatchList *list, ScdWatchRow *row, const SCARD_READERSTATE *entry)
{
    DWORD event = entry->dwEventState & ~(DWORD)SCARD_STATE_CHANGED;

    gsize atr_length = event & SCARD_STATE_PRESENT ? entry->cbAtr : 0;

    /* A length that no ATR has is a fault of the library: the state is read again. */
    if ((event & SCARD_STATE_UNKNOWN) || atr_length > SCD_ATR_SIZE_MAX) {
        list->doubtful = TRUE;
        list->saw_all = FALSE;
        return;
    }
    guint16 event_count = read_event_count(row, event);
    row->current = event;

    g_autoptr(ScdReaderState) state =
        scd_reader_state_new(row->name, event & 0xFFFF, event_count, entry->rgbAtr, atr_length);
    if (row->state && scd_reader_state_equal(row->state, state))
        return;
    g_clear_pointer(&row->state, scd_reader_state_unref);
    row->state = g_steal_pointer(&state);
}

/*
 * Before pcsc-lite 2.3 this entry has no count, and misses readers that appear between two waits.
 * Later versions count devices: all but the first slot of one can be missed in the same way.
 * pcsc-lite 2.5 may omit the count in one answer, and then reports no change in the next one even
 * if a reader appeared. Any count that differs from the last one is therefore a change.
 */
static void
store_plug_and_play(ScdWatchList *list, DWORD event)
{
    DWORD last = list->plug_and_play;

    list->plug_and_play = event & ~(DWORD)SCARD_STATE_CHANGED;
    if ((event & SCARD_STATE_CHANGED) || event >> 16 == 0 || event >> 16 != last >> 16)
        list->doubtful = TRUE;
}

/*
 * read_all: pass no known states. libpcsclite then returns at once, and does not register for
 * events, in which pcsc-lite 2.5 may fail when readers appear.
 */
static void
make_entries(ScdWatchList *list, gboolean read_all)
{
    guint n = list->rows->len;

    g_array_set_size(list->entries, 0);
    g_array_set_size(list->entries, n + 1);
    SCARD_READERSTATE *entries = (SCARD_READERSTATE *)list->entries->data;
    for (guint i = 0; i < n; i++) {
        entries[i].szReader = get_row(list, i)->name;
        entries[i].dwCurrentState = read_all ? SCARD_STATE_UNAWARE : get_row(list, i)->current;
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
        store_state(list, get_row(list, i), &entries[i]);
    if (!list->no_plug_and_play)
        store_plug_and_play(list, entries[n].dwEventState);
    list->doubtful |= list->no_plug_and_play || code == SCARD_E_TIMEOUT;
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
        if (!get_row(list, i)->state)
            return TRUE;
    return FALSE;
}

gboolean
scd_watch_list_may_miss_swaps(const ScdWatchList *list)
{
    for (guint i = 0; i < list->rows->len; i++) {
        const ScdReaderState *state = get_row(list, i)->state;
        if (state && scd_reader_state_has_card(state) && state->event_count == 0)
            return TRUE;
    }
    return FALSE;
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
        if (get_row(list, i)->state)
            g_ptr_array_add(states, scd_reader_state_ref(get_row(list, i)->state));
    return states;
}
