/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the administrator may set, in smartcardd.conf.
 *
 * A fault in the file must not keep the service from its work: what is not understood is told and
 * passed over, and only that, each setting being as good as the next. The table in config.c has
 * names, defaults and ranges; data/ has an example of the file and its man page.
 */

#include <glib.h>

typedef struct {
    /* [Limits] */
    guint32 sessions_per_user;
    guint32 sessions;
    guint32 calls_per_session; /* that wait for their answer */
    guint32 bytes_per_session; /* in the commands of these calls */
    guint32 waiters_per_user;
    guint32 wait_calls;

    /* [Transactions] */
    guint32 idle_limit_s;
} ScdConfig;

void scd_config_set_defaults(ScdConfig *config);

/*
 * Reads the text of a file, any bytes, over what is set already. Gives what was not understood, a
 * line of English each.
 */
char **scd_config_read(ScdConfig *config, const char *text, gsize length);
