/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The groups [Limits] and [Transactions] of the settings, and the reader of key files, which all
 * settings and the store of aliases use. The table in config.c has names, defaults and ranges.
 */

#include <glib.h>

typedef struct {
    /* [Limits] */
    guint32 sessions_per_user;
    guint32 sessions;
    guint32 calls_per_session; /* that have not been answered */
    guint32 bytes_per_session; /* in the commands of these calls */
    guint32 waiters_per_user;
    guint32 wait_calls;
    guint32 wait_limit_s;    /* of calls without "timeout-ms" */
    guint32 memory_per_user; /* bytes, behind the authorization */
    guint32 memory;

    /* [Transactions] */
    guint32 idle_limit_s;
    guint32 total_limit_s;
} ScdConfig;

void scd_config_set_defaults(ScdConfig *config);

gboolean scd_config_has_group(const char *group);

/* Returns a warning in English, which the caller frees, and changes nothing; or NULL. */
char *scd_config_set(ScdConfig *config, const char *group, const char *key, const char *value);

/*
 * Reads the text of a key file (GKeyFile) line by line. An error in one line does not affect the
 * others: each line that is not valid causes a warning and is ignored. Any bytes are accepted.
 */

/* group() and value() return a warning in English, which the caller frees, or NULL. */
typedef struct {
    /*
     * Returns whether to read the lines of a group and to warn about them. NULL stands for the
     * lines before the first group.
     */
    gboolean (*is_mine)(const char *group);
    /* At the header of a group, which is in this line; may be NULL. */
    char *(*group)(gpointer data, const char *group, guint line);
    char *(*value)(gpointer data, const char *group, const char *key, const char *value);
    void (*fault)(gpointer data, const char *group); /* at a line that is no setting; may be NULL */
} ScdKeyLinesReader;

/* Returns all warnings, each with the number of its line in front. The caller frees the vector. */
char **scd_key_lines_read(const char *text, gsize length, const ScdKeyLinesReader *reader,
                          gpointer data);
