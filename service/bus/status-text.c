/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/status-text.h"

/* Cards that come and go as fast as they can do not keep systemd busy. */
#define DELAY_MS 100

struct ScdStatusText {
    ScdReaders *readers;
    ScdSessions *sessions;
    ScdStatusTextFunc tell;
    gpointer data;
    char *trouble;
    guint timer;
};

ScdStatusText *
scd_status_text_new(ScdReaders *readers, ScdSessions *sessions, ScdStatusTextFunc tell,
                    gpointer data)
{
    ScdStatusText *status_text = g_new0(ScdStatusText, 1);

    status_text->readers = readers;
    status_text->sessions = sessions;
    status_text->tell = tell;
    status_text->data = data;
    return status_text;
}

void
scd_status_text_free(ScdStatusText *status_text)
{
    g_clear_handle_id(&status_text->timer, g_source_remove);
    g_free(status_text->trouble);
    g_free(status_text);
}

static const char *
ending(guint number)
{
    return number == 1 ? "" : "s";
}

static gboolean
tell(gpointer data)
{
    ScdStatusText *status_text = data;
    guint n_sessions = scd_sessions_count(status_text->sessions);
    guint n_readers, n_cards;

    status_text->timer = 0;
    if (status_text->trouble) {
        status_text->tell(status_text->trouble, status_text->data);
        return G_SOURCE_REMOVE;
    }
    scd_readers_count(status_text->readers, &n_readers, &n_cards);
    g_autofree char *text =
        g_strdup_printf("%u reader%s, %u card%s, %u session%s", n_readers, ending(n_readers),
                        n_cards, ending(n_cards), n_sessions, ending(n_sessions));
    status_text->tell(text, status_text->data);
    return G_SOURCE_REMOVE;
}

void
scd_status_text_changed(ScdStatusText *status_text)
{
    if (!status_text->timer)
        status_text->timer = g_timeout_add(DELAY_MS, tell, status_text);
}

void
scd_status_text_set_trouble(ScdStatusText *status_text, const char *trouble)
{
    g_free(status_text->trouble);
    status_text->trouble = g_strdup(trouble);
    scd_status_text_changed(status_text);
}
