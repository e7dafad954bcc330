/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An alias is a name that the administrator gives to a reader, such as "login".
 *
 * It is bound either to the USB port that the reader is plugged into or to the reader's serial
 * number, and in both cases to one interface and one slot. Whether such a reader exists is not part
 * of it.
 *
 * In a key file, aliases are the group [Aliases], one line each. Interface and slot are 0 where
 * they are left out. Words are quoted as in a shell where necessary.
 *
 *     [Aliases]
 *     login=port 1-3.1
 *     door=port 1-3.1 interface 2 slot 1
 *     badge=serial '0123456789' slot 1
 */

#include <glib.h>

#include "base/identity.h"

#define SCD_ALIAS_MAX_LENGTH 64 /* bytes */

typedef struct {
    char *name;
    char *serial;    /* NULL if it is bound to the port */
    ScdUsbPort port; /* all zero if it is bound to the serial number */
    guint8 interface;
    guint slot;
} ScdAlias;

/*
 * Returns whether the name is valid: 1 to SCD_ALIAS_MAX_LENGTH bytes of UTF-8, made of letters and
 * digits of any script and, after the first character, also "-", "_", "." and single spaces. USB
 * ports and PC/SC names ("Front desk 00 00") are refused because they already name readers. The
 * error is SCD_INVALID_ARGS.
 */
gboolean scd_alias_check_name(const char *name, GError **error);

/*
 * The name must have passed scd_alias_check_name(). The serial number is cleaned with
 * scd_device_text_clean(); the function returns NULL if nothing is left of it.
 */
ScdAlias *scd_alias_new_for_port(const char *name, const ScdUsbPath *path, guint slot);
ScdAlias *scd_alias_new_for_serial(const char *name, const char *serial, guint8 interface,
                                   guint slot);
ScdAlias *scd_alias_copy(const ScdAlias *alias);
void scd_alias_free(ScdAlias *alias);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdAlias, scd_alias_free)

/* Returns whether both have the same binding; their names may differ. */
gboolean scd_alias_is_bound_alike(const ScdAlias *a, const ScdAlias *b);

/*
 * Returns whether the alias is bound to this reader. The interface of a reader without a USB path
 * counts as 0. Several readers may have the same serial number: the caller has to check for that.
 */
gboolean scd_alias_names(const ScdAlias *alias, const ScdIdentity *reader);

/* Returns an empty list of ScdAlias, which owns its elements. */
GPtrArray *scd_alias_file_new(void);

/*
 * Appends the aliases in the text, which may be any bytes, to the list. An alias whose name or
 * binding is already in the list is skipped, so the first text read takes precedence. Returns one
 * warning in English for each line that is not valid; the caller frees the vector.
 */
char **scd_alias_file_read(GPtrArray *aliases, const char *text, gsize length);

/* The same for a file of settings: other groups are ignored without a warning. */
char **scd_alias_file_read_settings(GPtrArray *aliases, const char *text, gsize length);

/* Returns the text of a file with these aliases; the caller frees it. */
char *scd_alias_file_write(const GPtrArray *aliases);
