/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An alias is a name that the administrator gives to a reader, such as "login".
 *
 * It is bound either to the USB port that the reader is plugged into or to the reader's serial
 * number, and in both cases to one interface and one slot; or to the reader to which a rule of the
 * settings applies. Such a reader need not exist.
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
#include "base/reader-name.h"
#include "base/reader-rule.h"

typedef struct {
    char *name;
    char *file;      /* of settings; NULL if it was set by SetAlias() */
    char *serial;    /* NULL if it is bound to the port or by a rule */
    ScdUsbPort port; /* all zero if it is bound otherwise */
    guint8 interface;
    guint slot;
    const ScdReaderRule *rule; /* of the same settings; else NULL */
} ScdAlias;

/*
 * The name must have passed scd_alias_check_name(). The serial number is cleaned with
 * scd_device_text_clean(); the function returns NULL if nothing is left of it.
 */
ScdAlias *scd_alias_new_for_port(const char *name, const ScdUsbPath *path, guint slot);
ScdAlias *scd_alias_new_for_serial(const char *name, const char *serial, guint8 interface,
                                   guint slot);
/* rule: one that has an alias. */
ScdAlias *scd_alias_new_for_rule(const ScdReaderRule *rule);
ScdAlias *scd_alias_copy(const ScdAlias *alias);
void scd_alias_free(ScdAlias *alias);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdAlias, scd_alias_free)

/* Returns whether both have the same binding; their names may differ. */
gboolean scd_alias_is_bound_alike(const ScdAlias *a, const ScdAlias *b);

/*
 * Returns whether the alias is bound to this reader. The interface of a reader without a USB path
 * counts as 0. Several readers may have the same serial number, or a rule may apply to several: the
 * caller has to check for that.
 */
gboolean scd_alias_names(const ScdAlias *alias, const ScdIdentity *reader);

/* Returns whether several readers may fit the alias. */
gboolean scd_alias_may_be_shared(const ScdAlias *alias);

/* Returns an empty list of ScdAlias, which owns its elements. */
GPtrArray *scd_alias_file_new(void);

/*
 * Appends the aliases in the text, which may be any bytes, to the list. An alias whose name or
 * binding is already in the list is skipped, so the first text read takes precedence. Returns one
 * warning in English for each line that is not valid; the caller frees the vector.
 */
char **scd_alias_file_read(GPtrArray *aliases, const char *text, gsize length);

/* The name of the group. */
#define SCD_ALIASES_GROUP "Aliases"

/*
 * Adds an alias of a file of settings to the list. It replaces those of other files that have the
 * same name or the same binding; in one file, the first one counts. Returns a warning in English,
 * which the caller frees, or NULL.
 */
char *scd_alias_add_setting(GPtrArray *aliases, const char *file, const char *name,
                            const char *value);

/* Returns the text of a file with these aliases; the caller frees it. */
char *scd_alias_file_write(const GPtrArray *aliases);
