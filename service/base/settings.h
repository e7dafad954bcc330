/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The administrator's settings: smartcardd.conf, and the files *.conf in the folder
 * smartcardd.conf.d beside it, in the order of their names. Each file may have each group; a later
 * file overrides an earlier one.
 *
 * An error must not keep the service from starting: each line that is not valid causes a warning
 * and is ignored, and the others take effect.
 */

#include <glib.h>

#include "base/alias.h"
#include "base/config.h"
#include "base/reader-rule.h"

/*
 * The cards that count for a login: LoginCards= in the settings, which has the ATRs of cards, with
 * masks, and their names in the list of cards.
 */

typedef struct ScdLoginCards ScdLoginCards;

/* Returns an empty list: no card counts. */
ScdLoginCards *scd_login_cards_new(void);
void scd_login_cards_free(ScdLoginCards *cards);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdLoginCards, scd_login_cards_free)

/*
 * Adds the cards of a value: "atr HEX", "atr HEX mask HEX" or "name PATTERN", any number of them,
 * quoted as in a shell. An empty value removes all that were added before. Returns a warning in
 * English, which the caller frees, and adds nothing; or NULL.
 */
char *scd_login_cards_add(ScdLoginCards *cards, const char *value);

/* Returns whether there are names, for which the list of cards is needed. */
gboolean scd_login_cards_have_names(const ScdLoginCards *cards);

/*
 * Returns whether a card counts. A mute card, which has no ATR, never does. names: those that the
 * list of cards has for the ATR.
 */
gboolean scd_login_cards_has(const ScdLoginCards *cards, const guint8 *atr, gsize length,
                             const char *const *names);

/* Immutable and reference-counted once it was read. */
typedef struct {
    ScdConfig config;
    GPtrArray *rules;   /* of ScdReaderRule, in the order of the files */
    GPtrArray *aliases; /* of ScdAlias; of those that fit a reader, the first one counts */
    ScdLoginCards *login_cards;
    GPtrArray *warnings; /* of char *: "FILE: line N: …", in English */
    char *unreadable;    /* why a file could not be read; NULL if all could */
} ScdSettings;

/* Returns the default settings. The next two functions change them, before they are shared. */
ScdSettings *scd_settings_new(void);

/* Adds the text of a file, which may be any bytes. */
void scd_settings_add(ScdSettings *settings, const char *file, const char *text, gsize length);

/* Checks the rules, and orders the aliases: must follow the last text. */
void scd_settings_finish(ScdSettings *settings);

/*
 * Returns the settings of a file and its folder FILE.d. A file that is missing is no error. Blocks.
 */
ScdSettings *scd_settings_read(const char *file);

/* Logs the warnings. */
void scd_settings_log_warnings(const ScdSettings *settings);

ScdSettings *scd_settings_ref(ScdSettings *settings);
void scd_settings_unref(ScdSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdSettings, scd_settings_unref)
