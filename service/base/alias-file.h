/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Aliases as text: the group [Aliases] of a key file, a line each.
 *
 *     login=port 1-3.1
 *     door=port 1-3.1 interface 2 slot 1
 *     badge=serial '0123456789' slot 1
 *
 * Interface and slot are 0 where they are not named. Words are quoted as in a shell where there is
 * need.
 */

#include <glib.h>

#include "base/alias.h"

/* An empty list of ScdAlias. */
GPtrArray *scd_alias_file_new(void);

/*
 * Adds what any bytes tell to the list. A name or a binding that is in it already stays as it is:
 * the first text read wins. Gives what was not understood, a line of English each.
 */
char **scd_alias_file_read(GPtrArray *aliases, const char *text, gsize length);

/* Likewise, of a file of settings: its other groups are somebody else's. */
char **scd_alias_file_read_settings(GPtrArray *aliases, const char *text, gsize length);

char *scd_alias_file_write(const GPtrArray *aliases);
