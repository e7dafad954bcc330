/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The properties of one object: an a{sv}, as the bus gives it. Who reads one
 * gets an empty value for what is missing or of another type, as an older or
 * newer service may have it. Text belongs to the a{sv}.
 */

#include <glib.h>

const char *ctl_property_text(GVariant *properties, const char *name);
gboolean ctl_property_flag(GVariant *properties, const char *name);
guint64 ctl_property_number(GVariant *properties, const char *name);
GBytes *ctl_property_bytes(GVariant *properties, const char *name);

/* Only the container is to be freed. */
const char **ctl_property_list(GVariant *properties, const char *name);

/*
 * The properties after a PropertiesChanged signal, in the order they had; new ones come last.
 * Neither reference is taken over.
 */
GVariant *ctl_property_merge(GVariant *properties, GVariant *changed,
                             const char *const *invalidated);
