/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/log.h"

#include <stdio.h>

enum { WARNING = 4, NOTICE, INFO, DEBUG }; /* priorities of syslog */

static const char *const levels[] = {
    "emerg",         "alert",           "crit", "err", [WARNING] = "warning", [NOTICE] = "notice",
    [INFO] = "info", [DEBUG] = "debug",
};

enum { AUTO, JOURNAL, CONSOLE, NOWHERE };

static const char *const targets[] = {
    [AUTO] = "auto",
    [JOURNAL] = "journal",
    [CONSOLE] = "console",
    [NOWHERE] = "null",
};

/* Atomic. */
static gint level = INFO;
static gint target = AUTO;

/* Maps flags to priorities as GLib does for the journal. */
static gint
get_level(GLogLevelFlags flags)
{
    switch (flags & G_LOG_LEVEL_MASK) {
    case G_LOG_LEVEL_DEBUG:
        return DEBUG;
    case G_LOG_LEVEL_INFO:
        return INFO;
    case G_LOG_LEVEL_MESSAGE:
        return NOTICE;
    default:
        return WARNING;
    }
}

static gboolean
goes_to_journal(void)
{
    gint chosen = g_atomic_int_get(&target);
    return chosen == JOURNAL || (chosen == AUTO && g_log_writer_is_journald(fileno(stderr)));
}

static GLogWriterOutput
write_message(GLogLevelFlags flags, const GLogField *fields, gsize n_fields, gpointer data)
{
    if (get_level(flags) > g_atomic_int_get(&level) || g_atomic_int_get(&target) == NOWHERE)
        return G_LOG_WRITER_HANDLED;
    if (goes_to_journal() &&
        g_log_writer_journald(flags, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
        return G_LOG_WRITER_HANDLED;
    return g_log_writer_standard_streams(flags, fields, n_fields, NULL);
}

static gboolean
set_word(gint *place, const char *const *words, gsize n_words, const char *word)
{
    for (gsize i = 0; i < n_words; i++) {
        if (!g_str_equal(words[i], word))
            continue;
        g_atomic_int_set(place, i);
        return TRUE;
    }
    return FALSE;
}

void
scd_log_start(void)
{
    const char *domains = g_getenv("G_MESSAGES_DEBUG");

    if (domains && *domains)
        g_atomic_int_set(&level, DEBUG);
    g_log_set_writer_func(write_message, NULL, NULL);
}

const char *
scd_log_level(void)
{
    return levels[g_atomic_int_get(&level)];
}

gboolean
scd_log_set_level(const char *word)
{
    return set_word(&level, levels, G_N_ELEMENTS(levels), word);
}

const char *
scd_log_target(void)
{
    return targets[g_atomic_int_get(&target)];
}

gboolean
scd_log_set_target(const char *word)
{
    return set_word(&target, targets, G_N_ELEMENTS(targets), word);
}
