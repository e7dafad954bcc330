/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/headline.h"

/* Cards that come and go as fast as they can do not keep systemd busy. */
#define DELAY_MS 100

struct ScdHeadline {
    ScdReaders *readers;
    ScdSessions *sessions;
    ScdHeadlineFunc tell;
    gpointer data;
    char *trouble;
    guint timer;
};

ScdHeadline *
scd_headline_new(ScdReaders *readers, ScdSessions *sessions, ScdHeadlineFunc tell, gpointer data)
{
    ScdHeadline *headline = g_new0(ScdHeadline, 1);

    headline->readers = readers;
    headline->sessions = sessions;
    headline->tell = tell;
    headline->data = data;
    return headline;
}

void
scd_headline_free(ScdHeadline *headline)
{
    g_clear_handle_id(&headline->timer, g_source_remove);
    g_free(headline->trouble);
    g_free(headline);
}

static const char *
ending(guint number)
{
    return number == 1 ? "" : "s";
}

static gboolean
tell(gpointer data)
{
    ScdHeadline *headline = data;
    guint n_sessions = scd_sessions_count(headline->sessions);
    guint n_readers, n_cards;

    headline->timer = 0;
    if (headline->trouble) {
        headline->tell(headline->trouble, headline->data);
        return G_SOURCE_REMOVE;
    }
    scd_readers_count(headline->readers, &n_readers, &n_cards);
    g_autofree char *text =
        g_strdup_printf("%u reader%s, %u card%s, %u session%s", n_readers, ending(n_readers),
                        n_cards, ending(n_cards), n_sessions, ending(n_sessions));
    headline->tell(text, headline->data);
    return G_SOURCE_REMOVE;
}

void
scd_headline_changed(ScdHeadline *headline)
{
    if (!headline->timer)
        headline->timer = g_timeout_add(DELAY_MS, tell, headline);
}

void
scd_headline_set_trouble(ScdHeadline *headline, const char *trouble)
{
    g_free(headline->trouble);
    headline->trouble = g_strdup(trouble);
    scd_headline_changed(headline);
}
