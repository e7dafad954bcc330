/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/status-text.h"

#include <systemd/sd-daemon.h>

/* Limits the number of messages to systemd while cards are inserted and removed quickly. */
#define DELAY_MS 100

struct ScdStatusText {
    ScdReaders *readers;
    ScdSessions *sessions;
    char *trouble; /* NULL while pcscd is available */
    guint timer;
};

ScdStatusText *
scd_status_text_new(ScdReaders *readers, ScdSessions *sessions)
{
    ScdStatusText *status_text = g_new0(ScdStatusText, 1);

    status_text->readers = readers;
    status_text->sessions = sessions;
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
get_plural_ending(guint number)
{
    return number == 1 ? "" : "s";
}

static gboolean
send_status_text(gpointer data)
{
    ScdStatusText *status_text = data;
    guint n_sessions = scd_sessions_count(status_text->sessions);
    guint n_readers, n_cards;

    status_text->timer = 0;
    if (status_text->trouble) {
        sd_notifyf(0, "STATUS=%s", status_text->trouble);
        return G_SOURCE_REMOVE;
    }
    scd_readers_count(status_text->readers, &n_readers, &n_cards);
    sd_notifyf(0, "STATUS=%u reader%s, %u card%s, %u session%s", n_readers,
               get_plural_ending(n_readers), n_cards, get_plural_ending(n_cards), n_sessions,
               get_plural_ending(n_sessions));
    return G_SOURCE_REMOVE;
}

void
scd_status_text_changed(ScdStatusText *status_text)
{
    if (!status_text->timer)
        status_text->timer = g_timeout_add(DELAY_MS, send_status_text, status_text);
}

void
scd_status_text_set_trouble(ScdStatusText *status_text, const char *trouble)
{
    g_free(status_text->trouble);
    status_text->trouble = g_strdup(trouble);
    scd_status_text_changed(status_text);
}
