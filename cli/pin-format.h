/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The format of a PIN entry at a reader, in the form KEY=VALUE: the keys of Session.VerifyPin and
 * ModifyPin in org.smartcardd1(5). Lists are separated by commas, truth values are yes and no.
 */

#include <glib.h>

/*
 * Returns a dictionary, a{sv}, that the caller frees. words ends with NULL. Fails for an unknown
 * key and for a value of another type; the service checks the rest.
 */
GVariant *ctl_pin_format_parse(const char *const *words, GError **error);
