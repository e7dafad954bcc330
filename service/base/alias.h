/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A name that the administrator gives to a reader: "login".
 *
 * It is bound to the port that the reader is plugged into, or to the reader's serial number, and in
 * both cases to one interface and one slot there. Nothing in it tells which readers there are.
 */

#include <glib.h>

#include "base/identity.h"

#define SCD_ALIAS_MAX_LENGTH 64 /* bytes */

typedef struct {
    char *name;
    char *serial;    /* NULL when it is bound to the port */
    ScdUsbPort port; /* all 0 when it is bound to the serial number */
    guint8 interface;
    guint slot;
} ScdAlias;

/*
 * Letters and digits of any script, and after the first also "-", "_", "." and single spaces; 1 to
 * SCD_ALIAS_MAX_LENGTH bytes. No USB port and nothing like a PC/SC name, "Front desk 00 00": those
 * are ways to name readers already. SCD_INVALID_ARGUMENT.
 */
gboolean scd_alias_check_name(const char *name, GError **error);

/*
 * The name must have passed the check. The serial number is cleaned (device-text.h); NULL is
 * returned when nothing is left of it.
 */
ScdAlias *scd_alias_new_for_port(const char *name, const ScdUsbPath *path, guint slot);
ScdAlias *scd_alias_new_for_serial(const char *name, const char *serial, guint8 interface,
                                   guint slot);
ScdAlias *scd_alias_copy(const ScdAlias *alias);
void scd_alias_free(ScdAlias *alias);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdAlias, scd_alias_free)

/* Whether both are bound to the same, whatever their names. */
gboolean scd_alias_is_bound_alike(const ScdAlias *a, const ScdAlias *b);

/*
 * Whether it names this reader. Where no path is known the interface counts as 0. A serial number
 * may be that of several readers: whoever asks for all has to see to that.
 */
gboolean scd_alias_names(const ScdAlias *alias, const ScdIdentity *reader);
