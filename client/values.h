/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Copies properties of an object of the service to properties of a GObject. The class has a table
 * of them, and each object has their values in an array of the same length. All functions are for
 * the main context of the client.
 */

#include <gio/gio.h>

typedef struct {
    const char *name;         /* on the bus; NULL for one that the service does not have */
    const char *property;     /* of the GObject; NULL: none */
    const GVariantType *type; /* s, o, b, y, q, u, as or ay */
    const char *nick;
} SmartcarddField;

typedef union {
    char *text;
    guint number;
    char **list;
    GBytes *bytes;
} SmartcarddValue;

/*
 * Installs properties with the numbers 1 to n_fields, and stores them in specs. They have no
 * blurbs: the comments in the table document them.
 */
void smartcardd_values_install(GObjectClass *class, const SmartcarddField *fields, guint n_fields,
                               GParamSpec **specs);

/* Sets all values to empty ones, which are not NULL. */
void smartcardd_values_init(SmartcarddValue *values, const SmartcarddField *fields, guint n_fields);
void smartcardd_values_clear(SmartcarddValue *values, const SmartcarddField *fields,
                             guint n_fields);

/*
 * Copies the values of a dictionary, a{sv}. Names and types that are not in the table are ignored.
 * Emits "notify" on the object for those that have changed. object: NULL for a new one, which emits
 * nothing
 */
void smartcardd_values_update(SmartcarddValue *values, const SmartcarddField *fields,
                              guint n_fields, GVariant *dictionary, GObject *object,
                              GParamSpec **specs);

/*
 * Returns a dictionary, a{sv}, with the entries of both; those of changes take precedence. The
 * order is that of the first one; new entries come last. Keeps no reference to either.
 */
GVariant *smartcardd_values_merge(GVariant *dictionary, GVariant *changes);

/* Sets a GValue, as the function get_property of a class does. */
void smartcardd_values_get(const SmartcarddValue *value, const SmartcarddField *field,
                           GValue *result);
