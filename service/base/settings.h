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
#include "base/login-cards.h"
#include "base/reader-rule.h"

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
